"""Which product a code stands for: one code of an owner's stands for one product, or nobody could tell what was scanned (S2-139).

A code with as many digits as a GTIN and another check digit is kept as it is, and told: it may be a number of the house's own, but
more often somebody has mistyped it. Refusing it would hold up the other products of its message.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.contract.faults import FieldError
from gateway.contract.problems import Reason
from gateway.contract.wms import ProductItem, ResultCode
from gateway.kernel.ports import Tx
from gateway.wes.orders.declined import Declined
from gateway.wes.scans import check_digit, lacks_check_digit, product_key

_DROP: Final = "DELETE FROM barcodes WHERE owner_id = :owner_id AND sku = :sku"
# Whoever had a code before keeps it, and is told.
_TAKE: Final = (
    "INSERT INTO barcodes (owner_id, code, sku) VALUES (:owner_id, :code, :sku)"
    " ON CONFLICT (owner_id, code) DO UPDATE SET sku = barcodes.sku RETURNING sku"
)
_FIND: Final = "SELECT sku FROM barcodes WHERE owner_id = :owner_id AND code = :code"


async def keep_barcodes(tx: Tx, owner_id: str, items: Mapping[int, ProductItem]) -> None:
    """Note the codes of products as they are from now on.

    Args:
        tx: the transaction.
        owner_id: of products that do not name theirs.
        items: by their places in the message, each product once.

    Raises:
        Declined: a code is another product's; nothing may be kept of the message.
    """
    products = [{"owner_id": item.owner_id or owner_id, "sku": item.sku_id} for item in items.values()]
    await tx.execute_many(_DROP, sorted(products, key=lambda row: (row["owner_id"], row["sku"])))
    wanted = sorted(
        (item.owner_id or owner_id, product_key(code), item.sku_id, place, code)
        for number, item in items.items()
        for place, code in _codes(number, item)
    )
    rows = [{"owner_id": owner, "code": key, "sku": sku} for owner, key, sku, _, _ in wanted]
    takers = [row[0] for row in await tx.fetch_many(_TAKE, rows)]
    taken = [
        FieldError(place, "barcodeTaken", f"{code} is a barcode of {taker}: a code stands for one product")
        for (_, _, sku, place, code), taker in zip(wanted, takers, strict=True)
        if taker != sku
    ]
    if taken:
        raise Declined(ResultCode.CONFLICT, *taken)


async def drop_barcodes(tx: Tx, owner_id: str, sku: str) -> None:
    """Forget the codes of a product."""
    await tx.execute(_DROP, {"owner_id": owner_id, "sku": sku})


def doubtful_barcodes(items: Mapping[int, ProductItem]) -> tuple[Reason, ...]:
    """Return what is strange about the codes of products, by their places in the message."""
    return tuple(
        Reason(
            field=place,
            code="checkDigit",
            message=f"{code} would be a GTIN with {check_digit(code[:-1])} at its end",
        )
        for number, item in items.items()
        for place, code in _codes(number, item)
        if lacks_check_digit(code)
    )


async def find_by_code(tx: Tx, owner_id: str, code: str) -> str | None:
    """Return the SKU of an owner's product that has a code."""
    rows = await tx.fetch(_FIND, {"owner_id": owner_id, "code": product_key(code)})
    return rows[0][0] if rows else None


def _codes(number: int, item: ProductItem) -> Iterator[tuple[str, str]]:
    """Yield the codes of a product with their places in the message."""
    for place, code in enumerate(item.barcodes):
        yield f"items[{number}].barcodes[{place}]", code
    for place, code in enumerate(item.case_barcodes):
        yield f"items[{number}].caseBarcodes[{place}]", code
