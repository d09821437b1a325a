-- One row for each vehicle: what it is doing, what it was last sent, which nodes are its alone.
CREATE TABLE missions (
    key TEXT PRIMARY KEY,
    order_id TEXT,
    doc TEXT NOT NULL
);
