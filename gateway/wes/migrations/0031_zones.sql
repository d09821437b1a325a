-- Lots that have come back from customers lie apart from the others, where the site has a zone for them (S2-110).

ALTER TABLE lots ADD COLUMN returned BIGINT NOT NULL DEFAULT 0 CHECK (returned IN (0, 1));

UPDATE lots SET returned = 1 WHERE lot_no LIKE '%-R%' AND EXISTS (
    SELECT 1 FROM ledger l JOIN stock_events e ON e.event_id = l.event_id
    WHERE l.lot_id = lots.lot_id AND e.kind = 'receive' AND e.document_kind = 'return');

ALTER TABLE presentations ADD COLUMN why TEXT;   -- why a container goes just there, where more than the nearest free place decided
