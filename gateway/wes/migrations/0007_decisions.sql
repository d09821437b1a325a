-- What people decided about orders and messages that waited for them, and where ended orders go (S1-9, 结转).

CREATE TABLE decisions (                         -- kept for ever
    decision_id BIGINT PRIMARY KEY,
    document TEXT NOT NULL,                      -- order, message
    document_id BIGINT NOT NULL,
    decision TEXT NOT NULL,                      -- gateway/contract/attention.py: Decision
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_us BIGINT NOT NULL
);
CREATE INDEX order_exceptions_waiting ON order_exceptions (exception_id) WHERE settled_at IS NULL;
CREATE INDEX outbox_dead ON outbox (message_id) WHERE state = 'dead';

CREATE TABLE order_history (                     -- doc_…_his: an ended order with all its documents
    order_id BIGINT PRIMARY KEY,
    outbound_no TEXT NOT NULL UNIQUE,
    command_id TEXT NOT NULL UNIQUE,             -- stays taken: the same command again is answered as before
    command_digest TEXT NOT NULL,
    oms_order_no TEXT NOT NULL,
    feedback_seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    documents TEXT NOT NULL                      -- {"orders": [{column: value, …}], "order_lines": […], …}
);
CREATE INDEX order_history_oms ON order_history (oms_order_no, created_at);

CREATE INDEX orders_ended ON orders (updated_at, order_id) WHERE code IN (5, 190, 199);
-- What a document of an order that goes is looked up by in those that name it.
CREATE INDEX order_exceptions_line ON order_exceptions (line_id) WHERE line_id IS NOT NULL;
CREATE INDEX work_lines_line ON work_lines (line_id);
CREATE INDEX work_orders_replaced ON work_orders (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX package_lines_line ON package_lines (line_id);
CREATE INDEX questions_put ON questions (put_id) WHERE put_id IS NOT NULL;
CREATE INDEX put_backs_allocation ON put_backs (allocation_id);
CREATE INDEX wall_slots_work ON wall_slots (work_id) WHERE work_id IS NOT NULL;
CREATE INDEX work_waits_presentation ON work_waits (presentation_id);
CREATE INDEX rollbacks_presentation ON rollbacks (presentation_id);
CREATE INDEX presentations_ended ON presentations (created_at) WHERE state IN ('done', 'cancelled');
