-- Goods are moved to where they are picked, and picks wait for them (S1-17, S1-55, S1-66; S2-45, S2-51).

CREATE TABLE replenishments (                    -- 补货: so much of one lot, out of the reserve
    replenishment_id BIGINT PRIMARY KEY,
    lot_id BIGINT NOT NULL REFERENCES lots,
    source_id TEXT NOT NULL REFERENCES holders,  -- container or flat place that it is taken from
    kind TEXT NOT NULL,                          -- container, location: what it is put into
    places TEXT NOT NULL,                        -- id or pattern of those that it may be put into
    target_id TEXT,                              -- the one that is proposed, then the one that it was put into
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    moved BIGINT NOT NULL CHECK (0 <= moved AND moved <= quantity),
    presentation_id BIGINT REFERENCES presentations, -- brings the container to a station; NULL: somebody walks to the place
    standing BIGINT NOT NULL,                    -- 1: made to fill up, before any order asked
    priority BIGINT NOT NULL,
    state TEXT NOT NULL,                         -- table in gateway/wes/codes.py
    operator TEXT,
    reason TEXT,                                 -- why it was withdrawn
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX replenishments_open ON replenishments (lot_id) WHERE state IN ('open', 'begun', 'filled');
CREATE INDEX replenishments_presentation ON replenishments (presentation_id) WHERE presentation_id IS NOT NULL;
CREATE INDEX replenishments_ended ON replenishments (ended_at) WHERE ended_at IS NOT NULL;

DROP TABLE work_waits;                           -- it named presentations, and nothing has been written into it
CREATE TABLE work_waits (                        -- doc_task_relation: a pick waits for a replenishment
    work_id BIGINT NOT NULL REFERENCES work_orders,
    replenishment_id BIGINT NOT NULL REFERENCES replenishments,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (work_id, replenishment_id)
);
CREATE INDEX work_waits_replenishment ON work_waits (replenishment_id);
