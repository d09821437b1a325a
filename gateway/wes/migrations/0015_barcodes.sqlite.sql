-- Codes by which products are known, as gateway/wes/scans.py compares them. Where two products had one, the first keeps it.

ALTER TABLE products ADD COLUMN case_barcodes TEXT NOT NULL DEFAULT '[]';   -- of a full case

CREATE TABLE barcodes (
    owner_id TEXT NOT NULL,
    code TEXT NOT NULL,                          -- a number with the digits of a GTIN is padded to 14 of them
    sku TEXT NOT NULL,
    PRIMARY KEY (owner_id, code)
);
CREATE INDEX barcodes_product ON barcodes (owner_id, sku);

INSERT INTO barcodes (owner_id, code, sku)
SELECT owner_id, code, MIN(sku) FROM (
    SELECT p.owner_id, p.sku, CASE WHEN length(b.value) IN (8, 12, 13, 14) AND b.value NOT GLOB '*[^0-9]*'
        THEN substr('00000000000000' || b.value, -14) ELSE b.value END AS code
    FROM products p, json_each(p.barcodes) b
) AS known GROUP BY owner_id, code;
