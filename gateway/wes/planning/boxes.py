"""One order, one box (S0-13, S1-64): what comes later for an order goes into the box that stands open for it.

A container was lost in the middle of picking, a pick came short, a line could be promised only later: the rest waits as a work
order of its own, like any other. As long as a box of the same order, zone and way of picking stands in its slot, the rest is
planned for this slot alone, and its goods become part of the work order whose box that is. A box that was sealed, or whose station
takes no work, takes nothing more: then the rest gets a box of its own.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.orders.progress import move_works
from gateway.wes.planning.demand import Waiting
from gateway.wes.planning.presentations import Overtaken
from gateway.wes.planning.tasks import settle_works

# The oldest box comes last, and so it is the one that counts.
_OPEN: Final = (
    "SELECT w.order_id, w.mode, w.zone, s.work_id, s.station_id, s.slot_id, w.held FROM wall_slots s"
    f" JOIN work_orders w ON w.work_id = s.work_id WHERE w.code <= {Code.PICKED:d} ORDER BY s.work_id DESC"
)
_STILL: Final = (
    "UPDATE work_orders SET held = held WHERE work_id = :work_id AND held IS NULL"
    f" AND code <= {Code.PICKED:d} AND EXISTS"
    " (SELECT 1 FROM wall_slots s WHERE s.work_id = work_orders.work_id AND s.slot_id = :slot_id)"
)
_HAND_OVER: Final = (
    "UPDATE allocations SET work_id = :box_id"
    f" WHERE work_id = :work_id AND code >= {Code.ALLOCATED:d} AND code < {Code.PICKED:d}"
)
_OPEN_LINES: Final = (
    "SELECT line_id, quantity - picked - short FROM work_lines"
    " WHERE work_id = :work_id AND quantity > picked + short ORDER BY line_id"
)
_GIVE_UP: Final = "UPDATE work_lines SET short = quantity - picked WHERE work_id = :work_id"
_WANT_AGAIN: Final = (
    "UPDATE work_lines SET short = short - :quantity"
    " WHERE work_id = :box_id AND line_id = :line_id AND short >= :quantity"
)
_WANT_MORE: Final = (
    "INSERT INTO work_lines (work_id, line_id, quantity, picked, short) VALUES (:box_id, :line_id, :quantity, 0, 0)"
    " ON CONFLICT (work_id, line_id) DO UPDATE SET quantity = work_lines.quantity + excluded.quantity"
)
_COUNT_ON: Final = (
    "UPDATE work_orders SET rolled_back = (SELECT v.rolled_back FROM work_orders v WHERE v.work_id = :work_id)"
    " WHERE work_id = :box_id"
    " AND rolled_back < (SELECT v.rolled_back FROM work_orders v WHERE v.work_id = :work_id)"
)

TO_COME: Final = f"""COALESCE((SELECT SUM(x.quantity - x.picked - x.short) FROM work_orders v
JOIN work_lines x ON x.work_id = v.work_id WHERE v.order_id = w.order_id AND v.mode = w.mode
AND COALESCE(v.zone, '') = COALESCE(w.zone, '') AND v.station_id IS NULL AND v.held IS NULL
AND v.code IN ({Code.PREALLOCATED:d}, {Code.ALLOCATED:d}, {Code.WAVE_BUILT:d})
AND NOT EXISTS (SELECT 1 FROM work_lines y JOIN order_lines l ON l.line_id = y.line_id WHERE y.work_id = v.work_id
    AND y.quantity > y.picked + y.short AND l.quantity > l.reserved + l.picked + l.short)
AND NOT EXISTS (SELECT 1 FROM stations t WHERE t.station_id = w.station_id AND t.open = 0)), 0)"""
"""Pieces that will come into the box of a work order `w` and are not its own yet; what nobody has is not waited for."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box that stands open in its slot.

    Attributes:
        work_id: whose box it is.
        held: that work order waits for a person.
    """

    work_id: int
    station_id: str
    slot_id: str
    held: bool


async def find_boxes(tx: Tx, works: Iterable[Waiting], stations: Collection[str]) -> Mapping[int, Box]:
    """Return by work id the open boxes of works that wait, as far as they stand at some stations."""
    boxes: dict[_Kind, Box] = {
        (order_id, mode, zone): Box(work_id, station_id, slot_id, held is not None)
        for order_id, mode, zone, work_id, station_id, slot_id, held in await tx.fetch(_OPEN)
        if station_id in stations
    }
    return {work.work_id: boxes[_kind(work)] for work in works if _kind(work) in boxes}


def one_for_each_box(works: Iterable[Waiting], boxes: Mapping[int, Box]) -> list[Waiting]:
    """Leave out works whose box waits for a person, and all but the first for the same box: their turn comes."""
    chosen: dict[_Kind, Waiting] = {}
    for work in works:
        box = boxes.get(work.work_id)
        if box is None or not box.held:
            chosen.setdefault(_kind(work), work)
    return list(chosen.values())


async def join_box(tx: Tx, context: WesContext, work_id: int, box: Box) -> None:
    """Let what a work order has just been bound to come into a box; the work order has ended with that.

    Raises:
        Overtaken: the box was sealed, or its work order waits for a person.
    """
    if not await tx.execute(_STILL, {"work_id": box.work_id, "slot_id": box.slot_id}):
        raise Overtaken(f"the box of work order {box.work_id}")
    both = {"work_id": work_id, "box_id": box.work_id}
    for line_id, quantity in await tx.fetch(_OPEN_LINES, {"work_id": work_id}):
        row = {"box_id": box.work_id, "line_id": line_id, "quantity": quantity}
        if not await tx.execute(_WANT_AGAIN, row):
            await tx.execute_many(_WANT_MORE, [row])
    await tx.execute_many(_GIVE_UP, [{"work_id": work_id}])
    await tx.execute_many(_HAND_OVER, [both])
    await tx.execute_many(_COUNT_ON, [both])
    await settle_works(tx, context, [box.work_id])
    await move_works(tx, {work_id: Code.CANCELLED}, context.clock.now_us())


_Kind = tuple[int, str, str | None]
"""What one box is for: an order, a way of picking, a zone."""


def _kind(work: Waiting) -> _Kind:
    return work.order_id, work.mode, work.zone
