-- Lots that we number: one number for what comes with one notice (S2-23, S2-29). Products that are taken out of use (S2-10).

ALTER TABLE arrivals ADD COLUMN lot_no TEXT;                  -- NULL: none of its lots was numbered

ALTER TABLE products ADD COLUMN type TEXT NOT NULL DEFAULT '';
ALTER TABLE products ADD COLUMN retired_at BIGINT;            -- NULL: in use
