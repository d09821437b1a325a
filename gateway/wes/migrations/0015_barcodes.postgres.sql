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
    SELECT p.owner_id, p.sku, CASE WHEN b.value ~ '^([0-9]{8}|[0-9]{12,14})$' THEN lpad(b.value, 14, '0') ELSE b.value END AS code
    FROM products p CROSS JOIN LATERAL json_array_elements_text(p.barcodes::json) AS b(value)
) AS known GROUP BY owner_id, code;
