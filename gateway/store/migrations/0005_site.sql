-- Of which site the data are: those of another one name places and machines that are not there.

ALTER TABLE ownership ADD COLUMN site_id TEXT;
