"""A receipt meets its notice: what lacks of its lines is filled first, then whatever more the site's rule `arrival` allows.

Whoever receives has the notice alone until the transaction ends, so many hands together receive no more than one. What comes
from another warehouse comes from an account of its own in the ledger.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.contract.arrivals import (
    ArrivalState,
    NoticeKind,
)
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.inbound import ReceivedLine
from gateway.contract.wms import ArrivedItem
from gateway.kernel.clock import to_moment
from gateway.kernel.ports import Tx
from gateway.site.rules import ARRIVAL, RECEIPT, Arriving, Receiving
from gateway.wes.arrivals.documents import (
    Arrival,
    Line,
    has_ended,
    keep_lines,
    known_notice,
    lines_of,
    move_on,
    tell_upstream,
)
from gateway.wes.arrivals.lots import LotNumbers
from gateway.wes.context import WesContext
from gateway.wes.notices import unknown_product
from gateway.wes.orders.catalogue import Product
from gateway.wes.orders.rows import family
from gateway.wes.rules import Known
from gateway.wes.stock.model import SUPPLIER, TRANSFER, Quality

_SOURCES: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.PURCHASE: SUPPLIER,
    NoticeKind.TRANSFER: TRANSFER,
}
_SUPPLIER_OF: Final = (
    "SELECT l.supplier FROM lots l JOIN pools p ON p.pool_id = l.pool_id WHERE p.warehouse_id = :warehouse_id"
    " AND p.owner_id = :owner_id AND p.sku = :sku AND l.lot_no = :lot_no"
)


@dataclass(frozen=True, slots=True)
class Share:
    """Pieces of what came that belong to one line."""

    line_no: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """What came, and what was announced.

    Attributes:
        lines: the notice's, with what comes now.
        goods: what came, with the supplier and the days that only the notice says.
        shares: of each of the goods.
    """

    arrival: Arrival
    lines: tuple[Line, ...]
    goods: tuple[ReceivedLine, ...]
    shares: tuple[tuple[Share, ...], ...]

    @property
    def source(self) -> str:
        """The account that the goods come from."""
        return _SOURCES[self.arrival.kind]


async def expect(tx: Tx, notice_no: str, owner_id: str | None) -> Arrival:
    """Return announced goods that are to be received now; nobody else receives any of them until the transaction ends.

    Raises:
        Refusal: there is no such notice, nothing more comes of it, or its goods are another owner's.
    """
    arrival = await known_notice(tx, notice_no)
    if arrival.state in {ArrivalState.CLOSED, ArrivalState.CANCELLED}:
        raise has_ended(arrival)
    if owner_id not in {None, arrival.owner_id}:
        text = f"the goods of notice {notice_no} are {arrival.owner_id}'s"
        raise Refusal(RefusalKind.INVALID, FieldError("ownerId", "otherOwner", text))
    return arrival


def receiving(
    context: WesContext, owner_id: str, arrival: Arrival | None, goods: ReceivedLine, product: Product
) -> Receiving:
    """Return what becomes of goods as they come in."""
    return context.rules.decide(RECEIPT, arriving_facts(owner_id, arrival, goods, product))


def arriving_facts(owner_id: str, arrival: Arrival | None, goods: ReceivedLine, product: Product) -> Known:
    """Return what rules know of goods as they come in (ARRIVAL_FACTS)."""
    announced = "" if arrival is None else arrival.supplier
    return {
        "owner": owner_id,
        "sku": product.sku,
        "supplier": announced or goods.supplier or None,
        "kind": None if arrival is None else arrival.kind.value,
        **family("product", product.attributes),
    }


async def meet(
    tx: Tx,
    context: WesContext,
    arrival: Arrival,
    came: Sequence[ReceivedLine],
    products: Mapping[str, Product],
    numbers: LotNumbers,
) -> Meeting:
    """Match what came with what was announced.

    Raises:
        Refusal: it is more than that, or something else, and the site's rule does not allow it; or a lot cannot be numbered.
    """
    lines = {line.line_no: line for line in await lines_of(tx, arrival)}
    reasons: list[FieldError] = []
    met: list[tuple[ReceivedLine, tuple[Share, ...]]] = []
    for number, goods in enumerate(came):
        product = products.get(goods.sku_id)
        if product is None:
            reasons.append(unknown_product(f"lines[{number}].skuId", goods.sku_id))
            continue
        rule = context.rules.decide(ARRIVAL, _facts(arrival, product))
        if rule.unannounced and not any(line.is_for(goods) for line in lines.values()):
            added = _unannounced(max(lines) + 1, goods)
            lines[added.line_no] = added
        fitting = [line for line in lines.values() if line.is_for(goods)]
        shares = spread(fitting, goods.quantity, rule)
        reasons += _misfits(number, goods, fitting, shares)
        for share in shares:
            line = lines[share.line_no]
            lines[share.line_no] = replace(line, received=line.received + share.quantity)
        filled = [lines[share.line_no] for share in shares]
        described = await _described(tx, context, arrival, goods, filled)
        if not goods.lot_no and receiving(context, arrival.owner_id, arrival, goods, product).number_lots:
            said = {"supplier": goods.supplier or arrival.supplier, **_days(goods, filled)}
            numbered = await numbers.number(tx, goods.model_copy(update=said), product, f"lines[{number}]")
            described = numbered if numbered.lot_no else described
        met.append((described, shares))
    if reasons:
        raise Refusal(RefusalKind.INVALID, *reasons)
    return Meeting(
        arrival,
        tuple(lines.values()),
        tuple(goods for goods, _ in met),
        tuple(shares for _, shares in met),
    )


def spread(lines: Sequence[Line], quantity: int, rule: Arriving) -> tuple[Share, ...]:
    """Return which lines pieces belong to: first what lacks, of the lot that they are before others; then what may come over.

    Fewer pieces belong to lines than came where more came than may; of what nobody has announced any number belongs to its line.
    """
    parts = Counter[int]()
    ordered = sorted(lines, key=lambda line: (not line.lot_no, line.line_no))
    for each in (Arriving(), rule):
        for line in ordered:
            room = line.room(each) - parts[line.line_no] if line.announced else quantity
            if (part := min(quantity, room)) > 0:
                parts[line.line_no] += part
                quantity -= part
    return tuple(Share(*part) for part in sorted(parts.items()))


async def note_arrived(
    tx: Tx, context: WesContext, meeting: Meeting, qualities: Iterable[Quality]
) -> ArrivalState:
    """Count what has come of announced goods, and tell upstream; return how far they have come.

    Args:
        tx: the transaction in which they come.
        context: settings, time, numbers.
        meeting: what came.
        qualities: what each of the goods may be used for, as it came.
    """
    arrival = meeting.arrival
    touched = {share.line_no for shares in meeting.shares for share in shares}
    await keep_lines(tx, arrival, (line for line in meeting.lines if line.line_no in touched))
    complete = all(line.received >= line.announced for line in meeting.lines)
    state = ArrivalState.RECEIVED if complete else ArrivalState.PARTLY
    await move_on(tx, context, arrival, state, None, None)
    arrived = tuple(
        ArrivedItem(
            line_no=share.line_no,
            sku_id=goods.sku_id,
            lot_no=goods.lot_no,
            quantity=share.quantity,
            quality=quality,
        )
        for goods, shares, quality in zip(meeting.goods, meeting.shares, qualities, strict=True)
        for share in shares
    )
    await tell_upstream(tx, context, arrival, arrived, meeting.lines, complete)
    return state


def _facts(arrival: Arrival, product: Product) -> Known:
    return {
        "owner": arrival.owner_id,
        "sku": product.sku,
        "supplier": arrival.supplier,
        "kind": arrival.kind.value,
        **family("product", product.attributes),
    }


def _misfits(
    number: int, goods: ReceivedLine, fitting: Sequence[Line], shares: Sequence[Share]
) -> list[FieldError]:
    """Return what is wrong with goods that belong to no line, or not all of them."""
    if not fitting:
        lot = (
            f"lot {goods.lot_no} of {goods.sku_id}"
            if goods.lot_no
            else f"{goods.sku_id} without a lot number"
        )
        return [FieldError(f"lines[{number}].skuId", "notAnnounced", f"{lot} was not announced")]
    if sum(share.quantity for share in shares) == goods.quantity:
        return []
    announced, received = (
        sum(figures) for figures in zip(*((x.announced, x.received) for x in fitting), strict=True)
    )
    text = f"{announced} of {goods.sku_id} were announced, and {received} have come"
    return [FieldError(f"lines[{number}].quantity", "tooMany", text)]


async def _described(
    tx: Tx, context: WesContext, arrival: Arrival, goods: ReceivedLine, filled: Sequence[Line]
) -> ReceivedLine:
    """Return goods of a new lot with the supplier and the days that the notice says, where the dock says none.

    Of a lot that is known both are known; goods without batches may be of any supplier.
    """
    which = {
        "warehouse_id": context.wes.warehouse_id,
        "owner_id": arrival.owner_id,
        "sku": goods.sku_id,
        "lot_no": goods.lot_no,
    }
    for (supplier,) in await tx.fetch(_SUPPLIER_OF, which):
        return goods.model_copy(update={"supplier": goods.supplier or supplier})
    supplier = goods.supplier or (arrival.supplier if goods.lot_no else "")
    return goods.model_copy(update={"supplier": supplier, **_days(goods, filled)})


def _days(goods: ReceivedLine, filled: Sequence[Line]) -> dict[str, datetime | None]:
    """Return the days of goods that the notice says, where the dock says none."""
    dated = [line for line in filled if (line.production_at, line.expiry_at) != (None, None)]
    if goods.produced_at is not None or goods.expires_at is not None or not dated:
        return {}
    return {
        "produced_at": to_moment(dated[0].production_at),
        "expires_at": to_moment(dated[0].expiry_at),
    }


def _unannounced(line_no: int, goods: ReceivedLine) -> Line:
    return Line(
        line_no=line_no,
        sku=goods.sku_id,
        lot_no=goods.lot_no,
        production_at=None,
        expiry_at=None,
        announced=0,
        received=0,
    )
