"""Work orders from order lines: what is picked into one box by one person at one place (S0-13, S0-24, S1-64)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx
from gateway.site import rules
from gateway.site.rules import Division, Packaging
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.orders.catalogue import Product
from gateway.wes.orders.headers import note_stages
from gateway.wes.orders.rows import Order, OrderLine

FULL_CASE: Final = "fullCase"

_WORK: Final = (
    "INSERT INTO work_orders (work_id, order_id, mode, zone, priority, deadline_at, code, created_at, updated_at)"
    " VALUES (:work_id, :order_id, :mode, :zone, :priority, :deadline_at, :code, :at_us, :at_us)"
)
_WORK_LINE: Final = (
    "INSERT INTO work_lines (work_id, line_id, quantity, picked, short)"
    " VALUES (:work_id, :line_id, :quantity, 0, 0)"
)


@dataclass(frozen=True, slots=True)
class Part:
    """So much of a line that goes into one kind of work.

    Attributes:
        zone: where its products are; None: the order is not divided by zone.
    """

    line_id: int
    quantity: int
    full_case: bool
    zone: str | None


async def open_work(
    tx: Tx,
    context: WesContext,
    order: Order,
    lines: Sequence[OrderLine],
    products: Mapping[str, Product],
    at_us: Micros,
) -> None:
    """Write the work orders of lines that have just been reserved."""
    by_zone = context.rules.decide(rules.DIVISION, order.facts) is Division.ZONE
    boxes: dict[tuple[bool, str | None], list[Part]] = {}
    for part in _parts(lines, products, by_zone=by_zone):
        boxes.setdefault((part.full_case, part.zone), []).append(part)
    works = {box: context.ids.next() for box in boxes}
    await tx.execute_many(
        _WORK,
        [
            {
                "work_id": work_id,
                "order_id": order.order_id,
                "mode": _mode(context, order, full_case=full_case, zone=zone),
                "zone": zone,
                "priority": order.priority,
                "deadline_at": order.deadline_at,
                "code": Code.PREALLOCATED,
                "at_us": at_us,
            }
            for (full_case, zone), work_id in works.items()
        ],
    )
    await tx.execute_many(
        _WORK_LINE,
        [
            {"work_id": works[box], "line_id": part.line_id, "quantity": part.quantity}
            for box, parts in boxes.items()
            for part in parts
        ],
    )
    await note_stages(tx, "work", list(works.values()), Code.PREALLOCATED, at_us)


def _parts(lines: Iterable[OrderLine], products: Mapping[str, Product], *, by_zone: bool) -> Iterator[Part]:
    for line in lines:
        product = products[line.sku]
        zone = product.attributes.get("zone") if by_zone else None
        case = product.units_per_case if line.packaging is Packaging.CASE else None
        in_cases = line.quantity // case * case if case else 0
        for quantity, full_case in ((in_cases, True), (line.quantity - in_cases, False)):
            if quantity:
                yield Part(line.line_id, quantity, full_case, None if zone is None else str(zone))


def _mode(context: WesContext, order: Order, *, full_case: bool, zone: str | None) -> str:
    return FULL_CASE if full_case else context.rules.decide(rules.PICKING, {**order.facts, "zone": zone})
