-- A container that a person has taken out of the site's books, as the gateway tells: what the WES has in it is nowhere.

ALTER TABLE holders ADD COLUMN removed_at BIGINT;             -- NULL: it is on the site, or nobody has told that it is not
CREATE INDEX holders_removed ON holders (removed_at, holder_id) WHERE removed_at IS NOT NULL;
