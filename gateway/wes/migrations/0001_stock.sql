-- Stock and its ledger (S3; S1-22…27; S2-114…116). The sources' names stand behind each table. Quantities are whole
-- units, times microseconds UTC. A balance can never be stored that contradicts itself: the CHECKs are the last word.

CREATE TABLE pools (                             -- SKUInventorySummary, inv_sku: level 1
    pool_id BIGINT PRIMARY KEY,
    warehouse_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    quantity BIGINT NOT NULL DEFAULT 0,
    reserved BIGINT NOT NULL DEFAULT 0,
    allocated BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL DEFAULT 0,
    safety BIGINT NOT NULL DEFAULT 0 CHECK (safety >= 0),
    UNIQUE (warehouse_id, owner_id, sku),
    CONSTRAINT pool_balance CHECK (allocated >= 0 AND held >= 0 AND reserved >= allocated AND quantity >= reserved + held)
);

CREATE TABLE lots (                              -- inv_lot, batch: level 2
    lot_id BIGINT PRIMARY KEY,
    pool_id BIGINT NOT NULL REFERENCES pools,
    lot_no TEXT NOT NULL,
    supplier TEXT NOT NULL,
    production_at BIGINT,
    expiry_at BIGINT,
    received_at BIGINT NOT NULL,
    quality TEXT NOT NULL CHECK (quality IN ('pending', 'qualified', 'rejected', 'expired')),
    serial BIGINT NOT NULL CHECK (serial IN (0, 1)), -- 1: every unit has a row in `units`
    quantity BIGINT NOT NULL DEFAULT 0,
    reserved BIGINT NOT NULL DEFAULT 0,
    allocated BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL DEFAULT 0,
    unplaced BIGINT NOT NULL DEFAULT 0 CHECK (unplaced >= 0), -- of `allocated`: bound to no position (black box)
    barred BIGINT NOT NULL DEFAULT 0,            -- of `held`: held at no position, because of the quality
    UNIQUE (pool_id, lot_no),
    CONSTRAINT lot_balance CHECK (allocated >= 0 AND held >= 0 AND reserved >= allocated AND quantity >= reserved + held),
    CONSTRAINT lot_barred CHECK (
        CASE WHEN quality = 'qualified' THEN barred = 0 ELSE held = quantity END -- then nothing is reserved or allocated
    )
);
CREATE INDEX lots_in_stock ON lots (pool_id, lot_id) WHERE quantity > 0;
CREATE INDEX lots_expiry ON lots (expiry_at) WHERE quality <> 'expired' AND quantity > 0;

CREATE TABLE holders (                           -- location_id or trace id, container
    holder_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('container', 'location', 'virtual', 'outside')),
    warehouse_id TEXT NOT NULL,
    location_id TEXT,                            -- where it stands; a container's moves change nothing else
    zone TEXT NOT NULL,
    distance DOUBLE PRECISION                    -- m to where it is wanted, for `nearest`
);
CREATE INDEX holders_location ON holders (warehouse_id, location_id);

INSERT INTO holders (holder_id, kind, warehouse_id, zone) VALUES
    ('SUPPLIER', 'outside', '', ''), ('SHIPPED', 'outside', '', ''), ('ADJUST', 'outside', '', '');

CREATE TABLE positions (                         -- LocationBatchInventory, inv_location_traceid: level 3
    holder_id TEXT NOT NULL REFERENCES holders,
    lot_id BIGINT NOT NULL REFERENCES lots,
    quantity BIGINT NOT NULL DEFAULT 0,
    allocated BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (holder_id, lot_id),
    CONSTRAINT position_balance CHECK (allocated >= 0 AND held >= 0 AND quantity >= allocated + held)
);
CREATE INDEX positions_in_stock ON positions (lot_id) WHERE quantity > 0;

CREATE TABLE units (                             -- inv_traceid_upn
    upn TEXT PRIMARY KEY,
    lot_id BIGINT NOT NULL REFERENCES lots,
    holder_id TEXT NOT NULL REFERENCES holders
);
CREATE INDEX units_position ON units (holder_id, lot_id);

CREATE TABLE stock_events (                      -- head of the ledger's rows: who did what, for which document, and why
    event_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    document_kind TEXT NOT NULL,
    document_id TEXT NOT NULL,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX stock_events_document ON stock_events (document_id, at);
CREATE INDEX stock_events_operator ON stock_events (operator, at);

CREATE TABLE ledger (                            -- InventoryLedger 库存流水, inventory_transaction: never changed (S3-29…32)
    event_id TEXT NOT NULL REFERENCES stock_events,
    line BIGINT NOT NULL,
    at BIGINT NOT NULL,
    pool_id BIGINT NOT NULL REFERENCES pools,
    lot_id BIGINT NOT NULL REFERENCES lots,
    holder_id TEXT REFERENCES holders,           -- NULL: counts at lot and pool only
    d_quantity BIGINT NOT NULL,
    d_reserved BIGINT NOT NULL,
    d_allocated BIGINT NOT NULL,
    d_held BIGINT NOT NULL,
    quantity_after BIGINT,                       -- of the position, or without a holder of the lot; NULL outside
    reserved_after BIGINT,
    allocated_after BIGINT,
    held_after BIGINT,
    PRIMARY KEY (event_id, line)
);
CREATE INDEX ledger_time ON ledger (at);
CREATE INDEX ledger_pool ON ledger (pool_id, at);
CREATE INDEX ledger_lot ON ledger (lot_id, at);
CREATE INDEX ledger_holder ON ledger (holder_id, at);

CREATE TABLE id_blocks (                         -- numbers below `next` have been given to a run (gateway/wes/ids.py)
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);
