-- From allocation to containers at stations and back: what a transport is asked with must not change between two askings.

ALTER TABLE presentations ADD COLUMN priority BIGINT NOT NULL DEFAULT 5;
ALTER TABLE presentations ADD COLUMN deadline_at BIGINT;
ALTER TABLE presentations ADD COLUMN origin TEXT;             -- location that the container came from
CREATE INDEX presentations_station ON presentations (station_id, presentation_id) WHERE state NOT IN ('done', 'cancelled');
CREATE INDEX presentations_heat ON presentations (container_id, created_at) WHERE purpose = 'pick';

ALTER TABLE allocations ADD COLUMN rollback_id BIGINT;        -- the rollback that took it back
CREATE INDEX allocations_unpresented ON allocations (holder_id) WHERE presentation_id IS NULL;
CREATE INDEX allocations_rollback ON allocations (rollback_id) WHERE rollback_id IS NOT NULL;

CREATE UNIQUE INDEX rollbacks_open ON rollbacks (presentation_id) WHERE ended_at IS NULL;
CREATE INDEX work_orders_wave ON work_orders (wave_id) WHERE wave_id IS NOT NULL;
CREATE INDEX work_orders_station ON work_orders (station_id) WHERE station_id IS NOT NULL AND code < 90;
