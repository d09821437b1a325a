-- Goods are ordered to be moved: inside the site, to another warehouse, to production (调拨; S2-47…75, S2-39).

CREATE TABLE transfers (                         -- 调拨单
    transfer_id BIGINT PRIMARY KEY,
    transfer_no TEXT NOT NULL UNIQUE,            -- whoever ordered it has numbered it
    request TEXT NOT NULL,                       -- what was ordered, as JSON
    digest TEXT NOT NULL,
    purpose TEXT NOT NULL,
    leaves_to TEXT NOT NULL,                     -- warehouse, production; '': it stays inside
    state TEXT NOT NULL,                         -- table in gateway/wes/transfers/states.py
    created_at BIGINT NOT NULL,
    due_at BIGINT,
    approved_by TEXT,
    approved_at BIGINT,
    waybill TEXT,
    carrier TEXT,
    end_reason TEXT,                             -- why it was ended before its time
    ended_at BIGINT,
    kept TEXT                                    -- long after: its tasks and its log, as JSON; then it has none in their tables
);
CREATE INDEX transfers_open ON transfers (transfer_id) WHERE ended_at IS NULL;
CREATE INDEX transfers_ended ON transfers (ended_at) WHERE ended_at IS NOT NULL AND kept IS NULL;

CREATE TABLE transfer_lines (                    -- 调拨明细
    transfer_id BIGINT NOT NULL REFERENCES transfers,
    line_no BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    lot_no TEXT,                                 -- NULL: whatever expires first
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    source TEXT,                                 -- id or pattern of containers or places
    source_zone TEXT,                            -- neither: wherever it lies
    target TEXT,                                 -- the same
    target_zone TEXT,                            -- neither: it leaves
    received BIGINT CHECK (received >= 0),       -- what the other warehouse says has come
    difference TEXT,                             -- the code of why that is not what was handed over
    PRIMARY KEY (transfer_id, line_no)
);
CREATE INDEX transfer_lines_product ON transfer_lines (sku, transfer_id);

CREATE TABLE transfer_tasks (                    -- 下架, 搬运, 上架: one lot out of one container or place
    task_id BIGINT PRIMARY KEY,
    transfer_id BIGINT NOT NULL REFERENCES transfers,
    line_no BIGINT NOT NULL,
    lot_id BIGINT NOT NULL REFERENCES lots,
    source_id TEXT NOT NULL REFERENCES holders,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    taken BIGINT NOT NULL CHECK (taken >= 0),
    missed BIGINT NOT NULL CHECK (missed >= 0),  -- were not there, or not fit: held at the source
    freed BIGINT NOT NULL CHECK (freed >= 0),    -- are not taken any more
    put BIGINT NOT NULL CHECK (put >= 0),        -- of what was taken: put where it goes, or handed over
    aside BIGINT NOT NULL CHECK (aside >= 0),    -- of what was taken: put elsewhere, as damaged, barred, or of a transfer that was aborted
    lost BIGINT NOT NULL CHECK (lost >= 0),      -- of what was taken: lost on the way
    upns TEXT NOT NULL,                          -- units on the way, as a JSON list
    unbound BIGINT NOT NULL,                     -- 1: its lot was barred, and what is on the way is promised to nobody
    source_visit BIGINT REFERENCES presentations, -- brings the container to a station; NULL: somebody walks, or it is not called yet
    target_visit BIGINT REFERENCES presentations, -- brings the container that it is put into
    ended_at BIGINT,
    CHECK (taken + missed + freed <= quantity AND put + aside + lost <= taken)
);
CREATE INDEX transfer_tasks_order ON transfer_tasks (transfer_id, task_id);
CREATE INDEX transfer_tasks_open ON transfer_tasks (task_id) WHERE ended_at IS NULL;
CREATE INDEX transfer_tasks_lot ON transfer_tasks (lot_id) WHERE ended_at IS NULL;
CREATE INDEX transfer_tasks_source ON transfer_tasks (source_id, task_id) WHERE ended_at IS NULL;
CREATE INDEX transfer_tasks_source_visit ON transfer_tasks (source_visit) WHERE source_visit IS NOT NULL;
CREATE INDEX transfer_tasks_target_visit ON transfer_tasks (target_visit) WHERE target_visit IS NOT NULL;

CREATE TABLE transfer_log (                      -- 调拨操作日志: who, when, what and why; never changed
    log_id BIGINT PRIMARY KEY,
    transfer_id BIGINT NOT NULL REFERENCES transfers,
    task_id BIGINT,
    act TEXT NOT NULL,
    operator TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    holder_id TEXT,
    quantity BIGINT,
    code TEXT,                                   -- of a difference
    reason TEXT
);
CREATE INDEX transfer_log_order ON transfer_log (transfer_id, log_id);

-- What production takes leaves to an account of its own.
INSERT INTO holders (holder_id, kind, warehouse_id, zone) VALUES ('PRODUCTION', 'outside', '', '');
DROP INDEX ledger_outside;
CREATE INDEX ledger_outside ON ledger (lot_id, holder_id, at, event_id)
    WHERE holder_id IN ('SUPPLIER', 'SHIPPED', 'ADJUST', 'TRANSFER', 'PRODUCTION');
