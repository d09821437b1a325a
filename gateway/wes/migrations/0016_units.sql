-- A serial number is one of its product (a GTIN's, GS1), not of all products; and where a unit has been is kept for ever (S2-143).

CREATE TABLE units_of_products (                 -- inv_traceid_upn
    upn TEXT NOT NULL,
    pool_id BIGINT NOT NULL REFERENCES pools,
    lot_id BIGINT NOT NULL REFERENCES lots,
    holder_id TEXT NOT NULL REFERENCES holders,
    PRIMARY KEY (upn, pool_id)
);
INSERT INTO units_of_products (upn, pool_id, lot_id, holder_id)
    SELECT units.upn, lots.pool_id, units.lot_id, units.holder_id FROM units JOIN lots ON lots.lot_id = units.lot_id;
DROP TABLE units;
ALTER TABLE units_of_products RENAME TO units;
CREATE INDEX units_position ON units (holder_id, lot_id);
CREATE INDEX units_lot ON units (lot_id, upn);

CREATE TABLE unit_moves (                        -- what moves of the ledger's rows; of units that moved before, nothing
    upn TEXT NOT NULL,
    pool_id BIGINT NOT NULL REFERENCES pools,
    at BIGINT NOT NULL,
    event_id TEXT NOT NULL REFERENCES stock_events,
    lot_id BIGINT NOT NULL REFERENCES lots,
    source TEXT NOT NULL REFERENCES holders,
    target TEXT NOT NULL REFERENCES holders,
    PRIMARY KEY (upn, pool_id, at, event_id)
);
