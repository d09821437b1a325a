-- The ledger is never changed: whatever is wrong in it is put right by another event.
CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_grows BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER stock_events_stay BEFORE UPDATE ON stock_events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER stock_events_grow BEFORE DELETE ON stock_events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
