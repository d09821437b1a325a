-- What is told of some hours is looked up by its moment: orders that were shipped, goods that were found too much or too little.

CREATE INDEX stages_shipped ON stages (document, code, at_us, document_id) WHERE document = 'order' AND code = '190';
CREATE INDEX stock_events_adjusted ON stock_events (kind, at, event_id) WHERE kind IN ('gain', 'loss');
