"""How a count meets the books: one position is held still, compared with what was counted, and put right.

A difference belongs to the moment at which somebody counted. What is picked or moved later changes books and goods alike, so that
the difference stays what it was; only another count makes it void.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.planning.tasks import conflict, missing
from gateway.wes.stock.model import Act, Balance, Lot, Pool, Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.refusal import Elsewhere, StockRefused
from gateway.wes.stock.rows import LOT_COLUMNS, balance_of, lot_of
from gateway.wes.stock.verbs import gain, hold, lose, lose_held
from gateway.wes.stock.views import find_pool

_LOT: Final = f"SELECT {LOT_COLUMNS} FROM lots WHERE pool_id = :pool_id AND lot_no = :lot_no"
_OPEN: Final = (
    "INSERT INTO positions (holder_id, lot_id) SELECT h.holder_id, l.lot_id FROM lots l JOIN pools p ON p.pool_id = l.pool_id"
    " JOIN holders h ON h.warehouse_id = p.warehouse_id WHERE l.lot_id = :lot_id AND h.holder_id = :holder_id"
    " AND h.kind <> 'outside' ON CONFLICT DO NOTHING"
)
# Takes the position's row: what is counted against stays as it is until this transaction ends.
_TAKE: Final = (
    "UPDATE positions SET quantity = quantity WHERE holder_id = :holder_id AND lot_id = :lot_id"
    " RETURNING quantity, 0, allocated, held"
)
_UNITS: Final = "SELECT upn FROM units WHERE holder_id = :holder_id AND lot_id = :lot_id ORDER BY upn"
_COUNTED: Final = "UPDATE positions SET counted_at = :at_us WHERE holder_id = :holder_id AND lot_id = :lot_id"
_VOID: Final = (
    "UPDATE count_lines SET state = 'again', claimant = NULL WHERE holder_id = :holder_id AND lot_id = :lot_id"
    " AND ended_at IS NULL AND state = 'differs'"
)


@dataclass(frozen=True, slots=True)
class Position:
    """A lot at one holder, held still until the transaction ends.

    Attributes:
        units: that the books have there, of a lot that is known by unit.
    """

    holder_id: str
    lot: Lot
    balance: Balance
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a count says against the books.

    Attributes:
        more, less: pieces that are too much, and that are missing; of a lot that is known by unit both may be some.
        found, lost: the units of both.
    """

    more: int
    less: int
    found: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.more > 0 or self.less > 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What is different at one position.

    Attributes:
        head: returns the head of an event of a kind.
    """

    there: Position
    difference: Difference
    head: Callable[[str], Act]


async def known_pool(tx: Tx, context: WesContext, owner_id: str | None, sku: str) -> Pool:
    """Return the stock of a product of an owner, or of the site's own one.

    Raises:
        Refusal: there has never been any.
    """
    owner = owner_id or context.wes.owner
    pool = await find_pool(tx, context.wes.warehouse_id, owner, sku)
    if pool is None:
        raise missing("skuId", f"there has never been any {sku} of {owner}")
    return pool


async def find_lot(tx: Tx, context: WesContext, owner_id: str | None, sku: str, lot_no: str) -> Lot:
    """Return a lot of a product; the owner as above.

    Raises:
        Refusal: there has never been such a lot.
    """
    pool = await known_pool(tx, context, owner_id, sku)
    rows = await tx.fetch(_LOT, {"pool_id": pool.pool_id, "lot_no": lot_no})
    if not rows:
        raise missing("lotNo", f"there has never been a lot {lot_no!r} of {sku}")
    return lot_of(rows[0])


async def take(tx: Tx, holder_id: str, lot: Lot) -> Position:
    """Hold a position still until the transaction ends; one that cannot be has nothing."""
    which: dict[str, SqlValue] = {"holder_id": holder_id, "lot_id": lot.lot_id}
    await tx.execute_many(_OPEN, [which])
    rows = await tx.fetch_many(_TAKE, [which])
    units = tuple(row[0] for row in await tx.fetch(_UNITS, which)) if lot.serial else ()
    return Position(holder_id, lot, balance_of(rows[0]) if rows else Balance(), units)


def compare(there: Position, quantity: int, upns: Sequence[str]) -> Difference:
    """Return what a count says against the books.

    Raises:
        Refusal: the lot is known by unit, and not as many units are named as pieces were counted.
    """
    if not there.lot.serial:
        books = there.balance.quantity
        return Difference(max(0, quantity - books), max(0, books - quantity))
    if len(upns) != quantity:
        text = f"{len(upns)} units are named, {quantity} pieces are counted"
        raise conflict("upns", "uncounted", text)
    found = tuple(upn for upn in upns if upn not in there.units)
    lost = tuple(upn for upn in there.units if upn not in upns)
    return Difference(len(found), len(lost), found, lost)


async def book(tx: Tx, findings: Sequence[Finding]) -> None:
    """Put the books right: what is missing goes off what was held there first, then off what is free.

    What is too much is booked first, so that pieces which lie in the wrong place are never missing in between; but a unit that the
    books have at another one of these positions goes off there before.

    Args:
        tx: the transaction that holds the positions still.
        findings: what is different, each at a position of its own.

    Raises:
        Refusal: pieces that are allocated would be missing.
        StockRefused: what is missing is promised, or a unit is known to be elsewhere.
    """
    elsewhere = [each for each in findings if not await _is_gained(tx, each)]
    for each in findings:
        await _lose(tx, each)
    for each in elsewhere:
        await _gain(tx, each)


async def hold_damaged(tx: Tx, finding: Finding, damaged: int) -> None:
    """Hold what is damaged, as far as it is not held already; the difference has been booked."""
    there = finding.there
    held = there.balance.held - min(finding.difference.less, there.balance.held)
    if damaged > held:
        portion = Portion(there.holder_id, there.lot.lot_id, damaged - held)
        await post(tx, hold(finding.head("hold"), there.lot, portion))


async def note_counted(tx: Tx, there: Position, at_us: Micros) -> None:
    """Note that the books of a position are as it was counted."""
    await tx.execute_many(_COUNTED, [{**_which(there), "at_us": at_us}])


async def void_counts(tx: Tx, there: Position) -> None:
    """Have counted again what was counted before the books were put right otherwise: it says nothing any more."""
    await tx.execute_many(_VOID, [_which(there)])


async def _is_gained(tx: Tx, finding: Finding) -> bool:
    """Book what is too much; False: the books have one of these units elsewhere."""
    try:
        await _gain(tx, finding)
    except StockRefused as refused:
        if isinstance(refused.reason, Elsewhere):
            return False
        raise
    return True


async def _gain(tx: Tx, finding: Finding) -> None:
    there, difference = finding.there, finding.difference
    if difference.more:
        found = Portion(there.holder_id, there.lot.lot_id, difference.more, difference.found)
        await post(tx, gain(finding.head("gain"), there.lot, found))


async def _lose(tx: Tx, finding: Finding) -> None:
    there, lost, head = finding.there, finding.difference.lost, finding.head
    lot, less, at = there.lot, finding.difference.less, partial(Portion, there.holder_id, there.lot.lot_id)
    if less > there.balance.held + there.balance.free:
        text = (
            f"{there.balance.allocated} pieces in {there.holder_id} are allocated:"
            " what is missing of them is told where they are picked"
        )
        raise conflict("quantity", "allocated", text)
    from_held = min(less, there.balance.held)
    if from_held:
        await post(tx, lose_held(head("lossHeld"), lot, at(from_held, lost[:from_held])))
    if less > from_held:
        await post(tx, lose(head("loss"), lot, at(less - from_held, lost[from_held:])))


def _which(there: Position) -> dict[str, SqlValue]:
    return {"holder_id": there.holder_id, "lot_id": there.lot.lot_id}
