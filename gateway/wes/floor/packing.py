"""From picked pieces to a shipped order (S0-38, S1-78…83, S3-24, S3-25): seal, review, gather, ship.

A sealed box is a package of what was picked for its work order since the last one. Where the order's rule asks for it, somebody
counts it; a difference is told, and settled before it goes on. What ships leaves the stock in the same transaction, and upstream
hears of the order, or of each box as well.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.acts import Counted
from gateway.contract.documents import PackageKind
from gateway.contract.wms import CallbackDetails, CallbackStatus
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.site import rules
from gateway.site.codes import CodeKind
from gateway.site.rules import Shipping
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_kind
from gateway.wes.floor.shortfall import make_up
from gateway.wes.numbers import next_number
from gateway.wes.orders.feedback import tell_shipped
from gateway.wes.orders.rows import load_order, lock_order
from gateway.wes.orders.work import FULL_CASE
from gateway.wes.outbox import call_back
from gateway.wes.planning.tasks import (
    CUT_PICK,
    LEFT_IN_BOX,
    OPEN_PUTS,
    conflict,
    lock_tasks,
    missing,
    pick_to,
    settle_works,
    stock_act,
)
from gateway.wes.stock.model import Act, Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import ship, short_pick


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A sealed box."""

    package_id: int
    package_no: str
    order_id: int
    work_id: int
    code: Code


_SELECT: Final = "SELECT package_id, package_no, order_id, work_id, code FROM packages"
_WORK: Final = (
    "SELECT w.order_id, w.mode, w.code, o.review FROM work_orders w JOIN orders o ON o.order_id = w.order_id"
    " WHERE w.work_id = :work_id"
)
_LIT: Final = (
    "SELECT COUNT(*) FROM wall_puts p JOIN allocations a ON a.allocation_id = p.allocation_id"
    f" WHERE a.work_id = :work_id AND {OPEN_PUTS}"
)
_UNPACKED: Final = (
    "SELECT a.line_id, a.lot_id, CAST(SUM(k.quantity) AS BIGINT) FROM picks k JOIN allocations a"
    " ON a.allocation_id = k.allocation_id WHERE a.work_id = :work_id AND k.package_id IS NULL"
    " GROUP BY a.line_id, a.lot_id ORDER BY a.line_id, a.lot_id"
)
_INSERT: Final = (
    "INSERT INTO packages (package_id, package_no, order_id, work_id, box_id, kind, weight_kg, code, created_at)"
    " VALUES (:package_id, :package_no, :order_id, :work_id, :box_id, :kind, :weight_kg, :code, :at_us)"
)
_LINE: Final = (
    "INSERT INTO package_lines (package_id, line_id, lot_id, quantity)"
    " VALUES (:package_id, :line_id, :lot_id, :quantity)"
)
_PACK: Final = (
    "UPDATE picks SET package_id = :package_id WHERE package_id IS NULL"
    " AND allocation_id IN (SELECT allocation_id FROM allocations WHERE work_id = :work_id)"
)
_LINES: Final = (
    "SELECT line_id, lot_id, quantity, reviewed FROM package_lines"
    " WHERE package_id = :package_id ORDER BY line_id, lot_id"
)
_REVIEWING: Final = "UPDATE packages SET code = :code, reviewer = :reviewer WHERE package_id = :package_id"
_COUNTED: Final = (
    "UPDATE package_lines SET reviewed = :reviewed"
    " WHERE package_id = :package_id AND line_id = :line_id AND lot_id = :lot_id"
)
_CUT_LINES: Final = (
    "DELETE FROM package_lines WHERE package_id = :package_id AND reviewed = 0",
    "UPDATE package_lines SET quantity = reviewed WHERE package_id = :package_id AND reviewed < quantity",
)
_CUT_RECALLED: Final = (
    "DELETE FROM package_lines"
    " WHERE package_id = :package_id AND line_id = :line_id AND lot_id = :lot_id AND quantity = :quantity",
    "UPDATE package_lines SET quantity = quantity - :quantity"
    " WHERE package_id = :package_id AND line_id = :line_id AND lot_id = :lot_id AND quantity > :quantity",
)
_OPEN_AGAIN: Final = (
    "UPDATE package_lines SET reviewed = NULL WHERE package_id = :package_id",
    "UPDATE packages SET weight_kg = NULL, code = CASE WHEN EXISTS (SELECT 1 FROM package_lines x"
    f" WHERE x.package_id = :package_id) THEN {Code.WAITING_FOR_REVIEW:d} ELSE {Code.CANCELLED:d} END"
    " WHERE package_id = :package_id",
)
_LEFT_IN_PACKAGE: Final = (
    "SELECT 1 FROM put_backs WHERE package_id = :package_id AND recall_id IS NOT NULL AND done_at IS NULL"
)
_UNREVIEWED: Final = (
    "SELECT 1 FROM orders o JOIN packages p ON p.order_id = o.order_id"
    " WHERE p.package_id = :package_id AND o.review = 0"
)
_RECALLED: Final = (
    "SELECT l.lot_no FROM package_lines x JOIN lots l ON l.lot_id = x.lot_id"
    " WHERE x.package_id = :package_id AND l.recalled = 1 ORDER BY l.lot_no"
)
_EMPTY: Final = f"UPDATE packages SET code = {Code.CANCELLED:d} WHERE package_id = :package_id"
_PICKS: Final = (
    "SELECT k.pick_id, k.allocation_id, k.quantity, k.upn, k.package_id FROM picks k"
    " JOIN allocations a ON a.allocation_id = k.allocation_id"
    " WHERE k.package_id = :package_id AND a.line_id = :line_id AND a.lot_id = :lot_id ORDER BY k.pick_id DESC"
)
_GATHER: Final = "UPDATE packages SET consolidation_id = :place WHERE package_id = :package_id"
_UNITS: Final = (
    "SELECT a.lot_id, k.upn FROM picks k JOIN allocations a ON a.allocation_id = k.allocation_id"
    " WHERE k.package_id = :package_id AND k.upn IS NOT NULL ORDER BY k.pick_id"
)
_SHIP: Final = (
    f"UPDATE packages SET code = {Code.SHIPPED:d}, shipped_at = :at_us, tracking_no = COALESCE(:tracking_no, tracking_no),"
    " weight_kg = COALESCE(CAST(:weight_kg AS DOUBLE PRECISION), weight_kg) WHERE package_id = :package_id"
)
_SHIPPED_LINE: Final = "UPDATE order_lines SET shipped = shipped + :quantity WHERE line_id = :line_id"
_SHIP_ALLOCATIONS: Final = (
    f"UPDATE allocations SET code = {Code.SHIPPED:d} WHERE work_id = :work_id AND code = {Code.PICKED:d} AND NOT EXISTS"
    " (SELECT 1 FROM picks k LEFT JOIN packages p ON p.package_id = k.package_id"
    " WHERE k.allocation_id = allocations.allocation_id AND p.shipped_at IS NULL)"
)
_OF_ORDER: Final = f"{_SELECT} WHERE order_id = :order_id AND code < {Code.CANCELLING:d} ORDER BY package_id"
_UNPICK: Final = (
    "UPDATE allocations SET picked = picked - :quantity, short = short + :quantity WHERE allocation_id = :allocation_id",
    "UPDATE work_lines SET picked = picked - :quantity, short = short + :quantity"
    " WHERE work_id = :work_id AND line_id = :line_id",
    "UPDATE order_lines SET picked = picked - :quantity WHERE line_id = :line_id",
)
"""What a piece that turns out not to have been picked changes, besides the stock."""


async def seal(
    tx: Tx, context: WesContext, work_id: int, box_id: str | None, weight_kg: float | None, operator: str
) -> int:
    """Close a box; returns the package's number.

    Raises:
        Refusal: there is no such work order, nothing lies in its box or recalled goods do, or a slot of it is still lit.
    """
    rows = await tx.fetch(_WORK, {"work_id": work_id})
    if not rows:
        raise missing("workId", f"no work order {work_id}")
    order_id = rows[0][0]
    await lock_order(tx, order_id)
    ((_, mode, code, review),) = await tx.fetch(_WORK, {"work_id": work_id})
    if code >= Code.CANCELLING:
        raise conflict("workId", "withdrawn", f"work order {work_id} is cancelled: its goods are put back")
    if (await tx.fetch(_LIT, {"work_id": work_id}))[0][0]:
        raise conflict("workId", "lit", "its slot is still lit")
    if await tx.fetch(LEFT_IN_BOX, {"work_id": work_id}):
        raise conflict("workId", "recalled", "recalled goods lie in its box: take them out first")
    lines = await tx.fetch(_UNPACKED, {"work_id": work_id})
    if not lines:
        raise conflict("workId", "empty", f"nothing lies in the box of work order {work_id}")
    package_id, at_us = context.ids.next(), context.clock.now_us()
    kind = PackageKind.CASE if mode == FULL_CASE else PackageKind.MIXED
    reviewed = review and kind is PackageKind.MIXED
    row: dict[str, SqlValue] = {
        "package_id": package_id,
        "package_no": await next_number(tx, context, CodeKind.PACKAGE) or f"B{package_id}",
        "order_id": order_id,
        "work_id": work_id,
        "box_id": box_id,
        "kind": kind,
        "weight_kg": weight_kg,
        "code": Code.WAITING_FOR_REVIEW if reviewed else Code.REVIEWED,
        "at_us": at_us,
    }
    await tx.execute_many(_INSERT, [row])
    await tx.execute_many(
        _LINE,
        [
            {"package_id": package_id, "line_id": line_id, "lot_id": lot_id, "quantity": quantity}
            for line_id, lot_id, quantity in lines
        ],
    )
    await tx.execute_many(_PACK, [{"package_id": package_id, "work_id": work_id}])
    await settle_works(tx, context, [work_id], operator)
    await ship_if_complete(tx, context, order_id, operator)
    return package_id


async def begin_review(tx: Tx, context: WesContext, package_id: int, operator: str) -> None:
    """Begin to look into a package (S1-79).

    Raises:
        Refusal: there is none, or it does not wait for a review.
    """
    package = await _lock(tx, package_id)
    _expect(package, Code.WAITING_FOR_REVIEW, Code.REVIEWING)
    await _move(tx, context, package, Code.REVIEWING, operator)


async def review(
    tx: Tx, context: WesContext, package_id: int, items: Sequence[Counted], operator: str
) -> bool:
    """Note what was counted in a package; False: it differs, and somebody has to settle it (S1-80, S1-81).

    Raises:
        Refusal: there is no such package, it is not under review, or a line is not of it.
    """
    package = await _lock(tx, package_id)
    _expect(package, Code.WAITING_FOR_REVIEW, Code.REVIEWING)
    lines = await tx.fetch(_LINES, {"package_id": package_id})
    counted = Counter[int]()
    for item in items:
        counted[item.line_id] += item.quantity
    wanted = Counter[int]()
    for line_id, _, quantity, _ in lines:
        wanted[line_id] += quantity
    if strange := sorted(counted.keys() - wanted.keys()):
        raise conflict("items", "unknownLine", f"line {strange[0]} is not of package {package.package_no}")
    await _note_counts(tx, package, lines, counted)
    if counted == wanted:
        await settle_kind(tx, package.order_id, ExceptionKind.REVIEW, context.clock.now_us(), operator)
        await _move(tx, context, package, Code.REVIEWED, operator)
        await ship_if_complete(tx, context, package.order_id, operator)
        return True
    await _move(tx, context, package, Code.REVIEWING, operator)
    told = ", ".join(
        f"line {line_id}: {counted[line_id]} counted, {quantity} picked"
        for line_id, quantity in sorted(wanted.items())
        if counted[line_id] != quantity
    )
    text = f"package {package.package_no}: {told}"
    await open_exception(tx, context, package.order_id, ExceptionKind.REVIEW, text)
    details = CallbackDetails(error_code="REVIEW_DIFFERENCE", error_message=text)
    await call_back(tx, context, package.order_id, CallbackStatus.EXCEPTION, details)
    return False


async def accept(tx: Tx, context: WesContext, package_id: int, operator: str) -> None:
    """Let a package be what was counted: what is missing was never picked, and comes from elsewhere or short.

    Raises:
        Refusal: it was not counted, or something is too much in it.
    """
    package = await _lock(tx, package_id)
    _expect(package, Code.REVIEWING)
    for line_id, lot_id, quantity, reviewed in await tx.fetch(_LINES, {"package_id": package_id}):
        if reviewed is None:
            raise conflict("packageId", "notCounted", f"package {package.package_no} was not counted")
        if reviewed > quantity:
            text = (
                f"{reviewed - quantity} pieces of line {line_id} are too much: take them out and count again"
            )
            raise conflict("packageId", "surplus", text)
        if reviewed < quantity:
            await _lose(tx, context, package, line_id, lot_id, quantity - reviewed, operator)
    for sql in _CUT_LINES:
        await tx.execute_many(sql, [{"package_id": package_id}])
    await settle_kind(tx, package.order_id, ExceptionKind.REVIEW, context.clock.now_us(), operator)
    if await tx.fetch(_LINES, {"package_id": package_id}):
        await _move(tx, context, package, Code.REVIEWED, operator)
    else:
        await tx.execute_many(_EMPTY, [{"package_id": package_id}])
        await settle_works(tx, context, [package.work_id], operator)
    await ship_if_complete(tx, context, package.order_id, operator)


async def gather(tx: Tx, package_id: int, place: str) -> None:
    """Note where a package waits for the others of its order (S1-82).

    Raises:
        Refusal: there is none, or it has left.
    """
    package = await _lock(tx, package_id)
    _expect(package, Code.WAITING_FOR_REVIEW, Code.REVIEWING, Code.REVIEWED)
    await tx.execute_many(_GATHER, [{"package_id": package_id, "place": place}])


async def ship_packages(
    tx: Tx,
    context: WesContext,
    package_ids: Sequence[int],
    tracking_no: str | None,
    weights: Mapping[int, float],
    operator: str,
) -> None:
    """Hand packages over to the carrier (S1-83): what is in them leaves the stock, and upstream hears of it (S0-43).

    Raises:
        Refusal: one of them is not there or not ready; then none of them leaves.
        StockRefused: the books do not know the goods.
    """
    orders: defaultdict[int, list[Package]] = defaultdict(list)
    for package_id in sorted(set(package_ids)):
        package = await _lock(tx, package_id)
        _expect(package, Code.REVIEWED)
        await _ship(tx, context, package, tracking_no, weights.get(package_id), operator)
        orders[package.order_id].append(package)
    for order_id, packages in sorted(orders.items()):
        await settle_works(tx, context, [package.work_id for package in packages], operator)
        await tell_shipped(tx, context, order_id, [package.package_id for package in packages])


async def ship_if_complete(tx: Tx, context: WesContext, order_id: int, operator: str) -> None:
    """Ship an order by itself, where the site's rule says so, once all of it is packed and reviewed."""
    order, _ = await load_order(tx, order_id)
    if order.code is not Code.REVIEWED:
        return
    if context.rules.decide(rules.SHIPPING, order.facts) is Shipping.AUTOMATIC:
        packages = [_package(row) for row in await tx.fetch(_OF_ORDER, {"order_id": order_id})]
        ready = [package.package_id for package in packages if package.code is Code.REVIEWED]
        await ship_packages(tx, context, ready, None, {}, operator)


async def open_again(tx: Tx, package_id: int, lot_id: int, lines: Mapping[int, int]) -> None:
    """Take recalled pieces off what a package has, by line; it waits until somebody has taken them out.

    Args:
        tx: the transaction.
        package_id: one that has not left.
        lot_id: what is recalled.
        lines: pieces by line.
    """
    rows = [
        {"package_id": package_id, "lot_id": lot_id, "line_id": line_id, "quantity": quantity}
        for line_id, quantity in sorted(lines.items())
    ]
    for sql in _CUT_RECALLED:
        await tx.execute_many(sql, rows)
    for sql in _OPEN_AGAIN:
        await tx.execute_many(sql, [{"package_id": package_id}])


async def close_again(tx: Tx, context: WesContext, package_id: int, operator: str) -> None:
    """Let a package go on once all recalled goods are out of it: to its review, or where there is none, as it is."""
    which = {"package_id": package_id}
    (row,) = await tx.fetch(f"{_SELECT} WHERE package_id = :package_id", which)
    package = _package(row)
    if package.code is not Code.WAITING_FOR_REVIEW or await tx.fetch(_LEFT_IN_PACKAGE, which):
        return
    if await tx.fetch(_UNREVIEWED, which):
        await _move(tx, context, package, Code.REVIEWED, operator)
        await ship_if_complete(tx, context, package.order_id, operator)


async def _ship(
    tx: Tx,
    context: WesContext,
    package: Package,
    tracking_no: str | None,
    weight_kg: float | None,
    operator: str,
) -> None:
    at_us = context.clock.now_us()
    lines = await tx.fetch(_LINES, {"package_id": package.package_id})
    units: defaultdict[int, list[str]] = defaultdict(list)
    for lot_id, upn in await tx.fetch(_UNITS, {"package_id": package.package_id}):
        units[lot_id].append(upn)
    pieces = Counter[int]()
    for _, lot_id, quantity, _ in lines:
        pieces[lot_id] += quantity
    act = Act(
        event_id=f"ship-{package.package_id}",
        document_kind="order",
        document_id=str(package.order_id),
        operator=operator,
        at=at_us,
    )
    source = pick_to(context)
    portions = [
        Portion(source, lot_id, quantity, tuple(units[lot_id])) for lot_id, quantity in sorted(pieces.items())
    ]
    await post(tx, ship(act, portions))
    # The lots' rows are taken now: whoever recalls one comes before this, or finds that it has left.
    if recalled := await tx.fetch(_RECALLED, {"package_id": package.package_id}):
        text = f"lot {recalled[0][0]} in package {package.package_no} is recalled"
        raise conflict("packageIds", "recalled", text)
    row: dict[str, SqlValue] = {
        "package_id": package.package_id,
        "at_us": at_us,
        "tracking_no": tracking_no,
        "weight_kg": weight_kg,
    }
    await tx.execute_many(_SHIP, [row])
    await tx.execute_many(
        _SHIPPED_LINE, [{"line_id": line_id, "quantity": quantity} for line_id, _, quantity, _ in lines]
    )
    await tx.execute_many(_SHIP_ALLOCATIONS, [{"work_id": package.work_id}])


async def _note_counts(tx: Tx, package: Package, lines: Sequence[Row], counted: Counter[int]) -> None:
    """Deal what was counted of each line to its lots; what is too much counts with the last one."""
    left = Counter(counted)
    last = {line_id: lot_id for line_id, lot_id, _, _ in lines}
    rows: list[dict[str, SqlValue]] = []
    for line_id, lot_id, quantity, _ in lines:
        found = left[line_id] if last[line_id] == lot_id else min(left[line_id], quantity)
        left[line_id] -= found
        rows.append(
            {"package_id": package.package_id, "line_id": line_id, "lot_id": lot_id, "reviewed": found}
        )
    await tx.execute_many(_COUNTED, rows)


async def _lose(
    tx: Tx,
    context: WesContext,
    package: Package,
    line_id: int,
    lot_id: int,
    quantity: int,
    operator: str,
) -> None:
    """Take pieces that are not in a package off its picks; they are held until somebody finds them."""
    which = {"package_id": package.package_id, "line_id": line_id, "lot_id": lot_id}
    for pick_id, allocation_id, pieces, upn, _ in await tx.fetch(_PICKS, which):
        lost = min(quantity, pieces)
        if not lost:
            return
        (task,) = await lock_tasks(tx, "a.allocation_id = :id", id=allocation_id)
        act = stock_act(
            context, task, "missing", operator, f"not in package {package.package_no}: {upn or lost}"
        )
        await post(tx, short_pick(act, Portion(pick_to(context), lot_id, lost), 0, pick_to(context)))
        for sql in CUT_PICK:
            await tx.execute_many(sql, [{"pick_id": pick_id, "quantity": lost}])
        of: dict[str, SqlValue] = {
            "allocation_id": allocation_id,
            "work_id": package.work_id,
            "line_id": line_id,
            "quantity": lost,
        }
        for sql in _UNPICK:
            await tx.execute_many(sql, [of])
        await make_up(tx, context, task, lost, ExceptionKind.SHORT_PICK)
        quantity -= lost


async def _move(tx: Tx, context: WesContext, package: Package, code: Code, operator: str) -> None:
    row = {"package_id": package.package_id, "code": code, "reviewer": operator}
    await tx.execute_many(_REVIEWING, [row])
    await settle_works(tx, context, [package.work_id], operator)


async def _lock(tx: Tx, package_id: int) -> Package:
    rows = await tx.fetch(f"{_SELECT} WHERE package_id = :id", {"id": package_id})
    if not rows:
        raise missing("packageId", f"no package {package_id}")
    await lock_order(tx, _package(rows[0]).order_id)
    if await tx.fetch(_LEFT_IN_PACKAGE, {"package_id": package_id}):
        text = f"recalled goods lie in package {_package(rows[0]).package_no}: take them out first"
        raise conflict("packageId", "recalled", text)
    return _package((await tx.fetch(f"{_SELECT} WHERE package_id = :id", {"id": package_id}))[0])


def _expect(package: Package, *codes: Code) -> None:
    if package.code not in codes:
        raise conflict(
            "packageId",
            "notReady",
            f"package {package.package_no} is at {package.code:d} ({package.code.name.lower()})",
        )


def _package(row: Row) -> Package:
    package_id, package_no, order_id, work_id, code = row
    return Package(
        package_id=package_id,
        package_no=package_no,
        order_id=order_id,
        work_id=work_id,
        code=Code(code),
    )
