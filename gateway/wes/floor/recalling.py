"""A lot is called back (S2-144): an order goes on without it, and what is picked of it is taken out of its box by a person.

What is bound is freed and what is picked counts as promised again, so that all of it is promised of other lots in one way, or
comes short. The picked pieces lie where they lay, and are nobody's: a box that they are in is neither sealed nor reviewed nor
shipped, and its slot is not given away, until a person has taken them out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import to_json

from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_lines
from gateway.wes.floor.cancelling import BRING, UNPICK, Goods, follow, turn_round
from gateway.wes.floor.packing import close_again, open_again
from gateway.wes.floor.puts import recall
from gateway.wes.floor.shortfall import promise_other_lots
from gateway.wes.orders.headers import SYSTEM
from gateway.wes.orders.rows import PROMISE, load_order, lock_order
from gateway.wes.planning.binding import Allocation, free_stock, load_allocations, take_back
from gateway.wes.planning.rollback import advance, end_works, renew_works
from gateway.wes.planning.tasks import FREE_SLOT, pick_to, settle_works
from gateway.wes.stock.model import Act, Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import deallocate, move


@dataclass(frozen=True, slots=True)
class Recalled:
    """A lot that is called back.

    Attributes:
        name: of the lot, for people.
        reason: why.
    """

    recall_id: str
    lot_id: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picked:
    """Picked pieces of one allocation that lie in one box.

    Attributes:
        box: for people.
        package_id: the sealed box; None: it stands open, or its goods are being brought back.
    """

    allocation_id: int
    work_id: int
    line_id: int
    quantity: int
    units: tuple[str, ...]
    box: str
    package_id: int | None


_ROLLBACKS: Final = (
    "SELECT DISTINCT r.rollback_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id"
    " JOIN rollbacks r ON r.rollback_id = a.rollback_id OR r.presentation_id = a.presentation_id"
    " WHERE w.order_id = :order_id AND a.lot_id = :lot_id AND r.ended_at IS NULL ORDER BY r.rollback_id"
)
_BOUND: Final = (
    f"lot_id = :lot_id AND work_id IN (SELECT work_id FROM work_orders WHERE order_id = :order_id) AND code < {Code.PICKED:d}"
    " AND picked + short < quantity"
)
_PICKS: Final = (
    "SELECT a.allocation_id, a.work_id, a.line_id, k.package_id, k.quantity, k.upn,"
    " COALESCE(p.box_id, p.package_no, w.slot_id, k.box_id, 'work order ' || w.work_id) FROM work_orders w"
    " JOIN allocations a ON a.work_id = w.work_id JOIN picks k ON k.allocation_id = a.allocation_id"
    " LEFT JOIN packages p ON p.package_id = k.package_id"
    " WHERE w.order_id = :order_id AND a.lot_id = :lot_id AND p.shipped_at IS NULL ORDER BY k.pick_id"
)
_COMING_BACK: Final = (
    "SELECT a.allocation_id, a.work_id, a.line_id, b.quantity FROM put_backs b"
    " JOIN allocations a ON a.allocation_id = b.allocation_id WHERE b.order_id = :order_id AND b.lot_id = :lot_id"
    " AND b.done_at IS NULL AND b.recall_id IS NULL ORDER BY b.put_back_id"
)
_NOW_RECALLED: Final = (
    "UPDATE put_backs SET recall_id = :recall_id"
    " WHERE order_id = :order_id AND lot_id = :lot_id AND done_at IS NULL AND recall_id IS NULL"
)
_DROP_PICKS: Final = (
    "DELETE FROM picks WHERE allocation_id = :allocation_id"
    " AND COALESCE(package_id, 0) = COALESCE(CAST(:package_id AS BIGINT), 0)"
)
_WANTED_AGAIN: Final = "UPDATE order_lines SET reserved = reserved + :quantity WHERE line_id = :line_id"
# The rest of its picks may have left before.
_ALL_SHIPPED: Final = (
    f"UPDATE allocations SET code = {Code.SHIPPED:d} WHERE allocation_id = :allocation_id AND code = {Code.PICKED:d}"
    " AND NOT EXISTS (SELECT 1 FROM picks k LEFT JOIN packages p ON p.package_id = k.package_id"
    " WHERE k.allocation_id = allocations.allocation_id AND p.shipped_at IS NULL)"
)
_TO_TAKE_OUT: Final = (
    "SELECT 1 FROM put_backs b JOIN allocations a ON a.allocation_id = b.allocation_id"
    " WHERE b.order_id = :order_id AND a.line_id = :line_id AND b.recall_id IS NOT NULL AND b.done_at IS NULL"
)
_FREE_ENDED: Final = f"{FREE_SLOT} AND EXISTS (SELECT 1 FROM work_orders w WHERE w.work_id = :work_id AND w.code > {Code.PICKED:d})"


async def take_off(tx: Tx, context: WesContext, recalled: Recalled, order_id: int) -> None:
    """Let an order go on without a lot; what has left of it has left. Done again, it changes nothing."""
    which: dict[str, SqlValue] = {"order_id": order_id, "lot_id": recalled.lot_id}
    await lock_order(tx, order_id)
    # What is being rolled back ends first: its steps move the same work orders and stock.
    for (rollback_id,) in await tx.fetch(_ROLLBACKS, which):
        while await advance(tx, context, rollback_id):
            pass
    bound = await _free_bound(tx, context, recalled, which)
    order, _ = await load_order(tx, order_id)
    if order.code is Code.CANCELLING:
        await _unpick(tx, context, recalled, order_id, await _coming_back(tx, which))
        await tx.execute(_NOW_RECALLED, {**which, "recall_id": recalled.recall_id})
        await follow(tx, context, order_id, recalled.reason)
        return
    picked = await _picked(tx, which)
    await _unpick(tx, context, recalled, order_id, picked)
    await _ask_for(tx, context, recalled, order_id, picked)
    await _begin_anew(tx, context, bound, picked)
    text = f"lot {recalled.name} is recalled: {recalled.reason}"
    await promise_other_lots(tx, context, order_id, recalled.lot_id, text)
    await settle_works(tx, context, {each.work_id for each in (*bound, *picked)})
    await turn_round(tx, context, order_id, f"lot {recalled.name} is recalled")


async def bring_out(tx: Tx, context: WesContext, goods: Goods, holder_id: str, operator: str) -> None:
    """Book recalled goods where they were brought, as has just been noted; the box that they were in may go on.

    Raises:
        StockRefused: the books do not know the goods.
    """
    act = Act(
        event_id=f"takeout-{goods.put_back_id}",
        document_kind="recall",
        document_id=goods.recall_id or "",
        operator=operator,
        at=context.clock.now_us(),
        reason="taken out of its box",
    )
    await post(
        tx, move(act, [Portion(pick_to(context), goods.lot_id, goods.quantity, goods.units)], holder_id)
    )
    which = {"order_id": goods.order_id, "line_id": goods.line_id}
    if not await tx.fetch(_TO_TAKE_OUT, which):
        at_us = context.clock.now_us()
        await settle_lines(tx, goods.order_id, ExceptionKind.RECALLED, [goods.line_id], at_us, operator)
    await tx.execute(_FREE_ENDED, {"work_id": goods.work_id})
    if goods.package_id is not None:
        await close_again(tx, context, goods.package_id, operator)


async def _free_bound(
    tx: Tx, context: WesContext, recalled: Recalled, which: dict[str, SqlValue]
) -> Sequence[Allocation]:
    """Free what is bound and not picked. What is in a hand before a lit slot is taken out again there, if a button is first."""
    bound = await load_allocations(tx, _BOUND, **which)
    await recall(tx, context, [each.allocation_id for each in bound])
    await take_back(tx, context, bound, None)
    await free_stock(tx, context, f"recall-{context.ids.next()}", bound, recalled.reason)
    return bound


async def _picked(tx: Tx, which: dict[str, SqlValue]) -> list[_Picked]:
    """Return what of a lot is picked for an order and has not left, by allocation and box."""
    found: dict[tuple[int, int | None], _Picked] = {}
    units: defaultdict[tuple[int, int | None], list[str]] = defaultdict(list)
    pieces = Counter[tuple[int, int | None]]()
    for allocation_id, work_id, line_id, package_id, quantity, upn, box in await tx.fetch(_PICKS, which):
        key = (allocation_id, package_id)
        pieces[key] += quantity
        units[key] += [upn] if upn else []
        found[key] = _Picked(
            allocation_id=allocation_id,
            work_id=work_id,
            line_id=line_id,
            quantity=pieces[key],
            units=tuple(units[key]),
            box=box,
            package_id=package_id,
        )
    return list(found.values())


async def _coming_back(tx: Tx, which: dict[str, SqlValue]) -> list[_Picked]:
    """Return what of a lot people are to bring back, because the order is cancelled."""
    return [
        _Picked(
            allocation_id=allocation_id,
            work_id=work_id,
            line_id=line_id,
            quantity=quantity,
            units=(),
            box="",
            package_id=None,
        )
        for allocation_id, work_id, line_id, quantity in await tx.fetch(_COMING_BACK, which)
    ]


async def _unpick(
    tx: Tx, context: WesContext, recalled: Recalled, order_id: int, picked: Sequence[_Picked]
) -> None:
    """Count picked pieces as promised again; they lie where they lay, and are nobody's."""
    if not picked:
        return
    act = Act(
        event_id=f"recall-{context.ids.next()}",
        document_kind="order",
        document_id=str(order_id),
        operator=SYSTEM,
        at=context.clock.now_us(),
        reason=recalled.reason,
    )
    quantity = sum(each.quantity for each in picked)
    await post(tx, deallocate(act, [Portion(pick_to(context), recalled.lot_id, quantity)]))
    rows: list[dict[str, SqlValue]] = [
        {
            "allocation_id": each.allocation_id,
            "work_id": each.work_id,
            "line_id": each.line_id,
            "lot_id": recalled.lot_id,
            "quantity": each.quantity,
        }
        for each in picked
    ]
    for sql in (*UNPICK, _WANTED_AGAIN, PROMISE):
        await tx.execute_many(sql, rows)


async def _ask_for(
    tx: Tx, context: WesContext, recalled: Recalled, order_id: int, picked: Iterable[_Picked]
) -> None:
    """Have people take picked pieces out of their boxes; a box that is sealed is open again."""
    cuts: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for each in picked:
        row: dict[str, SqlValue] = {
            "put_back_id": context.ids.next(),
            "order_id": order_id,
            "allocation_id": each.allocation_id,
            "lot_id": recalled.lot_id,
            "quantity": each.quantity,
            "upns": to_json(each.units).decode(),
            "box_id": each.box,
            "at_us": context.clock.now_us(),
            "recall_id": recalled.recall_id,
            "package_id": each.package_id,
        }
        await tx.execute_many(BRING, [row])
        for sql in (_DROP_PICKS, _ALL_SHIPPED):
            await tx.execute_many(sql, [row])
        text = f"{each.quantity} pieces of lot {recalled.name} in {each.box} are recalled ({recalled.reason}): take them out"
        await open_exception(tx, context, order_id, ExceptionKind.RECALLED, text, each.line_id)
        if each.package_id is not None:
            cuts[each.package_id][each.line_id] += each.quantity
    for package_id, lines in sorted(cuts.items()):
        await open_again(tx, package_id, recalled.lot_id, lines)


async def _begin_anew(
    tx: Tx, context: WesContext, bound: Iterable[Allocation], picked: Iterable[_Picked]
) -> None:
    """Let new work orders take over what is not to come of the lot any more."""
    given_up, wanted = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for each in bound:
        given_up[each.work_id, each.line_id] += each.rest
    for each in picked:
        wanted[each.work_id, each.line_id] += each.quantity
    works = sorted({work_id for work_id, _ in (given_up + wanted)})
    await end_works(tx, context, given_up, works)
    await renew_works(tx, context, given_up + wanted, works)
