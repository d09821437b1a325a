-- A put can end as unknown: its wall lost its memory before it was withdrawn.
DROP INDEX puts_by_end;
CREATE INDEX puts_by_end ON puts (updated_us) WHERE status IN ('confirmed', 'short', 'cancelled', 'unknown');
