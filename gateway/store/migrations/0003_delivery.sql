-- One row: the oldest event that consumers can still ask for. Older ones are kept only for open deliveries.
CREATE TABLE feed (
    key BIGINT PRIMARY KEY,
    first_seq BIGINT NOT NULL
);
INSERT INTO feed (key, first_seq) VALUES (1, 1);

-- Webhooks. Of all events up to `cursor` that the subscription wants, each has been delivered unless `deliveries` says
-- otherwise; of those after it, each is still to be delivered unless `deliveries` says otherwise.
CREATE TABLE subscriptions (
    key TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    types TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    disabled TEXT,
    cursor BIGINT NOT NULL,
    replay_next BIGINT,
    replay_last BIGINT
);

-- What became of single deliveries: waiting and dead ones until they have ended, the others for a while.
CREATE TABLE deliveries (
    subscription_id TEXT NOT NULL REFERENCES subscriptions (key) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    http_status BIGINT,
    error TEXT NOT NULL,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (subscription_id, seq)
);
CREATE INDEX deliveries_by_status ON deliveries (subscription_id, status, seq);
CREATE INDEX deliveries_by_seq ON deliveries (seq);
CREATE INDEX deliveries_by_time ON deliveries (updated_us);
