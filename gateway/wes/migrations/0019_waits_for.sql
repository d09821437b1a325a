-- A work order that only a container can serve whose transport has failed: it waits for that one, and holds up nobody else.

ALTER TABLE work_orders ADD COLUMN waits_for TEXT;            -- that container, as the last round of planning has found
CREATE INDEX work_orders_waits_for ON work_orders (work_id) WHERE waits_for IS NOT NULL;
