-- The ledger is never changed: whatever is wrong in it is put right by another event.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only';
END $$;
CREATE TRIGGER ledger_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stock_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
