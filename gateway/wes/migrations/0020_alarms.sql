-- What the stock's alarms look up (gateway/wes/stock/watch.py).

CREATE INDEX lots_near_expiry ON lots (expiry_at, lot_id) WHERE quality = 'qualified' AND quantity > 0;
CREATE INDEX pools_safety ON pools (warehouse_id, sku) WHERE safety > 0;
