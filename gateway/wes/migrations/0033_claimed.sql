-- What somebody on foot has taken on is asked for whenever a handheld looks.
CREATE INDEX work_orders_claimed ON work_orders (claimant, work_id) WHERE claimant IS NOT NULL;
