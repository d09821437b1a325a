-- A lot is called back (S2-144): what is known of each recall, and what is to be taken out of boxes for it.

ALTER TABLE lots ADD COLUMN recalled BIGINT NOT NULL DEFAULT 0;  -- 1: nothing of it is promised any more, and nothing leaves

CREATE TABLE recalls (                           -- kept for ever
    recall_id TEXT NOT NULL,                     -- the act
    lot_id BIGINT NOT NULL REFERENCES lots,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    barred_at BIGINT,                            -- NULL: promises are still being taken back
    PRIMARY KEY (recall_id, lot_id)
);
CREATE INDEX recalls_lot ON recalls (lot_id, at_us);
CREATE INDEX recalls_open ON recalls (at_us) WHERE barred_at IS NULL;

ALTER TABLE put_backs ADD COLUMN recall_id TEXT;              -- the goods are recalled; their order goes on without them
ALTER TABLE put_backs ADD COLUMN package_id BIGINT;           -- the sealed box that recalled goods are in
CREATE INDEX put_backs_package ON put_backs (package_id) WHERE package_id IS NOT NULL;

CREATE INDEX allocations_lot ON allocations (lot_id, allocation_id);
-- What came from outside and went there, and how a lot was judged: few of a lot's rows.
CREATE INDEX ledger_outside ON ledger (lot_id, holder_id, at, event_id) WHERE holder_id IN ('SUPPLIER', 'SHIPPED', 'ADJUST');
CREATE INDEX ledger_judged ON ledger (lot_id, at, event_id) WHERE holder_id IS NULL AND d_reserved = 0 AND d_allocated = 0;
