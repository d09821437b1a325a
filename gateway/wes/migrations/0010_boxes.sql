-- One order, one box: what a work order could not be given comes into its box later, so how often that happened stands at the work.

ALTER TABLE work_orders ADD COLUMN rolled_back BIGINT NOT NULL DEFAULT 0;   -- how often in a row; then a person is asked
