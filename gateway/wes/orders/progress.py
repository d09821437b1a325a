"""Work orders move, and with them the lines that they pick and the orders of those lines (S1-47): in one transaction, always."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx
from gateway.wes.codes import Code, header
from gateway.wes.orders.headers import SYSTEM, move_lines, note_stages

_MOVE: Final = "UPDATE work_orders SET code = :code, updated_at = :at_us WHERE work_id = :work_id"
_LINES: Final = (
    "SELECT l.order_id, o.line_id, w.code FROM work_lines mine JOIN work_lines o ON o.line_id = mine.line_id"
    " JOIN work_orders w ON w.work_id = o.work_id JOIN order_lines l ON l.line_id = o.line_id"
    " WHERE mine.work_id = :work_id"
)


async def move_works(tx: Tx, moves: Mapping[int, Code], at_us: Micros, operator: str = SYSTEM) -> None:
    """Give work orders other codes; lines and orders follow.

    Args:
        tx: the transaction of whatever moves them.
        moves: code by work id.
        at_us: when.
        operator: who.
    """
    rows = [{"work_id": work_id, "code": code, "at_us": at_us} for work_id, code in sorted(moves.items())]
    await tx.execute_many(_MOVE, rows)
    for code in sorted(set(moves.values())):
        await note_stages(
            tx,
            "work",
            [work_id for work_id in sorted(moves) if moves[work_id] is code],
            code,
            at_us,
            operator,
        )
    await follow_works(tx, moves, at_us, operator)


async def follow_works(tx: Tx, works: Iterable[int], at_us: Micros, operator: str = SYSTEM) -> None:
    """Give the lines that work orders pick the codes that follow from all work orders for them, and their orders theirs."""
    rows = await tx.fetch_many(_LINES, [{"work_id": work_id} for work_id in sorted(works)])
    codes: defaultdict[tuple[int, int], list[Code]] = defaultdict(list)
    for order_id, line_id, code in rows:
        codes[order_id, line_id].append(Code(code))
    orders: defaultdict[int, dict[int, Code]] = defaultdict(dict)
    for (order_id, line_id), of_line in sorted(codes.items()):
        orders[order_id][line_id] = header(of_line)
    for order_id, lines in orders.items():
        await move_lines(tx, order_id, lines, at_us, operator)
