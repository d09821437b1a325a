-- People and machines that may ask, and by which rights. `password` is made of the password by scrypt, with its salt and its cost;
-- none where there is none: services show tokens alone. Names differ by more than capitals (`folded`).
CREATE TABLE people (
    key TEXT PRIMARY KEY,
    folded TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    phone TEXT,
    roles TEXT NOT NULL,
    zones TEXT NOT NULL,
    status TEXT NOT NULL,
    password TEXT,
    must_change BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    locked_until_us BIGINT,
    created_us BIGINT NOT NULL,
    seen_us BIGINT
);

-- Tokens that are valid, by their SHA-256: whoever reads the database, or a copy of it, has none.
CREATE TABLE sessions (
    key TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (key) ON DELETE CASCADE,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE INDEX sessions_of ON sessions (person_id);

-- What happened to accounts: the newest entries.
CREATE TABLE people_audit (
    number BIGINT PRIMARY KEY,
    at_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    person_id TEXT,
    by_whom TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX people_audit_of ON people_audit (person_id, number);
