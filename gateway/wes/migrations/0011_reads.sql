-- What is looked up of a lot that orders want, when one of its containers goes home.

CREATE INDEX lot_reservations_lot ON lot_reservations (lot_id) WHERE quantity > 0;
