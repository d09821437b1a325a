"""What becomes of work whose goods are promised and at no place where they can be fetched (S1-59…61)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.kernel.ports import Tx
from gateway.site import rules
from gateway.site.rules import Shortage
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_lines
from gateway.wes.orders.headers import SYSTEM, note_stages
from gateway.wes.orders.progress import move_works
from gateway.wes.orders.rows import load_order
from gateway.wes.planning.demand import KINDS, Part, Waiting, list_waiting
from gateway.wes.planning.supply import look_for

WORKS_MAX: Final = 1_000
"""Work orders of one order that a person's decision takes up."""

_SPLIT: Final = (
    "INSERT INTO work_orders (work_id, order_id, mode, wave_id, zone, priority, deadline_at, replaces, held, code,"
    " created_at, updated_at) SELECT :new_id, order_id, mode, wave_id, zone, priority, deadline_at, work_id, held,"
    f" {Code.PREALLOCATED:d}, :at_us, :at_us FROM work_orders WHERE work_id = :work_id"
)
_NEW_LINE: Final = "INSERT INTO work_lines (work_id, line_id, quantity, picked, short) VALUES (:work_id, :line_id, :quantity, 0, 0)"
_DROP_LINE: Final = (
    "DELETE FROM work_lines WHERE work_id = :work_id AND line_id = :line_id AND quantity = :quantity"
)
_CUT_LINE: Final = (
    "UPDATE work_lines SET quantity = quantity - :quantity"
    " WHERE work_id = :work_id AND line_id = :line_id AND quantity > :quantity"
)


def is_divisible(work: Waiting, missing: Sequence[Part]) -> bool:
    """Tell whether a work order that was short as a whole lacks only a part now."""
    lacking = sum(part.quantity for part in missing)
    return work.code is Code.ALLOCATION_FAILED and 0 < lacking < sum(part.quantity for part in work.parts)


async def settle_shortage(tx: Tx, context: WesContext, work: Waiting, missing: Sequence[Part]) -> None:
    """A work order cannot be allocated in full: it waits (mode A), or what is there goes on without the rest (mode B)."""
    order, _ = await load_order(tx, work.order_id)
    partial = context.rules.decide(rules.SHORTAGE, order.facts) is Shortage.PARTIAL
    if partial and await _go_without(tx, context, work, missing):
        return
    if work.code is not Code.ALLOCATION_FAILED:
        await _fail(tx, context, work, work.work_id, missing)


async def release_part(tx: Tx, context: WesContext, order_id: int) -> bool:
    """Let what is there of an order's work that waits for stock go on, whatever the rules say (S1-60); False: nothing is."""
    released = False
    for work, missing in await list_short(tx, context, order_id):
        released |= await _go_without(tx, context, work, missing)
    return released


async def list_short(tx: Tx, context: WesContext, order_id: int) -> list[tuple[Waiting, Sequence[Part]]]:
    """Return an order's work that waits for stock, each with the parts that are at no place."""
    found: list[tuple[Waiting, Sequence[Part]]] = []
    for modes, kind in KINDS:
        works = await list_waiting(
            tx,
            context,
            (Code.ALLOCATION_FAILED,),
            modes,
            WORKS_MAX,
            " AND w.order_id = :order_id",
            order_id=order_id,
        )
        missing = (await look_for(tx, context, works, kind)).missing
        found += [(work, missing.get(work.work_id, ())) for work in works]
    return found


async def settle_no_shortage(tx: Tx, context: WesContext, work: Waiting) -> None:
    """What a work order lacked is there: it waits like others again."""
    at_us = context.clock.now_us()
    lines = sorted({part.line_id for part in work.parts})
    await settle_lines(tx, work.order_id, ExceptionKind.ALLOCATION_SHORTAGE, lines, at_us, SYSTEM)
    await move_works(tx, {work.work_id: Code.PREALLOCATED}, at_us)


async def _go_without(tx: Tx, context: WesContext, work: Waiting, missing: Sequence[Part]) -> bool:
    """Let what is there of a work order go on; the rest waits in a work order of its own. False: nothing is there."""
    lacking = _by_line(missing)
    if not 0 < sum(lacking.values()) < sum(part.quantity for part in work.parts):
        return False
    await _fail(tx, context, work, await _split(tx, context, work, lacking), missing)
    return True


async def _fail(tx: Tx, context: WesContext, work: Waiting, short_id: int, missing: Sequence[Part]) -> None:
    """Have a work order, or what was split off from it, wait for stock."""
    await move_works(tx, {short_id: Code.ALLOCATION_FAILED}, context.clock.now_us())
    skus = {part.line_id: part.sku for part in work.parts}
    for line_id, quantity in _by_line(missing).items():
        text = f"{skus[line_id]}: {quantity} are promised and at no place where they can be fetched"
        await open_exception(tx, context, work.order_id, ExceptionKind.ALLOCATION_SHORTAGE, text, line_id)


def _by_line(parts: Iterable[Part]) -> Counter[int]:
    lacking: Counter[int] = Counter()
    for part in parts:
        lacking[part.line_id] += part.quantity
    return lacking


async def _split(tx: Tx, context: WesContext, work: Waiting, lacking: Mapping[int, int]) -> int:
    """Put what is missing into a work order of its own."""
    at_us, new_id = context.clock.now_us(), context.ids.next()
    await tx.execute_many(_SPLIT, [{"new_id": new_id, "work_id": work.work_id, "at_us": at_us}])
    await note_stages(tx, "work", [new_id], Code.PREALLOCATED, at_us)
    rows = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in sorted(lacking.items())]
    await tx.execute_many(_NEW_LINE, [{**row, "work_id": new_id} for row in rows])
    for sql in (_DROP_LINE, _CUT_LINE):
        await tx.execute_many(sql, [{**row, "work_id": work.work_id} for row in rows])
    if work.code is Code.ALLOCATION_FAILED:
        await settle_no_shortage(tx, context, work)
    return new_id
