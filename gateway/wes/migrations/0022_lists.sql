-- Lists that the office reads: lots by their quality, the oldest first; what happened of one kind.

CREATE INDEX lots_quality ON lots (quality, received_at, lot_id) WHERE quantity > 0;
CREATE INDEX stock_events_kind ON stock_events (kind, at);
