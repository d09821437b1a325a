"""Work orders from order lines: what is picked into one box by one person at one place (S0-13, S0-24, S1-64).

Of a line that is picked in whole cases those are work of their own. A case is of one lot: what is promised of a lot beyond its
whole cases is picked as pieces.
"""

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
from gateway.wes.stock.model import Share

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
    promised: Mapping[int, Sequence[Share]],
    products: Mapping[str, Product],
    at_us: Micros,
) -> None:
    """Write the work orders of lines that have just been reserved: of what is promised to each, by line id."""
    by_zone = context.rules.decide(rules.DIVISION, order.facts) is Division.ZONE
    boxes: dict[tuple[bool, str | None], list[Part]] = {}
    for part in _parts(lines, promised, products, by_zone=by_zone):
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


def case_of(line: OrderLine, product: Product) -> int | None:
    """Return how many pieces of a line are picked as a whole case; None: it is picked as pieces."""
    return product.units_per_case if line.packaging is Packaging.CASE else None


def _parts(
    lines: Iterable[OrderLine],
    promised: Mapping[int, Sequence[Share]],
    products: Mapping[str, Product],
    *,
    by_zone: bool,
) -> Iterator[Part]:
    for line in lines:
        product, shares = products[line.sku], promised[line.line_id]
        zone = product.attributes.get("zone") if by_zone else None
        case = case_of(line, product)
        in_cases = sum(share.quantity // case * case for share in shares) if case else 0
        pieces = sum(share.quantity for share in shares) - in_cases
        for quantity, full_case in ((in_cases, True), (pieces, False)):
            if quantity:
                yield Part(line.line_id, quantity, full_case, None if zone is None else str(zone))


def _mode(context: WesContext, order: Order, *, full_case: bool, zone: str | None) -> str:
    return FULL_CASE if full_case else context.rules.decide(rules.PICKING, {**order.facts, "zone": zone})
