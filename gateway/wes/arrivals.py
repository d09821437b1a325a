"""Goods that are on their way (到货登记, S2-22…24, S2-32…37, S2-65): announced by upstream, received against the notice's lines.

A receipt that names a notice (gateway/wes/inbound.py) is matched with its lines here: what lacks is filled first, then whatever
more the site's rule `arrival` allows. Whoever receives has the notice to himself until his transaction ends, so many hands together
receive no more than one. What comes from another warehouse comes from an account of its own in the ledger.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.contract.acts import ActView
from gateway.contract.arrivals import (
    ArrivalState,
    CancelNotice,
    CompleteArrival,
    ExpectedArrivalView,
    ExpectedLineView,
    InboundNotice,
    InboundNoticeView,
    NoticeKind,
    numbered,
)
from gateway.contract.clock import Micros
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.inbound import ReceivedLine
from gateway.contract.wms import ArrivedItem, CallbackDetails, NoticeLine, ResultCode
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.site.rules import ARRIVAL, Arriving
from gateway.wes.context import WesContext
from gateway.wes.floor.acts import once
from gateway.wes.notices import check_same, digest_of, just_announced, other_warehouse, unknown_product
from gateway.wes.orders.catalogue import Product, find_products
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.rows import family
from gateway.wes.outbox import tell_arrival
from gateway.wes.planning.tasks import conflict, missing
from gateway.wes.rules import Known
from gateway.wes.stock.model import SUPPLIER, TRANSFER, Quality

WORDS_MAX: Final = 10
"""Lines that are told in words; of the others, how many there are."""

_OPEN_STATES: Final = (ArrivalState.ANNOUNCED, ArrivalState.PARTLY)
_SOURCES: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.PURCHASE: SUPPLIER,
    NoticeKind.TRANSFER: TRANSFER,
}
_OPEN: Final = (
    "INSERT INTO arrivals (arrival_id, notice_no, digest, kind, owner_id, supplier, expected_at, state, created_at)"
    " VALUES (:arrival_id, :notice_no, :digest, :kind, :owner_id, :supplier, :expected_at, 'announced', :at_us)"
    " ON CONFLICT DO NOTHING"
)
_KNOWN: Final = "SELECT digest, state FROM arrivals WHERE notice_no = :notice_no"
# Has the notice to itself until the transaction ends.
_TAKE: Final = (
    "UPDATE arrivals SET state = state WHERE notice_no = :notice_no"
    " RETURNING arrival_id, notice_no, kind, owner_id, supplier, state"
)
_LINE_COLUMNS: Final = "line_no, sku, lot_no, production_at, expiry_at, announced, received"
_LINES: Final = f"SELECT {_LINE_COLUMNS} FROM arrival_lines WHERE arrival_id = :arrival_id ORDER BY line_no"
_CAME: Final = (
    f"INSERT INTO arrival_lines (arrival_id, {_LINE_COLUMNS}) VALUES (:arrival_id, :line_no, :sku, :lot_no, :production_at,"
    " :expiry_at, :announced, :received) ON CONFLICT (arrival_id, line_no) DO UPDATE SET received = excluded.received"
)
_SUPPLIER_OF: Final = (
    "SELECT l.supplier FROM lots l JOIN pools p ON p.pool_id = l.pool_id WHERE p.warehouse_id = :warehouse_id"
    " AND p.owner_id = :owner_id AND p.sku = :sku AND l.lot_no = :lot_no"
)
_MOVE_ON: Final = (
    "UPDATE arrivals SET state = :state, ended_at = CASE WHEN :ended = 1 THEN COALESCE(ended_at, :at_us) END,"
    " end_reason = :reason, ended_by = :operator WHERE arrival_id = :arrival_id"
)
_COLUMNS: Final = "arrival_id, notice_no, kind, owner_id, supplier, expected_at, state, created_at, ended_at, end_reason, ended_by"
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM arrivals WHERE arrival_id < :below ORDER BY arrival_id DESC LIMIT :limit"
)
_PAGE_OPEN: Final = (
    f"SELECT {_COLUMNS} FROM arrivals WHERE ended_at IS NULL AND arrival_id < :below"
    " ORDER BY arrival_id DESC LIMIT :limit"
)
_ONE: Final = f"SELECT {_COLUMNS} FROM arrivals WHERE notice_no = :notice_no"
_SHOWN: Final = (
    "SELECT l.arrival_id, l.line_no, l.sku, COALESCE(p.name, l.sku), COALESCE(p.unit, ''), l.lot_no, l.production_at,"
    " l.expiry_at, l.announced, l.received FROM arrival_lines l JOIN arrivals a ON a.arrival_id = l.arrival_id"
    " LEFT JOIN products p ON p.owner_id = a.owner_id AND p.sku = l.sku WHERE l.arrival_id = :arrival_id ORDER BY l.line_no"
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Announced goods that are there; nobody else receives any of them until the transaction ends."""

    arrival_id: int
    notice_no: str
    kind: NoticeKind
    owner_id: str
    supplier: str
    state: ArrivalState


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of announced goods, and what has come of it.

    Attributes:
        lot_no: '': whatever lot comes.
        announced: 0: nobody has announced it.
    """

    line_no: int
    sku: str
    lot_no: str
    production_at: Micros | None
    expiry_at: Micros | None
    announced: int
    received: int

    def is_for(self, goods: ReceivedLine) -> bool:
        """Tell whether goods are what this line says."""
        lots = ("", goods.lot_no) if self.announced else (goods.lot_no,)
        return self.sku == goods.sku_id and self.lot_no in lots

    def room(self, rule: Arriving) -> int:
        """Return how many more pieces of what was announced may come."""
        return self.announced + self.announced * rule.over_percent // 100 - self.received


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


async def announce_goods(tx: Tx, context: WesContext, notice: InboundNotice) -> InboundNoticeView:
    """Take note of goods that will come; the same notice again is answered as before.

    Raises:
        Declined: with every reason; nothing was stored.
    """
    digest, what = digest_of(notice), f"notice {notice.notice_no}"
    for known, state in await tx.fetch(_KNOWN, {"notice_no": notice.notice_no}):
        check_same(known, digest, "noticeNo", what)
        return InboundNoticeView(notice_no=notice.notice_no, status=ArrivalState(state))
    owner_id = notice.owner_id or context.wes.owner
    products = await find_products(tx, owner_id, (item.sku_id for item in notice.items))
    reasons = [
        *other_warehouse(context, notice.warehouse_id),
        *(
            unknown_product(f"items[{number}].skuId", item.sku_id)
            for number, item in enumerate(notice.items)
            if item.sku_id not in products
        ),
    ]
    if reasons:
        raise Declined(ResultCode.INVALID, *reasons)
    row: dict[str, SqlValue] = {
        "arrival_id": context.ids.next(),
        "notice_no": notice.notice_no,
        "digest": digest,
        "kind": notice.kind,
        "owner_id": owner_id,
        "supplier": notice.supplier,
        "expected_at": _micros(notice.expected_at),
        "at_us": context.clock.now_us(),
    }
    if not await tx.execute(_OPEN, row):
        raise just_announced("noticeNo", what)
    await tx.execute_many(_CAME, [{"arrival_id": row["arrival_id"], **each} for each in _announced(notice)])
    return InboundNoticeView(notice_no=notice.notice_no, status=ArrivalState.ANNOUNCED)


async def cancel_notice(tx: Tx, context: WesContext, request: CancelNotice) -> InboundNoticeView:
    """Let nothing more come of announced goods, upstream says; the same again is answered as before.

    Raises:
        Declined: there is no such notice, or all of it has come.
    """
    arrival = await _take(tx, request.notice_no)
    if arrival is None:
        text = f"no notice {request.notice_no}"
        raise Declined(ResultCode.NOT_FOUND, FieldError("noticeNo", "unknownNotice", text))
    if arrival.state is ArrivalState.RECEIVED:
        text = f"all of {request.notice_no} has come"
        raise Declined(ResultCode.TOO_LATE, FieldError("noticeNo", "hasEnded", text))
    if arrival.state in _OPEN_STATES:
        announced = arrival.state is ArrivalState.ANNOUNCED
        state = ArrivalState.CANCELLED if announced else ArrivalState.CLOSED
        await _end(tx, context, arrival, state, request.reason, None)
        return InboundNoticeView(notice_no=request.notice_no, status=state)
    return InboundNoticeView(notice_no=request.notice_no, status=arrival.state)


async def complete_arrival(tx: Tx, context: WesContext, request: CompleteArrival) -> ActView:
    """Let nothing more come of announced goods, somebody at the dock says; the same act again changes nothing.

    Raises:
        Refusal: there is no such notice, or it has ended.
    """

    async def do() -> ActView:
        arrival = await _known(tx, request.notice_no)
        if arrival.state not in _OPEN_STATES:
            raise _ended(arrival)
        await _end(tx, context, arrival, ArrivalState.CLOSED, request.reason, request.operator)
        return ActView(act_id=request.act_id, notice_state=ArrivalState.CLOSED)

    return await once(tx, context, request, do)


async def list_arrivals(
    tx: Tx, only_open: bool, below: int, limit: int
) -> list[tuple[int, ExpectedArrivalView]]:
    """Return announced goods with their numbers, the newest first, with numbers below a limit."""
    return await _shown(
        tx, await tx.fetch(_PAGE_OPEN if only_open else _PAGE, {"below": below, "limit": limit})
    )


async def show_arrival(tx: Tx, notice_no: str) -> ExpectedArrivalView:
    """Return announced goods.

    Raises:
        Refusal: there is no such notice.
    """
    for _, view in await _shown(tx, await tx.fetch(_ONE, {"notice_no": notice_no})):
        return view
    raise _not_announced(notice_no)


# ── receipts ──────────────────────────────────────────────────────────────────────────────────────────


async def expect(tx: Tx, notice_no: str, owner_id: str | None) -> Arrival:
    """Return announced goods that are to be received now; nobody else receives any of them until the transaction ends.

    Raises:
        Refusal: there is no such notice, nothing more comes of it, or its goods are another owner's.
    """
    arrival = await _known(tx, notice_no)
    if arrival.state in {ArrivalState.CLOSED, ArrivalState.CANCELLED}:
        raise _ended(arrival)
    if owner_id not in {None, arrival.owner_id}:
        text = f"the goods of notice {notice_no} are {arrival.owner_id}'s"
        raise Refusal(RefusalKind.INVALID, FieldError("ownerId", "otherOwner", text))
    return arrival


async def meet(
    tx: Tx,
    context: WesContext,
    arrival: Arrival,
    came: Sequence[ReceivedLine],
    products: Mapping[str, Product],
) -> Meeting:
    """Match what came with what was announced.

    Raises:
        Refusal: it is more than that, or something else, and the site's rule does not allow it.
    """
    lines = {line.line_no: line for line in await _lines(tx, arrival)}
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
        met.append((await _described(tx, context, arrival, goods, filled), shares))
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
    rows = [
        _row(line) | {"arrival_id": arrival.arrival_id} for line in meeting.lines if line.line_no in touched
    ]
    await tx.execute_many(_CAME, rows)
    complete = all(line.received >= line.announced for line in meeting.lines)
    state = ArrivalState.RECEIVED if complete else ArrivalState.PARTLY
    await _move_on(tx, context, arrival, state, None, None)
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
    await _tell(tx, context, arrival, arrived, meeting.lines, complete)
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
    said: dict[str, object] = {"supplier": goods.supplier or (arrival.supplier if goods.lot_no else "")}
    dated = [line for line in filled if (line.production_at, line.expiry_at) != (None, None)]
    if goods.produced_at is None and goods.expires_at is None and dated:
        said |= {"produced_at": _moment(dated[0].production_at), "expires_at": _moment(dated[0].expiry_at)}
    return goods.model_copy(update=said)


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


# ── documents ─────────────────────────────────────────────────────────────────────────────────────────


def _announced(notice: InboundNotice) -> list[dict[str, SqlValue]]:
    return [
        _row(
            Line(
                line_no=line_no,
                sku=item.sku_id,
                lot_no=item.lot_no,
                production_at=_micros(item.produced_at),
                expiry_at=_micros(item.expires_at),
                announced=item.quantity,
                received=0,
            )
        )
        for line_no, item in numbered(notice.items)
    ]


def _row(line: Line) -> dict[str, SqlValue]:
    return {
        "line_no": line.line_no,
        "sku": line.sku,
        "lot_no": line.lot_no,
        "production_at": line.production_at,
        "expiry_at": line.expiry_at,
        "announced": line.announced,
        "received": line.received,
    }


async def _take(tx: Tx, notice_no: str) -> Arrival | None:
    rows = await tx.fetch(_TAKE, {"notice_no": notice_no})
    if not rows:
        return None
    arrival_id, notice_no, kind, owner_id, supplier, state = rows[0]
    return Arrival(arrival_id, notice_no, NoticeKind(kind), owner_id, supplier, ArrivalState(state))


async def _known(tx: Tx, notice_no: str) -> Arrival:
    arrival = await _take(tx, notice_no)
    if arrival is None:
        raise _not_announced(notice_no)
    return arrival


async def _lines(tx: Tx, arrival: Arrival) -> list[Line]:
    return [
        Line(
            line_no=line_no,
            sku=sku,
            lot_no=lot_no,
            production_at=production_at,
            expiry_at=expiry_at,
            announced=announced,
            received=received,
        )
        for line_no, sku, lot_no, production_at, expiry_at, announced, received in await tx.fetch(
            _LINES, {"arrival_id": arrival.arrival_id}
        )
    ]


def _not_announced(notice_no: str) -> Refusal:
    return missing("noticeNo", f"no notice {notice_no} was sent")


def _ended(arrival: Arrival) -> Refusal:
    text = f"nothing more comes of notice {arrival.notice_no}: it is {arrival.state}"
    return conflict("noticeNo", "hasEnded", text)


async def _end(
    tx: Tx, context: WesContext, arrival: Arrival, state: ArrivalState, reason: str, operator: str | None
) -> None:
    """Let nothing more come, and tell upstream."""
    await _move_on(tx, context, arrival, state, reason, operator)
    await _tell(tx, context, arrival, (), await _lines(tx, arrival), complete=True)


async def _move_on(
    tx: Tx,
    context: WesContext,
    arrival: Arrival,
    state: ArrivalState,
    reason: str | None,
    operator: str | None,
) -> None:
    row: dict[str, SqlValue] = {
        "arrival_id": arrival.arrival_id,
        "state": state,
        "ended": int(state not in _OPEN_STATES),
        "at_us": context.clock.now_us(),
        "reason": reason,
        "operator": operator,
    }
    await tx.execute(_MOVE_ON, row)


async def _tell(
    tx: Tx,
    context: WesContext,
    arrival: Arrival,
    arrived: tuple[ArrivedItem, ...],
    lines: Sequence[Line],
    complete: bool,
) -> None:
    told = tuple(
        NoticeLine(line_no=line.line_no, sku_id=line.sku, announced=line.announced, received=line.received)
        for line in lines
    )
    details = CallbackDetails(
        notice_no=arrival.notice_no, notice_complete=complete, arrived=arrived, notice_lines=told
    )
    await tell_arrival(tx, context, arrival.notice_no, details)


# ── views ─────────────────────────────────────────────────────────────────────────────────────────────


async def _shown(tx: Tx, rows: Sequence[Row]) -> list[tuple[int, ExpectedArrivalView]]:
    lines: dict[int, list[ExpectedLineView]] = {row[0]: [] for row in rows}
    for row in await tx.fetch_many(_SHOWN, [{"arrival_id": row[0]} for row in rows]):
        lines[row[0]].append(_line_view(row))
    return [(row[0], _view(row, lines[row[0]])) for row in rows]


def _view(row: Row, lines: Sequence[ExpectedLineView]) -> ExpectedArrivalView:
    _, notice_no, kind, owner_id, supplier, expected_at, state, created_at, ended_at, reason, ended_by = row
    is_open = state in _OPEN_STATES
    return ExpectedArrivalView(
        notice_no=notice_no,
        kind=kind,
        owner_id=owner_id,
        supplier=supplier,
        expected_at=_moment(expected_at),
        state=state,
        goods=in_words([(line, line.announced) for line in lines]),
        lacks=in_words([(line, line.lacks) for line in lines]) if is_open else "",
        created_at=to_datetime(created_at),
        ended_at=_moment(ended_at),
        reason=reason,
        ended_by=ended_by,
        lines=tuple(lines),
    )


def _line_view(row: Row) -> ExpectedLineView:
    _, line_no, sku, name, unit, lot_no, production_at, expiry_at, announced, received = row
    return ExpectedLineView(
        line_no=line_no,
        sku_id=sku,
        sku_name=name,
        unit=unit,
        lot_no=lot_no,
        produced_at=_moment(production_at),
        expires_at=_moment(expiry_at),
        announced=announced,
        received=received,
        lacks=max(0, announced - received),
    )


def in_words(figures: Iterable[tuple[ExpectedLineView, int]]) -> str:
    """Return lines in words, with so many pieces of each: "Green tea ×10 EA; …" (S2-35)."""
    words = [f"{line.sku_name} ×{pieces} {line.unit}".rstrip() for line, pieces in figures if pieces]
    more = len(words) - WORDS_MAX
    return "; ".join([*words[:WORDS_MAX], *([f"and {more} more lines"] if more > 0 else [])])


def _micros(moment: datetime | None) -> Micros | None:
    return None if moment is None else round(moment.timestamp() * 1_000_000)


def _moment(at: Micros | None) -> datetime | None:
    return None if at is None else to_datetime(at)
