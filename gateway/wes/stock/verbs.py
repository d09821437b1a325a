"""What people and machines do with stock, each as one event for `post`.

A verb only says which figures change. Whether there is enough, the database decides at the moment of the change.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from gateway.wes.stock.model import (
    ADJUST,
    OUTSIDE,
    SHIPPED,
    SUPPLIER,
    Act,
    Balance,
    Event,
    EventKind,
    Line,
    Lot,
    Portion,
    Quality,
    Share,
    UnitMove,
    event,
)


def receive(act: Act, lot: Lot, *arriving: Portion, source: str = SUPPLIER) -> Event:
    """Goods come in: into the receiving area, or into a container (S3-12). From `SHIPPED`: they come back."""
    return event(
        act, EventKind.RECEIVE, chain(_barred(lot, _enter(source, arriving))), _units_in(source, arriving)
    )


def put_away(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Free goods go from the receiving area to where they stay (S3-13). The row that they leave stays, at zero."""
    return _moved(act, EventKind.PUTAWAY, portions, target, Balance(quantity=1))


def move(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Free goods go to another holder (S3-28)."""
    return _moved(act, EventKind.MOVE, portions, target, Balance(quantity=1))


def move_held(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Held goods go to another holder, and stay held there: what is damaged is put aside (S2-73)."""
    return _moved(act, EventKind.MOVE, portions, target, Balance(quantity=1, held=1))


def reserve(act: Act, shares: Iterable[Share]) -> Event:
    """Promise so much of lots to order lines: 预占 (S1-53, S3-15)."""
    return event(act, EventKind.RESERVE, _of_lots(shares, Balance(reserved=1)))


def release(act: Act, shares: Iterable[Share]) -> Event:
    """Take a promise back that is not allocated (S3-16)."""
    return event(act, EventKind.RELEASE, _of_lots(shares, Balance(reserved=-1)))


def allocate(act: Act, portions: Iterable[Portion]) -> Event:
    """Bind what is reserved to positions: 锁定 (S1-56, S1-57, S3-19)."""
    return event(act, EventKind.ALLOCATE, _at(portions, Balance(allocated=1)))


def allocate_free(act: Act, portions: Sequence[Portion]) -> Event:
    """Reserve and allocate in one: positions are chosen before anything was promised."""
    lines = chain(_at(portions, Balance(allocated=1)), _of_lots(portions, Balance(reserved=1)))
    return event(act, EventKind.ALLOCATE, lines)


def deallocate(act: Act, portions: Iterable[Portion]) -> Event:
    """Free positions again; the lots stay reserved."""
    return event(act, EventKind.DEALLOCATE, _at(portions, Balance(allocated=-1)))


def let_go(act: Act, portions: Sequence[Portion]) -> Event:
    """Take back what was reserved and allocated in one."""
    lines = chain(_at(portions, Balance(allocated=-1)), _of_lots(portions, Balance(reserved=-1)))
    return event(act, EventKind.RELEASE, lines)


def move_bound(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Allocated goods go to another holder, and stay promised (S2-60)."""
    return _moved(act, EventKind.MOVE, portions, target, Balance(quantity=1, allocated=1))


def set_down(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Allocated goods have come where they go, and are free (S2-66)."""
    return event(act, EventKind.MOVE, _let_off(portions, target), _units(portions, target))


def hand_over(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Allocated goods leave to another warehouse or to production, sold to nobody (S2-39)."""
    return event(act, EventKind.HAND_OVER, _let_off(portions, target), _units(portions, target))


def lose_bound(act: Act, portions: Sequence[Portion]) -> Event:
    """Allocated goods have not come where they go (S2-69)."""
    return event(act, EventKind.LOSS, _let_off(portions, ADJUST), _units(portions, ADJUST))


def allocate_lots(act: Act, shares: Iterable[Share]) -> Event:
    """Allocate without positions: black box, the gateway's side picks the container (S1-57)."""
    return event(act, EventKind.ALLOCATE, _of_lots(shares, Balance(allocated=1)))


def deallocate_lots(act: Act, shares: Iterable[Share]) -> Event:
    """Take an allocation without positions back; the lots stay reserved."""
    return event(act, EventKind.DEALLOCATE, _of_lots(shares, Balance(allocated=-1)))


def pick(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Allocated goods go to PICK_TO or a pick container, with lot, reservation and allocation (S1-74, S3-22, S3-23)."""
    return _moved(act, EventKind.PICK, portions, target, Balance(quantity=1, allocated=1))


def short_pick(act: Act, portion: Portion, taken: int, target: str, units: tuple[str, ...] = ()) -> Event:
    """Less than the allocated portion was found. What was missed is no longer promised, and held until somebody counts.

    Args:
        act: who, when, why.
        portion: what was allocated.
        taken: what was found and picked: less than that.
        target: where it went.
        units: UPNs of what was taken.
    """
    if not 0 <= taken < portion.quantity:
        raise ValueError(f"{taken} of {portion.quantity} is not a short pick")
    found = [Portion(portion.holder_id, portion.lot_id, taken, units)] if taken else []
    missed = Portion(portion.holder_id, portion.lot_id, portion.quantity - taken)
    lines = chain(
        _carry(found, target, Balance(quantity=1, allocated=1)),
        _at([missed], Balance(allocated=-1, held=1)),
        _of_lots([missed], Balance(reserved=-1)),
    )
    return event(act, EventKind.SHORT, lines, _units(found, target))


def put_back(act: Act, portions: Sequence[Portion], target: str) -> Event:
    """Picked goods that are no longer wanted return to stock; nothing is promised of them any more."""
    return event(act, EventKind.PUT_BACK, _let_off(portions, target), _units(portions, target))


def ship(act: Act, portions: Sequence[Portion]) -> Event:
    """Picked goods leave: quantity, allocation and reservation go in one (S1-83, S3-25)."""
    return event(act, EventKind.SHIP, _let_off(portions, SHIPPED), _units(portions, SHIPPED))


def gain(act: Act, lot: Lot, *found: Portion) -> Event:
    """A count found more (S3-26)."""
    return event(act, EventKind.GAIN, _barred(lot, _enter(ADJUST, found)), _units_in(ADJUST, found))


def lose(act: Act, lot: Lot, *lost: Portion) -> Event:
    """A count found less than was free (S3-26)."""
    return _gone(act, EventKind.LOSS, lot, ADJUST, free=lost)


def lose_held(act: Act, lot: Lot, *lost: Portion) -> Event:
    """A count found less than was held: what was missed at a short pick is not there."""
    return _gone(act, EventKind.LOSS, lot, ADJUST, held=lost)


def scrap(act: Act, lot: Lot, free: Sequence[Portion], held: Sequence[Portion]) -> Event:
    """Goods that are no use to anybody are thrown away (S2-46)."""
    return _gone(act, EventKind.SCRAP, lot, ADJUST, free=free, held=held)


def send_back(act: Act, lot: Lot, free: Sequence[Portion], held: Sequence[Portion]) -> Event:
    """Goods go back to whom they came from."""
    return _gone(act, EventKind.SUPPLIER_RETURN, lot, SUPPLIER, free=free, held=held)


def hold(act: Act, lot: Lot, *portions: Portion) -> Event:
    """Free goods must not be promised until they are freed again."""
    return event(act, EventKind.HOLD, _barred(lot, _at(portions, Balance(held=1))))


def unhold(act: Act, lot: Lot, *portions: Portion) -> Event:
    """Held goods are free again."""
    return event(act, EventKind.UNHOLD, _barred(lot, _at(portions, Balance(held=-1))))


def merge(act: Act, source: Lot, target: Lot, *portions: Portion) -> Event:
    """Free goods of one lot become goods of another one of the same SKU (S2-109); the event is the record of it.

    Args:
        act: who, when, why.
        source: the lot that they were of.
        target: the lot that they are of from now on.
        portions: of the source.
    """
    if source.pool_id != target.pool_id or source.serial or target.serial:
        raise ValueError(
            f"lot {source.lot_id} cannot become lot {target.lot_id}: another SKU, or known by unit"
        )
    renamed = [replace(portion, lot_id=target.lot_id) for portion in portions]
    gone = _barred(source, _carry(portions, ADJUST, Balance(quantity=1)))
    return event(act, EventKind.MERGE, chain(gone, _barred(target, _enter(ADJUST, renamed))))


def _gone(
    act: Act,
    kind: EventKind,
    lot: Lot,
    target: str,
    free: Sequence[Portion] = (),
    held: Sequence[Portion] = (),
) -> Event:
    """Goods leave the stock for good: free ones, and held ones, which nobody has to free first."""
    leaving = (*free, *held)
    lines = chain(_carry(leaving, target, Balance(quantity=1)), _at(held, Balance(held=-1)))
    return event(act, kind, _barred(lot, lines), _units(leaving, target))


def _barred(lot: Lot, lines: Iterable[Line]) -> list[Line]:
    """Return the lines; of a lot that may not be used, all that comes is held as a whole, and no longer when it goes."""
    kept = list(lines)
    if any(line.lot_id != lot.lot_id for line in kept):
        raise ValueError(f"lot {lot.lot_id} is given for goods of another lot")
    if lot.quality is Quality.QUALIFIED:
        return kept
    inside = [line.change for line in kept if line.holder_id not in OUTSIDE]
    come = sum(change.quantity - change.held for change in inside)
    return [*kept, Line(lot.lot_id, None, Balance(held=come))]


def _moved(act: Act, kind: EventKind, portions: Sequence[Portion], target: str, each: Balance) -> Event:
    return event(act, kind, _carry(portions, target, each), _units(portions, target))


def _let_off(portions: Sequence[Portion], target: str) -> Iterator[Line]:
    """Return the lines of allocated goods that go to a holder where they are promised to nobody."""
    yield from _carry(portions, target, Balance(quantity=1))
    yield from _at(portions, Balance(allocated=-1))
    yield from _of_lots(portions, Balance(reserved=-1))


def _carry(portions: Iterable[Portion], target: str, each: Balance) -> Iterator[Line]:
    for portion in portions:
        moved = each * _positive(portion.quantity)
        yield Line(portion.lot_id, portion.holder_id, moved * -1)
        yield Line(portion.lot_id, target, moved)


def _enter(source: str, portions: Iterable[Portion]) -> Iterator[Line]:
    for portion in portions:
        come = Balance(quantity=_positive(portion.quantity))
        yield Line(portion.lot_id, source, come * -1)
        yield Line(portion.lot_id, portion.holder_id, come)


def _at(portions: Iterable[Portion], each: Balance) -> Iterator[Line]:
    for portion in portions:
        yield Line(portion.lot_id, portion.holder_id, each * _positive(portion.quantity))


def _of_lots(shares: Iterable[Share | Portion], each: Balance) -> Iterator[Line]:
    for share in shares:
        yield Line(share.lot_id, None, each * _positive(share.quantity))


def _units(portions: Iterable[Portion], target: str) -> Iterator[UnitMove]:
    for portion in portions:
        yield from (UnitMove(upn, portion.lot_id, portion.holder_id, target) for upn in portion.units)


def _units_in(source: str, portions: Iterable[Portion]) -> Iterator[UnitMove]:
    for portion in portions:
        yield from (UnitMove(upn, portion.lot_id, source, portion.holder_id) for upn in portion.units)


def _positive(quantity: int) -> int:
    if quantity <= 0:
        raise ValueError(f"{quantity} units are not a quantity")
    return quantity
