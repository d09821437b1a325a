-- Where units have been is never changed, like the ledger.
CREATE TRIGGER unit_moves_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON unit_moves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
