"""What stands on simulated goods, written from the GS1 General Specifications apart from how the WES reads it."""

from collections.abc import Mapping
from typing import Any, Final

COMPANY: Final = "6901234"
"""The beginning of every number that a simulated supplier gives."""


def ean13(number: int) -> str:
    """Return the GTIN-13 of a supplier's product, with its check digit (chapter 7.9)."""
    digits = f"{COMPANY}{number:05}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def code_on(goods: Mapping[str, Any]) -> str:
    """Return what a scanner sends of goods that a page of the WES shows: GS1-128 with the lot, EAN-13, a label of the house."""
    gtin = next((code for code in goods["barcodes"] if len(code) == 13), None)
    lot_no = goods["lotNo"]
    if gtin is not None:
        return f"]C1010{gtin}10{lot_no}" if lot_no else f"]E0{gtin}"
    return f"(10){lot_no}" if lot_no and goods["scan"] == "lot" else goods["skuId"]
