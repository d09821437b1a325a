-- A number is looked for among all lots and all products before it is issued, or when somebody asks what it is.

CREATE INDEX lots_number ON lots (lot_no);
CREATE INDEX products_sku ON products (sku);

-- What no document has named may be deleted (S2-10); of products that were there before nobody knows.
ALTER TABLE products ADD COLUMN used BIGINT NOT NULL DEFAULT 0;
UPDATE products SET used = 1;
