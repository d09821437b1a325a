"""Goods that are on their way (到货登记, S2-22…24, S2-32…37, S2-65): announced by upstream, received against the notice's lines."""
