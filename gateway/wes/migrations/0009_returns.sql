-- Goods that have left come back (S4-27; S2-46, S2-110).

CREATE TABLE returns (                           -- 退货
    return_id BIGINT PRIMARY KEY,
    return_no TEXT NOT NULL UNIQUE,              -- upstream's; ours for goods that nobody announced
    digest TEXT,                                 -- of the notice; NULL: nobody announced it
    owner_id TEXT NOT NULL,
    oms_order_no TEXT,                           -- under which they left; NULL: nobody knows
    outbound_no TEXT,
    reason TEXT,
    state TEXT NOT NULL,                         -- announced, received
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX returns_order ON returns (oms_order_no) WHERE oms_order_no IS NOT NULL;
CREATE INDEX returns_open ON returns (return_id) WHERE ended_at IS NULL;

CREATE TABLE return_lines (
    return_id BIGINT NOT NULL REFERENCES returns,
    sku TEXT NOT NULL,
    announced BIGINT NOT NULL CHECK (announced >= 0),
    saleable BIGINT NOT NULL CHECK (saleable >= 0), -- what has come, by what the dock made of it
    damaged BIGINT NOT NULL CHECK (damaged >= 0),
    inspect BIGINT NOT NULL CHECK (inspect >= 0),
    PRIMARY KEY (return_id, sku)
);
