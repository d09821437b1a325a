-- Goods that are on their way are announced, and received against it (S2-22…24, S2-32…37).

CREATE TABLE arrivals (                          -- 到货登记单
    arrival_id BIGINT PRIMARY KEY,
    notice_no TEXT NOT NULL UNIQUE,              -- upstream's
    digest TEXT NOT NULL,                        -- of the notice
    kind TEXT NOT NULL,                          -- purchase, transfer
    owner_id TEXT NOT NULL,
    supplier TEXT NOT NULL,                      -- '': not said
    expected_at BIGINT,
    state TEXT NOT NULL,                         -- announced, partly, received; closed, cancelled
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    end_reason TEXT,                             -- why less came than was announced
    ended_by TEXT                                -- who said so; NULL: all has come, or upstream did
);
CREATE INDEX arrivals_open ON arrivals (arrival_id) WHERE ended_at IS NULL;

CREATE TABLE arrival_lines (                     -- 到货明细
    arrival_id BIGINT NOT NULL REFERENCES arrivals,
    line_no BIGINT NOT NULL,
    sku TEXT NOT NULL,
    lot_no TEXT NOT NULL,                        -- '': whatever lot comes
    production_at BIGINT,
    expiry_at BIGINT,
    announced BIGINT NOT NULL CHECK (announced >= 0), -- 0: nobody has announced it, and it came
    received BIGINT NOT NULL CHECK (received >= 0),
    PRIMARY KEY (arrival_id, line_no)
);

-- Goods of another warehouse come from an account of their own, which nothing else does.
INSERT INTO holders (holder_id, kind, warehouse_id, zone) VALUES ('TRANSFER', 'outside', '', '');
DELETE FROM holders WHERE kind = 'virtual' AND location_id = 'IN_TRANSIT'; -- nothing was ever booked there
DROP INDEX ledger_outside;
CREATE INDEX ledger_outside ON ledger (lot_id, holder_id, at, event_id)
    WHERE holder_id IN ('SUPPLIER', 'SHIPPED', 'ADJUST', 'TRANSFER');
