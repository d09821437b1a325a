-- Locations that the gateway has blocked, as its feed tells: nothing is sent there.

CREATE TABLE blocked_places (
    location_id TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    operator TEXT                                -- who has locked it: nothing leaves it either; NULL: a machine found it occupied
);
