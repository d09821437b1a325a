"""Codes of orders and their lines move together, and every move has its moment (S1-47, S0-45)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.codes import Code, header
from gateway.wes.orders.rows import lock_order

SYSTEM: Final = "wes"
"""The operator of what nobody in particular does."""

STAGE: Final = (
    "INSERT INTO stages (document, document_id, code, at_us, operator)"
    " VALUES (:document, :document_id, :code, :at_us, :operator) ON CONFLICT DO NOTHING"
)
_MOVE_LINE: Final = "UPDATE order_lines SET code = :code WHERE line_id = :line_id"
_CODES: Final = "SELECT o.code, l.code FROM orders o JOIN order_lines l ON l.order_id = o.order_id WHERE o.order_id = :order_id"
_MOVE_ORDER: Final = "UPDATE orders SET code = :code, updated_at = :at_us WHERE order_id = :order_id"


async def move_lines(
    tx: Tx, order_id: int, moves: Mapping[int, Code], at_us: Micros, operator: str = SYSTEM
) -> Code:
    """Give lines of an order other codes; the order's own follows from all its lines.

    Args:
        tx: the transaction of whatever moves them.
        order_id: the order.
        moves: code by line id.
        at_us: when.
        operator: who.

    Returns:
        The order's code.
    """
    await lock_order(tx, order_id)
    await mark_lines(tx, moves)
    rows = await tx.fetch(_CODES, {"order_id": order_id})
    return await follow_lines(tx, order_id, Code(rows[0][0]), (Code(row[1]) for row in rows), at_us, operator)


async def mark_lines(tx: Tx, moves: Mapping[int, Code]) -> None:
    """Write codes of lines alone, where `follow_lines` comes next; waits for nothing."""
    await tx.execute_many(_MOVE_LINE, [{"line_id": line_id, "code": code} for line_id, code in moves.items()])


async def follow_lines(
    tx: Tx, order_id: int, before: Code, lines: Iterable[Code], at_us: Micros, operator: str = SYSTEM
) -> Code:
    """Give an order the code that follows from the codes of all its lines, and return it; waits for nothing."""
    code = header(lines)
    if code is not before:
        await tx.execute_many(_MOVE_ORDER, [{"order_id": order_id, "code": code, "at_us": at_us}])
        await note_stages(tx, "order", [order_id], code, at_us, operator)
    return code


async def note_stages(
    tx: Tx, document: str, ids: Sequence[int], code: Code, at_us: Micros, operator: str = SYSTEM
) -> None:
    """Note when documents of one kind came to a code."""
    await tx.execute_many(STAGE, [stage(document, document_id, code, at_us, operator) for document_id in ids])


def stage(
    document: str, document_id: int, code: Code, at_us: Micros, operator: str = SYSTEM
) -> dict[str, SqlValue]:
    """Return the parameters of STAGE."""
    return {
        "document": document,
        "document_id": document_id,
        "code": str(code.value),
        "at_us": at_us,
        "operator": operator,
    }
