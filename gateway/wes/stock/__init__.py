"""Inventory that cannot be wrong: pools, lots and positions, and the one ledger that they are the sums of.

A *pool* is all stock of one SKU of one owner in one warehouse, a *lot* a batch of it, a *position* what one holder has of
one lot. Whatever happens to stock is an *event*: a `verb` makes it, and `post` puts its lines into ledger and balances in
the caller's transaction, all of them or none. Nothing else writes a balance.
"""
