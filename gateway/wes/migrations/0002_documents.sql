-- The outbound chain (S0, S1) as one model; the sources' names stand behind each table. Codes: gateway/wes/codes.py.
-- Ids are numbers from gateway/wes/ids.py, times microseconds UTC, JSON is TEXT.

CREATE TABLE products (                          -- 商品 (S0-3, S0-10, S0-20)
    owner_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    barcodes TEXT NOT NULL,                      -- ["6901…"]
    unit TEXT NOT NULL,
    units_per_case BIGINT,                       -- full-case picking (S1-67, S1-77)
    weight_kg DOUBLE PRECISION,
    shelf_life_days BIGINT,
    serial_tracked BIGINT NOT NULL,
    attributes TEXT NOT NULL,                    -- what rules ask for: {"zone": "cold", …}
    version BIGINT NOT NULL,                     -- upstream's: an older one never overwrites a newer one
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, sku)
);

CREATE TABLE orders (                            -- doc_so_master, 出库单 (S1-10, S4-6…11, S4-15)
    order_id BIGINT PRIMARY KEY,
    outbound_no TEXT NOT NULL UNIQUE,
    command_id TEXT NOT NULL UNIQUE,             -- idempotency of the command (S4-17)
    command_digest TEXT NOT NULL,                -- the same id with another body is a mistake
    oms_order_no TEXT NOT NULL,                  -- may come back under another command (S4-61)
    warehouse_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    consignee TEXT NOT NULL,                     -- {consignee, phone, province, city, district, address}
    carrier_code TEXT,
    service_type TEXT,
    priority BIGINT NOT NULL,                    -- 0 … 9, 9 first
    deadline_at BIGINT,
    ext TEXT NOT NULL,
    code BIGINT NOT NULL,                        -- follows from the lines (S1-47)
    cancel_reason TEXT,
    wave_id BIGINT,
    claimant TEXT,                               -- 索取人 (S1-71)
    review BIGINT NOT NULL,                      -- 1: boxes of it are reviewed (S1-78), decided by rule at audit
    feedback_seq BIGINT NOT NULL,                -- last number given to a message about it: late ones never overwrite
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX orders_open ON orders (warehouse_id, oms_order_no) WHERE code < 190;
CREATE INDEX orders_code ON orders (code, priority, order_id);
CREATE INDEX orders_oms ON orders (oms_order_no);

CREATE TABLE order_lines (                       -- doc_so_details
    line_id BIGINT PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders,
    line_no BIGINT NOT NULL,
    sku TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    reserved BIGINT NOT NULL,                    -- promised and not yet picked
    picked BIGINT NOT NULL,
    shipped BIGINT NOT NULL,
    short BIGINT NOT NULL,                       -- will not come: shortage, short pick, damage
    turnover TEXT NOT NULL,                      -- fifo, fefo, lifo, given, nearest: decided by rule at audit (S1-52)
    lot_no TEXT,                                 -- with `given`
    shelf_life_days BIGINT NOT NULL,             -- how long its lots must keep at least (S1-50)
    packaging TEXT NOT NULL,                     -- piece, case (S1-51)
    code BIGINT NOT NULL,
    UNIQUE (order_id, line_no),
    CHECK (0 <= reserved AND 0 <= picked AND 0 <= short AND reserved + picked + short <= quantity),
    CHECK (0 <= shipped AND shipped <= picked)
);

CREATE TABLE lot_reservations (                  -- doc_lot_alloc_details (S1-11): reserved and not yet allocated
    line_id BIGINT NOT NULL REFERENCES order_lines,
    lot_id BIGINT NOT NULL REFERENCES lots,
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (line_id, lot_id)
);

CREATE TABLE order_exceptions (                  -- doc_so_exception (S1-13)
    exception_id BIGINT PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders,
    line_id BIGINT REFERENCES order_lines,
    kind TEXT NOT NULL,                          -- shortage, allocationShortage, shortPick, damaged, address, late …
    text TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    settled_at BIGINT,
    settled_by TEXT
);
CREATE INDEX order_exceptions_open ON order_exceptions (kind, order_id) WHERE settled_at IS NULL;
CREATE INDEX order_exceptions_order ON order_exceptions (order_id);

CREATE TABLE waves (                             -- doc_wave_master
    wave_id BIGINT PRIMARY KEY,
    wave_no TEXT NOT NULL UNIQUE,
    warehouse_id TEXT NOT NULL,
    kind TEXT NOT NULL,                          -- static, dynamic (S0-47, S0-48)
    code BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    released_at BIGINT
);

CREATE TABLE work_orders (                       -- doc_task_pools, 出库作业单 (S0-13, S1-15): one order, one box
    work_id BIGINT PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders,
    mode TEXT NOT NULL,                          -- station, wall, flat, fullCase, blackBox (S1-69…77)
    wave_id BIGINT REFERENCES waves,             -- doc_wave_detail is this column
    station_id TEXT,                             -- once assigned
    slot_id TEXT,                                -- put-wall slot, once assigned
    box_id TEXT,                                 -- container that it is picked into (doc_task_container)
    zone TEXT,
    priority BIGINT NOT NULL,
    deadline_at BIGINT,
    claimant TEXT,
    replaces BIGINT REFERENCES work_orders,      -- made by a rollback (S0-35)
    held TEXT,                                   -- why it waits for a person, if it does (batch hold)
    code BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX work_orders_code ON work_orders (code, priority, work_id);
CREATE INDEX work_orders_order ON work_orders (order_id);

CREATE TABLE work_lines (
    work_id BIGINT NOT NULL REFERENCES work_orders,
    line_id BIGINT NOT NULL REFERENCES order_lines,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    picked BIGINT NOT NULL,
    short BIGINT NOT NULL,
    PRIMARY KEY (work_id, line_id),
    CHECK (0 <= picked AND 0 <= short AND picked + short <= quantity)
);

CREATE TABLE work_waits (                        -- doc_task_relation: a pick waits for a replenishment (S1-17, S1-66)
    work_id BIGINT NOT NULL REFERENCES work_orders,
    presentation_id BIGINT NOT NULL,
    PRIMARY KEY (work_id, presentation_id)
);

CREATE TABLE presentations (                     -- 出库任务表 (S0-14, S0-17): one container brought to one place
    presentation_id BIGINT PRIMARY KEY,
    purpose TEXT NOT NULL,                       -- pick, return, replenish, relocate (S0-46), putaway
    container_id TEXT NOT NULL,
    station_id TEXT,
    destination TEXT NOT NULL,                   -- location id; a station's slot for picks
    state TEXT NOT NULL,                         -- table in gateway/wes/codes.py
    attempt BIGINT NOT NULL,                     -- transport id: P{presentation_id}-{attempt}
    reason TEXT,                                 -- why it failed or waits
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    arrived_at BIGINT,
    left_at BIGINT
);
CREATE INDEX presentations_state ON presentations (state, presentation_id);
CREATE UNIQUE INDEX presentations_container ON presentations (container_id) WHERE state NOT IN ('done', 'cancelled');

CREATE TABLE allocations (                       -- doc_pre_alloc_details and doc_alloc_details (S1-12, S1-16)
    allocation_id BIGINT PRIMARY KEY,
    work_id BIGINT NOT NULL,
    line_id BIGINT NOT NULL,
    lot_id BIGINT NOT NULL REFERENCES lots,
    holder_id TEXT REFERENCES holders,           -- container or flat location; NULL: black box, not told yet (S1-69)
    cell TEXT,                                   -- compartment in the container
    presentation_id BIGINT REFERENCES presentations,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    picked BIGINT NOT NULL,
    short BIGINT NOT NULL,
    code BIGINT NOT NULL,
    FOREIGN KEY (work_id, line_id) REFERENCES work_lines,
    CHECK (0 <= picked AND 0 <= short AND picked + short <= quantity)
);
CREATE INDEX allocations_work ON allocations (work_id);
CREATE INDEX allocations_presentation ON allocations (presentation_id);

CREATE TABLE picks (                             -- doc_picking_details_upn (S1-19, S1-72)
    pick_id BIGINT PRIMARY KEY,
    allocation_id BIGINT NOT NULL REFERENCES allocations,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    upn TEXT,
    box_id TEXT,
    operator TEXT NOT NULL,
    at_us BIGINT NOT NULL
);

CREATE TABLE packages (                          -- doc_shipment_packages, and doc_review_container by its code (S1-20, S1-21)
    package_id BIGINT PRIMARY KEY,
    package_no TEXT NOT NULL UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders,
    work_id BIGINT NOT NULL REFERENCES work_orders,
    box_id TEXT,
    kind TEXT NOT NULL,                          -- mixed, case
    weight_kg DOUBLE PRECISION,
    tracking_no TEXT,
    consolidation_id TEXT,                       -- where its order is gathered (S1-82)
    code BIGINT NOT NULL,                        -- 135 … 190
    reviewer TEXT,
    created_at BIGINT NOT NULL,
    shipped_at BIGINT
);
CREATE INDEX packages_order ON packages (order_id);

CREATE TABLE package_lines (                     -- doc_review_details
    package_id BIGINT NOT NULL REFERENCES packages,
    line_id BIGINT NOT NULL REFERENCES order_lines,
    lot_id BIGINT NOT NULL REFERENCES lots,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    reviewed BIGINT,                             -- counted by the reviewer
    PRIMARY KEY (package_id, line_id, lot_id)
);

CREATE TABLE rollbacks (                         -- S0-32…36: steps in order, each done once, resumed after a crash
    rollback_id BIGINT PRIMARY KEY,
    presentation_id BIGINT NOT NULL REFERENCES presentations,
    reason TEXT NOT NULL,
    steps TEXT NOT NULL,                         -- ["leaveStation", "rollBackTask", …] as configured when it began
    done BIGINT NOT NULL,                        -- how many of them
    started_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE TABLE operations (                        -- 实操推送数据, 实操反馈消息 (S0-18): what a station is asked to do for one presentation
    operation_id BIGINT PRIMARY KEY,
    presentation_id BIGINT NOT NULL UNIQUE REFERENCES presentations,
    station_id TEXT NOT NULL,
    state TEXT NOT NULL,                         -- table in gateway/wes/codes.py
    operator TEXT,
    payload TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    done_at BIGINT
);

CREATE TABLE wall_slots (                        -- 分播墙 (S1-18): what stands in a slot
    slot_id TEXT PRIMARY KEY,
    station_id TEXT NOT NULL,
    work_id BIGINT REFERENCES work_orders,
    box_id TEXT,
    sealed BIGINT NOT NULL
);

CREATE TABLE wall_puts (                         -- a lit slot; put id: the gateway's putId is W{put_id}-{attempt}
    put_id BIGINT PRIMARY KEY,
    allocation_id BIGINT NOT NULL REFERENCES allocations,
    slot_id TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    confirmed BIGINT,
    attempt BIGINT NOT NULL,
    state TEXT NOT NULL,                         -- table in gateway/wes/codes.py
    created_at BIGINT NOT NULL
);
CREATE INDEX wall_puts_state ON wall_puts (state, put_id);

CREATE TABLE stations (
    station_id TEXT PRIMARY KEY,
    open BIGINT NOT NULL,                        -- 1: takes work
    operator TEXT,
    reason TEXT                                  -- why it is closed
);

CREATE TABLE stages (                            -- every stage has its moment (S0-45)
    document TEXT NOT NULL,                      -- order, work, presentation …
    document_id BIGINT NOT NULL,
    code TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    operator TEXT,
    PRIMARY KEY (document, document_id, code, at_us)
);

CREATE TABLE cursors (                           -- how far the gateway's feed has been heard
    name TEXT PRIMARY KEY,
    seq BIGINT NOT NULL
);
