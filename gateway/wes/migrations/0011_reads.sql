-- What rounds look up: what is still promised of a lot, when one of its containers goes home, and replenishments that stand so.

CREATE INDEX lot_reservations_lot ON lot_reservations (lot_id) WHERE quantity > 0;
CREATE INDEX replenishments_state ON replenishments (state, replenishment_id);
