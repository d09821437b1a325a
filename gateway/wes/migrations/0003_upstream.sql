-- The exchange with upstream (S4): what is to be told, what was heard, and what was answered.

CREATE TABLE outbox (                            -- written in the transaction of what it tells (S4-59)
    message_id BIGINT PRIMARY KEY,
    topic TEXT NOT NULL,                         -- statusCallback, inventorySync, inventorySyncBatch
    lane TEXT NOT NULL,                          -- messages of one lane go out one after the other: of an order, of a product
    sequence BIGINT NOT NULL,                    -- grows within the lane; a receiver drops what is lower than it has seen
    oms_order_no TEXT,
    outbound_no TEXT,
    body TEXT NOT NULL,                          -- JSON, without what stands in the columns
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL,                         -- pending, delivered, dead (S4-32)
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    error TEXT,
    ended_at BIGINT
);
CREATE INDEX outbox_due ON outbox (due_at, message_id) WHERE state = 'pending';
CREATE INDEX outbox_lane ON outbox (lane, sequence) WHERE state <> 'delivered';
CREATE INDEX outbox_order ON outbox (oms_order_no, sequence);
CREATE INDEX outbox_ended ON outbox (ended_at) WHERE state = 'delivered';

CREATE TABLE inbox (                             -- messages of the broker that have been taken, in the transaction of what they did
    consumer TEXT NOT NULL,
    message_id TEXT NOT NULL,                    -- the broker's own, not the command's: a failed command may be sent again (S4-60)
    at_us BIGINT NOT NULL,
    PRIMARY KEY (consumer, message_id)
);
CREATE INDEX inbox_age ON inbox (at_us);

CREATE TABLE replies (                           -- answers under an Idempotency-Key (S4-47)
    reply_key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX replies_age ON replies (expires_at);

CREATE TABLE stock_syncs (                       -- what upstream was last told about a pool
    pool_id BIGINT PRIMARY KEY REFERENCES pools,
    available BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at_us BIGINT NOT NULL
);
