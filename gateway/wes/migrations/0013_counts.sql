-- Stock is counted by orders, and the books follow what somebody approves (盘点; S2-78…99).

CREATE TABLE counts (                            -- 盘点任务
    count_id BIGINT PRIMARY KEY,
    count_no TEXT NOT NULL UNIQUE,               -- whoever ordered it has numbered it
    request TEXT NOT NULL,                       -- what was ordered, as JSON
    digest TEXT NOT NULL,
    blind BIGINT NOT NULL,                       -- 1: who counts sees no figure
    dynamic BIGINT NOT NULL,                     -- 1: no container comes for it
    due_at BIGINT,
    state TEXT NOT NULL,                         -- open, done, withdrawn
    end_reason TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    report TEXT,                                 -- once it has ended: what it found, as JSON
    lines TEXT                                   -- long after: all its lines, as JSON; then it has none in count_lines
);
CREATE INDEX counts_open ON counts (count_id) WHERE ended_at IS NULL;
CREATE INDEX counts_ended ON counts (ended_at) WHERE ended_at IS NOT NULL AND lines IS NULL;

CREATE TABLE count_lines (                       -- 盘点明细
    line_id BIGINT PRIMARY KEY,
    count_id BIGINT NOT NULL REFERENCES counts,
    holder_id TEXT NOT NULL REFERENCES holders,
    lot_id BIGINT NOT NULL REFERENCES lots,
    state TEXT NOT NULL,                         -- open, again, differs; agreed, approved, withdrawn
    round BIGINT NOT NULL CHECK (round >= 0),    -- how often it was counted
    unexpected BIGINT NOT NULL,                  -- 1: goods that were found where the count had no line for them
    claimant TEXT,
    reason_code TEXT,
    reason TEXT,
    decided_by TEXT,
    ended_at BIGINT
);
CREATE INDEX count_lines_order ON count_lines (count_id, line_id);
CREATE UNIQUE INDEX count_lines_open ON count_lines (holder_id, lot_id) WHERE ended_at IS NULL;
CREATE INDEX count_lines_differing ON count_lines (line_id) WHERE state = 'differs';

CREATE TABLE count_rounds (                      -- each time that somebody counted a line; never changed
    line_id BIGINT NOT NULL REFERENCES count_lines,
    round BIGINT NOT NULL,
    operator TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    damaged BIGINT NOT NULL CHECK (damaged >= 0 AND damaged <= quantity),
    books BIGINT NOT NULL,                       -- what the position had at that moment
    held BIGINT NOT NULL,
    more BIGINT NOT NULL CHECK (more >= 0),      -- pieces that were too much, and that were missing
    less BIGINT NOT NULL CHECK (less >= 0),
    found TEXT NOT NULL,                         -- units that were there and not in the books, as a JSON list
    missing TEXT NOT NULL,                       -- and the other way round
    PRIMARY KEY (line_id, round)
);

ALTER TABLE positions ADD COLUMN counted_at BIGINT; -- NULL: nobody has counted it yet
