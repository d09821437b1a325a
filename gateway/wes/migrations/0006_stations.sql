-- Work at stations: what people did, what they are asked, and goods that are to be brought back.

CREATE TABLE acts (                              -- an act is done once, however often its client sends it
    act_id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,                        -- the same id with another body is a mistake
    operator TEXT NOT NULL,
    reply TEXT NOT NULL,
    at_us BIGINT NOT NULL
);
CREATE INDEX acts_age ON acts (at_us);

ALTER TABLE operations ADD COLUMN scanned_at BIGINT;          -- the right container was scanned; from then on it is worked on
CREATE INDEX operations_open ON operations (station_id, operation_id) WHERE state = 'open';

ALTER TABLE picks ADD COLUMN package_id BIGINT;               -- the package that it was sealed into
ALTER TABLE picks ADD COLUMN put_id BIGINT;                   -- the lit slot that it was put into
CREATE INDEX picks_allocation ON picks (allocation_id);
CREATE INDEX picks_package ON picks (package_id) WHERE package_id IS NOT NULL;

ALTER TABLE wall_puts ADD COLUMN station_id TEXT NOT NULL DEFAULT '';
ALTER TABLE wall_puts ADD COLUMN upn TEXT;                    -- the unit, where units are known
ALTER TABLE wall_puts ADD COLUMN operator TEXT NOT NULL DEFAULT '';
ALTER TABLE wall_puts ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX wall_puts_allocation ON wall_puts (allocation_id);

CREATE TABLE questions (                         -- what a person at a station is asked: nobody else can know
    question_id BIGINT PRIMARY KEY,
    station_id TEXT NOT NULL,
    slot_id TEXT NOT NULL,
    kind TEXT NOT NULL,                          -- gateway/wes/floor/wall.py: QuestionKind
    put_id BIGINT REFERENCES wall_puts,
    text TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    settled_at BIGINT,
    settled_by TEXT
);
CREATE INDEX questions_open ON questions (station_id, question_id) WHERE settled_at IS NULL;

CREATE TABLE put_backs (                         -- picked goods that are no longer wanted, until somebody has brought them back
    put_back_id BIGINT PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders,
    allocation_id BIGINT NOT NULL REFERENCES allocations,
    lot_id BIGINT NOT NULL REFERENCES lots,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    upns TEXT NOT NULL,                          -- ["…"] where units are known
    box_id TEXT,                                 -- where they are now
    holder_id TEXT REFERENCES holders,           -- where they were brought
    operator TEXT,
    created_at BIGINT NOT NULL,
    done_at BIGINT
);
CREATE INDEX put_backs_order ON put_backs (order_id);
CREATE INDEX put_backs_open ON put_backs (put_back_id) WHERE done_at IS NULL;
CREATE INDEX packages_work ON packages (work_id);
