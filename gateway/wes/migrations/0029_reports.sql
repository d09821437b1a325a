-- Notices that ended in some days are looked up by their moment (S2-153); reports that were written of such days (S2-157).

CREATE INDEX arrivals_ended ON arrivals (ended_at, arrival_id) WHERE ended_at IS NOT NULL;

CREATE TABLE reports (                           -- 定时报表
    day BIGINT PRIMARY KEY,                      -- on which it was due, as a proleptic ordinal
    since_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    files TEXT NOT NULL,                         -- their names in the site's folder, as a JSON list
    made_at BIGINT NOT NULL
);

-- Stock that stays: an older lot of which something is free while a younger one is picked, goods that neither come nor leave (S2-108).

CREATE TABLE overtaken (
    lot_id BIGINT PRIMARY KEY REFERENCES lots,
    by_lot BIGINT NOT NULL REFERENCES lots,      -- the younger one
    at_us BIGINT NOT NULL                        -- when that was picked first
);
CREATE INDEX overtaken_since ON overtaken (at_us, lot_id);

ALTER TABLE pools ADD COLUMN moved_at BIGINT;    -- when goods last came in or left; NULL: never
UPDATE pools SET moved_at = (SELECT MAX(x.at) FROM ledger x WHERE x.pool_id = pools.pool_id
    AND x.holder_id IN ('SUPPLIER', 'SHIPPED', 'TRANSFER'));
CREATE INDEX pools_slow ON pools (warehouse_id, moved_at) WHERE quantity > 0;
