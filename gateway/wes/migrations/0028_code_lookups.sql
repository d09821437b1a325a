-- A number is looked for among all lots and all products before it is issued, or when somebody asks what it is.

CREATE INDEX lots_number ON lots (lot_no);
CREATE INDEX products_sku ON products (sku);
