"""The documents of announced goods: a notice is taken once, moves on as its goods come, and ends; upstream is told of each step.

Whoever takes a notice has it alone until the transaction ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.acts import ActView
from gateway.contract.arrivals import (
    ArrivalState,
    CancelNotice,
    CompleteArrival,
    InboundNotice,
    InboundNoticeView,
    NoticeKind,
    numbered,
)
from gateway.contract.clock import Micros
from gateway.contract.faults import FieldError, Refusal
from gateway.contract.inbound import ReceivedLine
from gateway.contract.wms import ArrivedItem, CallbackDetails, NoticeLine, ResultCode
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import SqlValue, Tx
from gateway.site.rules import Arriving
from gateway.wes.context import WesContext
from gateway.wes.floor.acts import once
from gateway.wes.floor.dock import strange_lots
from gateway.wes.notices import (
    check_same,
    digest_of,
    just_announced,
    other_warehouse,
    retired_product,
    unknown_product,
)
from gateway.wes.orders.catalogue import find_products, use_products
from gateway.wes.orders.declined import Declined
from gateway.wes.outbox import tell_arrival
from gateway.wes.planning.tasks import conflict, missing

OPEN_STATES: Final = (ArrivalState.ANNOUNCED, ArrivalState.PARTLY)
_OPEN: Final = (
    "INSERT INTO arrivals (arrival_id, notice_no, digest, kind, owner_id, supplier, expected_at, state, created_at)"
    " VALUES (:arrival_id, :notice_no, :digest, :kind, :owner_id, :supplier, :expected_at, 'announced', :at_us)"
    " ON CONFLICT DO NOTHING"
)
_KNOWN: Final = "SELECT digest, state FROM arrivals WHERE notice_no = :notice_no"
# Has the notice to itself until the transaction ends.
_TAKE: Final = (
    "UPDATE arrivals SET state = state WHERE notice_no = :notice_no"
    " RETURNING arrival_id, notice_no, kind, owner_id, supplier, state, lot_no"
)
_LINE_COLUMNS: Final = "line_no, sku, lot_no, production_at, expiry_at, announced, received"
_LINES: Final = f"SELECT {_LINE_COLUMNS} FROM arrival_lines WHERE arrival_id = :arrival_id ORDER BY line_no"
_KEEP: Final = (
    f"INSERT INTO arrival_lines (arrival_id, {_LINE_COLUMNS}) VALUES (:arrival_id, :line_no, :sku, :lot_no, :production_at,"
    " :expiry_at, :announced, :received) ON CONFLICT (arrival_id, line_no) DO UPDATE SET received = excluded.received"
)
_MOVE_ON: Final = (
    "UPDATE arrivals SET state = :state, ended_at = CASE WHEN :ended = 1 THEN COALESCE(ended_at, :at_us) END,"
    " end_reason = :reason, ended_by = :operator WHERE arrival_id = :arrival_id"
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Announced goods that are there; nobody else receives any of them until the transaction ends.

    Attributes:
        lot_no: the number that we gave to lots that came without one; None: there were none.
    """

    arrival_id: int
    notice_no: str
    kind: NoticeKind
    owner_id: str
    supplier: str
    state: ArrivalState
    lot_no: str | None


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
        *(
            retired_product(f"items[{number}].skuId", item.sku_id)
            for number, item in enumerate(notice.items)
            if item.sku_id in products and products[item.sku_id].retired
        ),
        *await strange_lots(
            tx,
            context,
            owner_id,
            [(f"items[{n}].lotNo", item.sku_id, item.lot_no) for n, item in enumerate(notice.items)],
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
        "expected_at": None if notice.expected_at is None else to_micros(notice.expected_at),
        "at_us": context.clock.now_us(),
    }
    if not await tx.execute(_OPEN, row) or await use_products(tx, owner_id, products.values()):
        raise just_announced("noticeNo", what)
    await tx.execute_many(_KEEP, [{"arrival_id": row["arrival_id"], **each} for each in _announced(notice)])
    return InboundNoticeView(notice_no=notice.notice_no, status=ArrivalState.ANNOUNCED)


async def cancel_notice(tx: Tx, context: WesContext, request: CancelNotice) -> InboundNoticeView:
    """Let nothing more come of announced goods, upstream says; the same again is answered as before.

    Raises:
        Declined: there is no such notice, or all of it has come.
    """
    arrival = await take_notice(tx, request.notice_no)
    if arrival is None:
        text = f"no notice {request.notice_no}"
        raise Declined(ResultCode.NOT_FOUND, FieldError("noticeNo", "unknownNotice", text))
    if arrival.state is ArrivalState.RECEIVED:
        text = f"all of {request.notice_no} has come"
        raise Declined(ResultCode.TOO_LATE, FieldError("noticeNo", "hasEnded", text))
    if arrival.state in OPEN_STATES:
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
        arrival = await known_notice(tx, request.notice_no)
        if arrival.state not in OPEN_STATES:
            raise has_ended(arrival)
        await _end(tx, context, arrival, ArrivalState.CLOSED, request.reason, request.operator)
        return ActView(act_id=request.act_id, notice_state=ArrivalState.CLOSED)

    return await once(tx, context, request, do)


def _announced(notice: InboundNotice) -> list[dict[str, SqlValue]]:
    return [
        _row(
            Line(
                line_no=line_no,
                sku=item.sku_id,
                lot_no=item.lot_no,
                production_at=None if item.produced_at is None else to_micros(item.produced_at),
                expiry_at=None if item.expires_at is None else to_micros(item.expires_at),
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


async def take_notice(tx: Tx, notice_no: str) -> Arrival | None:
    """Return announced goods, for this transaction alone; None: nobody has announced them."""
    rows = await tx.fetch(_TAKE, {"notice_no": notice_no})
    if not rows:
        return None
    arrival_id, notice_no, kind, owner_id, supplier, state, lot_no = rows[0]
    return Arrival(arrival_id, notice_no, NoticeKind(kind), owner_id, supplier, ArrivalState(state), lot_no)


async def known_notice(tx: Tx, notice_no: str) -> Arrival:
    """The same.

    Raises:
        Refusal: nobody has announced them.
    """
    arrival = await take_notice(tx, notice_no)
    if arrival is None:
        raise not_announced(notice_no)
    return arrival


async def lines_of(tx: Tx, arrival: Arrival) -> list[Line]:
    """Return the lines of announced goods, in order."""
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


def not_announced(notice_no: str) -> Refusal:
    """Return what is told of a notice that nobody has sent."""
    return missing("noticeNo", f"no notice {notice_no} was sent")


def has_ended(arrival: Arrival) -> Refusal:
    """Return what is told of a notice of which nothing more comes."""
    text = f"nothing more comes of notice {arrival.notice_no}: it is {arrival.state}"
    return conflict("noticeNo", "hasEnded", text)


async def _end(
    tx: Tx, context: WesContext, arrival: Arrival, state: ArrivalState, reason: str, operator: str | None
) -> None:
    """Let nothing more come, and tell upstream."""
    await move_on(tx, context, arrival, state, reason, operator)
    await tell_upstream(tx, context, arrival, (), await lines_of(tx, arrival), complete=True)


async def keep_lines(tx: Tx, arrival: Arrival, lines: Iterable[Line]) -> None:
    """Keep lines as they are now; those that are new are added."""
    await tx.execute_many(_KEEP, [_row(line) | {"arrival_id": arrival.arrival_id} for line in lines])


async def move_on(
    tx: Tx,
    context: WesContext,
    arrival: Arrival,
    state: ArrivalState,
    reason: str | None,
    operator: str | None,
) -> None:
    """Note how far announced goods have come; of such as have ended, since when, why and by whom."""
    row: dict[str, SqlValue] = {
        "arrival_id": arrival.arrival_id,
        "state": state,
        "ended": int(state not in OPEN_STATES),
        "at_us": context.clock.now_us(),
        "reason": reason,
        "operator": operator,
    }
    await tx.execute(_MOVE_ON, row)


async def tell_upstream(
    tx: Tx,
    context: WesContext,
    arrival: Arrival,
    arrived: tuple[ArrivedItem, ...],
    lines: Sequence[Line],
    complete: bool,
) -> None:
    """Tell upstream what has just come, and what has come of each line so far."""
    told = tuple(
        NoticeLine(line_no=line.line_no, sku_id=line.sku, announced=line.announced, received=line.received)
        for line in lines
    )
    details = CallbackDetails(
        notice_no=arrival.notice_no, notice_complete=complete, arrived=arrived, notice_lines=told
    )
    await tell_arrival(tx, context, arrival.notice_no, details)
