"""What people do about counts (S2-87…90): take lines on, count, count again, approve or doubt; each act once.

Counting changes no book. Approving books the difference that was found at the moment of the last count, and nothing else: what was
picked since then has left books and goods alike.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, assert_never

from pydantic_core import to_json

from gateway.contract.acts import ActView
from gateway.contract.counts import (
    GAINS,
    LOSSES,
    AnyCounting,
    ApproveCount,
    ClaimCount,
    CountedGoods,
    CountLine,
    CountReason,
    DecideLines,
    EndCount,
    FoundEmpty,
    FoundGoods,
    OrderCount,
    Recount,
    UnclaimCount,
)
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.counting.books import (
    Finding,
    Position,
    book,
    compare,
    find_lot,
    hold_damaged,
    note_counted,
    take,
)
from gateway.wes.counting.calls import let_go
from gateway.wes.counting.documents import (
    TO_COUNT,
    Line,
    LineState,
    Round,
    add_unexpected,
    find_lines,
    is_same,
    lines_to_count,
    lock_count,
    move_line,
    number_of,
)
from gateway.wes.counting.report import end_if_done, end_now
from gateway.wes.floor.acts import once
from gateway.wes.planning.holders import open_place
from gateway.wes.planning.tasks import OPEN_PUTS, conflict, missing
from gateway.wes.stock.model import Act, Lot
from gateway.wes.stock.rows import load_lot

_FREE: Final = (
    "l.count_id = :count_id AND l.claimant IS NULL AND EXISTS (SELECT 1 FROM holders w WHERE w.holder_id = l.holder_id"
    " AND (w.kind = 'location' OR :containers = 1)) AND (l.state = 'open' OR (l.state = 'again' AND NOT EXISTS"
    " (SELECT 1 FROM count_rounds r WHERE r.line_id = l.line_id AND r.round = l.round AND LOWER(r.operator) = LOWER(:operator))))"
)
# In the order in which they are walked to; what nobody has measured the way to comes last.
_PLACES: Final = (
    f"SELECT l.holder_id FROM count_lines l JOIN holders h ON h.holder_id = l.holder_id WHERE {_FREE}"
    " GROUP BY l.holder_id, h.distance, h.location_id"
    " ORDER BY CASE WHEN h.distance IS NULL THEN 1 ELSE 0 END, h.distance, h.location_id, l.holder_id LIMIT :places"
)
_CLAIM: Final = (
    "UPDATE count_lines SET claimant = :operator WHERE line_id IN"
    f" (SELECT l.line_id FROM count_lines l WHERE {_FREE} AND l.holder_id = :holder_id) RETURNING line_id"
)
_UNCLAIM: Final = (
    "UPDATE count_lines SET claimant = NULL WHERE count_id = :count_id AND LOWER(claimant) = LOWER(:claimant)"
)
_COUNTED: Final = (
    "INSERT INTO count_rounds (line_id, round, operator, at_us, quantity, damaged, books, held, more, less, found,"
    " missing) VALUES (:line_id, :round, :operator, :at_us, :quantity, :damaged, :books, :held, :more, :less, :found,"
    " :missing)"
)
_NUMBER: Final = "UPDATE count_lines SET round = :round WHERE line_id = :line_id"
# Goods that somebody has in hand have left the place, or lie where they go, and the books do not know yet.
_IN_HAND: Final = (
    "SELECT 1 FROM wall_puts p JOIN allocations a ON a.allocation_id = p.allocation_id"
    f" WHERE {OPEN_PUTS} AND a.holder_id = :holder_id AND a.lot_id = :lot_id"
    " UNION ALL SELECT 1 FROM replenishments r WHERE r.lot_id = :lot_id AND :holder_id IN (r.source_id, r.target_id)"
    " AND r.state = 'begun'"
)
_CASE: Final = (
    "SELECT g.units_per_case FROM lots l JOIN pools p ON p.pool_id = l.pool_id"
    " JOIN products g ON g.owner_id = p.owner_id AND g.sku = p.sku WHERE l.lot_id = :lot_id"
)
_KNOWN: Final = "SELECT 1 FROM holders WHERE holder_id = :holder_id AND kind IN ('container', 'location')"
_DECIDED: Final = (
    "UPDATE count_lines SET reason_code = :reason_code, reason = :reason, decided_by = :operator"
    " WHERE line_id = :line_id"
)
_WITHDRAW: Final = (
    "UPDATE count_lines SET state = 'withdrawn', claimant = NULL, ended_at = :at_us, decided_by = :operator"
    " WHERE count_id = :count_id AND ended_at IS NULL"
)
_NOTE: Final = (
    "INSERT INTO decisions (decision_id, document, document_id, decision, operator, reason, at_us)"
    " VALUES (:decision_id, :document, :document_id, :decision, :operator, :reason, :at_us)"
)


async def do_counting(tx: Tx, context: WesContext, request: AnyCounting) -> ActView:
    """Do an act of counting; the same again is answered as before and changes nothing.

    Raises:
        Refusal: it cannot be done as things stand; nothing was changed, and the same id may be used again.
    """
    return await once(tx, context, request, lambda: _do(tx, context, request))


async def _do(tx: Tx, context: WesContext, request: AnyCounting) -> ActView:
    match request:
        case ClaimCount():
            return await _claim(tx, context, request)
        case UnclaimCount():
            count_id = await number_of(tx, request.count_id)
            await lock_count(tx, count_id)
            await tx.execute(_UNCLAIM, {"count_id": count_id, "claimant": request.claimant})
            return ActView(act_id=request.act_id)
        case CountLine():
            return await _count(tx, context, request)
        case FoundEmpty():
            return await _empty(tx, context, request)
        case FoundGoods():
            return await _found(tx, context, request)
        case ApproveCount():
            return await _approve(tx, context, request)
        case Recount():
            return await _recount(tx, context, request)
        case EndCount():
            return await _end(tx, context, request)
        case _:
            assert_never(request)


# ── who counts what ───────────────────────────────────────────────────────────────────────────────────


async def _claim(tx: Tx, context: WesContext, request: ClaimCount) -> ActView:
    count_id = await number_of(tx, request.count_id)
    _check_person(await lock_count(tx, count_id), request.operator)
    which: dict[str, SqlValue] = {
        "count_id": count_id,
        "operator": request.operator,
        "containers": int(not (context.wes.counting.containers and context.layout.stations)),
    }
    places = await tx.fetch(_PLACES, {**which, "places": request.places})
    lines = await tx.fetch_many(_CLAIM, [{**which, "holder_id": row[0]} for row in places])
    return ActView(act_id=request.act_id, line_ids=tuple(row[0] for row in lines))


def _check_person(order: OrderCount, operator: str) -> None:
    if order.people and not any(is_same(operator, each) for each in order.people):
        raise conflict("operator", "otherPeople", f"count {order.count_id} is for {', '.join(order.people)}")


# ── counting ──────────────────────────────────────────────────────────────────────────────────────────


async def _count(tx: Tx, context: WesContext, request: CountLine) -> ActView:
    (line,) = await _locked(tx, [request.line_id])
    _check_person(await lock_count(tx, line.count_id), request.operator)
    lot = await _lot_of(tx, line)
    if request.lot_no not in (None, lot.lot_no):
        text = f"this line is of lot {lot.lot_no!r}: tell the other one as goods that were found"
        raise conflict("lotNo", "wrongLot", text)
    return _counted(request.act_id, [(line.line_id, await _note(tx, context, line, lot, request))])


async def _empty(tx: Tx, context: WesContext, request: FoundEmpty) -> ActView:
    count_id = await number_of(tx, request.count_id)
    _check_person(await lock_count(tx, count_id), request.operator)
    lines = await lines_to_count(tx, count_id, request.holder_id)
    if not lines:
        raise missing("holderId", f"nothing is to be counted in {request.holder_id}")
    nothing = CountedGoods(act_id=request.act_id, operator=request.operator)
    return _counted(
        request.act_id,
        [(line.line_id, await _note(tx, context, line, await _lot_of(tx, line), nothing)) for line in lines],
    )


async def _found(tx: Tx, context: WesContext, request: FoundGoods) -> ActView:
    count_id = await number_of(tx, request.count_id)
    _check_person(await lock_count(tx, count_id), request.operator)
    lot = await find_lot(tx, context, request.owner_id, request.sku_id, request.lot_no)
    if request.holder_id in context.layout.places:
        await open_place(tx, context, request.holder_id)
    elif not await tx.fetch(_KNOWN, {"holder_id": request.holder_id}):
        raise missing("holderId", f"{request.holder_id} is no place, and no container that the books know")
    line = await add_unexpected(tx, context, count_id, request.holder_id, lot.lot_id)
    return _counted(request.act_id, [(line.line_id, await _note(tx, context, line, lot, request))])


def _counted(act_id: str, lines: Sequence[tuple[int, LineState]]) -> ActView:
    return ActView(
        act_id=act_id,
        line_ids=tuple(line_id for line_id, _ in lines),
        line_states=tuple(state.value for _, state in lines),
    )


async def _locked(tx: Tx, line_ids: Sequence[int]) -> list[Line]:
    """Return lines as they are once nobody else can change them, in the order in which their positions are taken."""
    for count_id in sorted({line.count_id for line in await find_lines(tx, line_ids)}):
        await lock_count(tx, count_id)
    return sorted(await find_lines(tx, line_ids), key=lambda line: (line.holder_id, line.lot_id))


async def _lot_of(tx: Tx, line: Line) -> Lot:
    lot = await load_lot(tx, line.lot_id)
    assert lot is not None
    return lot


async def _note(tx: Tx, context: WesContext, line: Line, lot: Lot, counted: CountedGoods) -> LineState:
    """Note what was counted, against the books of this moment; returns what becomes of the line."""
    _check_turn(line, counted.operator)
    quantity = await _pieces(tx, lot, counted)
    there = await take(tx, line.holder_id, lot)
    if await tx.fetch(_IN_HAND, {"holder_id": line.holder_id, "lot_id": lot.lot_id}):
        text = f"somebody is just moving goods of this lot out of {line.holder_id}, or into it: count when they are where they go"
        raise conflict("lineId", "beingMoved", text)
    difference = compare(there, quantity, counted.upns)
    at_us = context.clock.now_us()
    row: dict[str, SqlValue] = {
        "line_id": line.line_id,
        "round": line.number + 1,
        "operator": counted.operator,
        "at_us": at_us,
        "quantity": quantity,
        "damaged": counted.damaged,
        "books": there.balance.quantity,
        "held": there.balance.held,
        "more": difference.more,
        "less": difference.less,
        "found": to_json(difference.found).decode(),
        "missing": to_json(difference.lost).decode(),
    }
    await tx.execute_many(_COUNTED, [row])
    await tx.execute_many(_NUMBER, [{"line_id": line.line_id, "round": line.number + 1}])
    agrees = not difference and counted.damaged <= there.balance.held
    state = LineState.AGREED if agrees else LineState.AGAIN if line.last is None else LineState.DIFFERS
    await move_line(tx, context, line, state)
    await let_go(tx, context, line.holder_id, counted.operator)
    if agrees:
        await note_counted(tx, there, at_us)
        await end_if_done(tx, context, line.count_id)
    return state


def _check_turn(line: Line, operator: str) -> None:
    if line.state not in TO_COUNT:
        raise conflict("lineId", "isCounted", f"line {line.line_id} is {line.state}: nobody has to count it")
    if line.claimant is not None and not is_same(line.claimant, operator):
        raise conflict("lineId", "claimed", f"{line.claimant} has taken line {line.line_id} on")
    if line.last is not None and is_same(line.last.operator, operator):
        text = f"{operator} has counted line {line.line_id}: somebody else counts it again"
        raise conflict("operator", "samePerson", text)


async def _pieces(tx: Tx, lot: Lot, counted: CountedGoods) -> int:
    quantity = counted.quantity
    if counted.cases:
        rows = await tx.fetch(_CASE, {"lot_id": lot.lot_id})
        if not rows or rows[0][0] is None:
            raise _invalid("cases", "noCase", "nobody has said how many pieces a case of this product has")
        quantity += counted.cases * rows[0][0]
    if counted.damaged > quantity:
        raise _invalid("damaged", "tooMany", f"{counted.damaged} of {quantity} pieces cannot be damaged")
    return quantity


def _invalid(field: str, code: str, text: str) -> Refusal:
    return Refusal(RefusalKind.INVALID, FieldError(field, code, text))


# ── decisions ─────────────────────────────────────────────────────────────────────────────────────────


async def _approve(tx: Tx, context: WesContext, request: ApproveCount) -> ActView:
    lines = await _waiting(tx, request)
    findings = [await _finding(tx, context, line, request) for line in lines]
    await book(tx, findings)
    for line, finding in zip(lines, findings, strict=True):
        if line.last is not None and line.last.damaged > line.last.held:
            await hold_damaged(tx, finding, line.last.damaged)
        await note_counted(tx, finding.there, context.clock.now_us())
        await move_line(tx, context, line, LineState.APPROVED)
    row = {"operator": request.operator, "reason_code": request.reason_code, "reason": request.reason}
    await tx.execute_many(_DECIDED, [{**row, "line_id": line.line_id} for line in lines])
    for count_id in sorted({line.count_id for line in lines}):
        await end_if_done(tx, context, count_id)
    return ActView(act_id=request.act_id)


async def _recount(tx: Tx, context: WesContext, request: Recount) -> ActView:
    for line in await _waiting(tx, request):
        await move_line(tx, context, line, LineState.AGAIN)
        await _note_decision(
            tx, context, "countLine", line.line_id, "recount", request.operator, request.reason
        )
    return ActView(act_id=request.act_id)


async def _end(tx: Tx, context: WesContext, request: EndCount) -> ActView:
    count_id = await number_of(tx, request.count_id)
    await lock_count(tx, count_id)
    row = {"count_id": count_id, "operator": request.operator, "at_us": context.clock.now_us()}
    await tx.execute(_WITHDRAW, row)
    await end_now(tx, context, count_id, request.reason)
    await _note_decision(tx, context, "count", count_id, "end", request.operator, request.reason)
    return ActView(act_id=request.act_id)


async def _waiting(tx: Tx, request: DecideLines) -> list[Line]:
    """Return lines that wait for a decision, locked."""
    lines = await _locked(tx, request.line_ids)
    for line in lines:
        if line.state is not LineState.DIFFERS:
            text = f"line {line.line_id} is {line.state}: there is nothing to decide about it"
            raise conflict("lineIds", "notDiffering", text)
    return lines


async def _finding(tx: Tx, context: WesContext, line: Line, request: ApproveCount) -> Finding:
    """Return what was different when a line was counted last, its position held still.

    Raises:
        Refusal: it has another reason, or what was told apart has been moved since.
    """
    assert line.last is not None
    last, there = line.last, await take(tx, line.holder_id, await _lot_of(tx, line))
    _check_reason(line, last, request.reason_code)
    if _is_outdated(last, there):
        text = f"line {line.line_id}: what {last.operator} told apart there has been moved since: have it counted again"
        raise conflict("lineIds", "moved", text)
    return Finding(there, last.difference, partial(_head, context, line, request))


def _check_reason(line: Line, last: Round, code: CountReason) -> None:
    lost = last.difference.less > 0 or last.damaged > last.held
    for concerned, codes in ((lost, LOSSES), (last.difference.more > 0, GAINS)):
        if concerned and code not in codes:
            may = ", ".join(sorted(codes))
            raise conflict("reasonCode", "wrongReason", f"line {line.line_id} differs by one of: {may}")


def _is_outdated(last: Round, there: Position) -> bool:
    """Tell whether single pieces that the count told apart, by number or as damaged, may not be there any more."""
    units = set(there.units)
    moved = not units.issuperset(last.difference.lost) or not units.isdisjoint(last.difference.found)
    changed = (there.balance.quantity, there.balance.held) != (last.books, last.held)
    return moved or (last.damaged > last.held and changed)


def _head(context: WesContext, line: Line, request: ApproveCount, kind: str) -> Act:
    words = "" if request.reason is None else f": {request.reason}"
    return Act(
        event_id=f"count-{kind}-{line.line_id}",
        document_kind="count",
        document_id=line.count_no,
        operator=request.operator,
        at=context.clock.now_us(),
        reason=f"{request.reason_code}{words}",
    )


async def _note_decision(
    tx: Tx, context: WesContext, document: str, number: int, decision: str, operator: str, reason: str
) -> None:
    row: dict[str, SqlValue] = {
        "decision_id": context.ids.next(),
        "document": document,
        "document_id": number,
        "decision": decision,
        "operator": operator,
        "reason": reason,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_NOTE, [row])
