-- Where units have been is never changed, like the ledger.
CREATE TRIGGER unit_moves_stay BEFORE UPDATE ON unit_moves
    BEGIN SELECT RAISE(ABORT, 'the moves of units are append-only'); END;
CREATE TRIGGER unit_moves_grow BEFORE DELETE ON unit_moves
    BEGIN SELECT RAISE(ABORT, 'the moves of units are append-only'); END;
