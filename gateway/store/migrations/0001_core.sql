-- The feed: numbered without gaps, never changed.
CREATE TABLE events (
    seq BIGINT PRIMARY KEY,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    transport_id TEXT,
    at_us BIGINT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX events_by_transport ON events (transport_id, seq);

-- One row: the run that owns this database. Every commit checks it.
CREATE TABLE ownership (
    key BIGINT PRIMARY KEY,
    epoch BIGINT NOT NULL
);

-- Rows of the books: the key, copies of what is searched by, and the row itself as JSON.
CREATE TABLE transports (
    key TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    container_id TEXT NOT NULL,
    updated_us BIGINT NOT NULL,
    number BIGINT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX transports_by_status ON transports (status, number);
CREATE INDEX transports_by_container ON transports (container_id, number);
CREATE UNIQUE INDEX transports_by_number ON transports (number);
CREATE INDEX transports_by_end ON transports (updated_us) WHERE status IN ('completed', 'cancelled');

CREATE TABLE commands (
    key BIGINT PRIMARY KEY,
    transport_id TEXT,
    status TEXT NOT NULL,
    ended_us BIGINT,
    doc TEXT NOT NULL
);
CREATE INDEX commands_by_end ON commands (ended_us) WHERE ended_us IS NOT NULL;
CREATE INDEX commands_by_transport ON commands (transport_id, key);
CREATE INDEX commands_by_status ON commands (status);

CREATE TABLE containers (
    key TEXT PRIMARY KEY,
    location_id TEXT,
    device_id TEXT,
    doc TEXT NOT NULL
);

CREATE TABLE blocks (
    key TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE devices (
    key TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE channels (
    key TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE alarms (
    key TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE puts (
    key TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    wall TEXT NOT NULL,
    updated_us BIGINT NOT NULL,
    number BIGINT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX puts_by_status ON puts (status, number);
CREATE INDEX puts_by_end ON puts (updated_us) WHERE status IN ('confirmed', 'short', 'cancelled');

-- What people did, by whom and why: never changed.
CREATE TABLE acts (
    key BIGINT PRIMARY KEY,
    transport_id TEXT,
    doc TEXT NOT NULL
);
CREATE INDEX acts_by_transport ON acts (transport_id, key);

-- Counters: job ids and the like.
CREATE TABLE counters (
    key TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);
