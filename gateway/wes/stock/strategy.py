"""Which stock comes first: lots to promise from, and positions to take from (S3-20, S2-104).

The turnover that a site's rules ask for is an order of lots; within a lot, and before everything else for `nearest`,
the way to the position decides. The database walks in that order just as far as the demand reaches. Lots that are
pending, rejected or expired are never chosen, nor those that have expired by the clock before anybody has marked them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.site.rules import Turnover
from gateway.wes.stock.model import Portion, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """So much of a SKU is wanted.

    Attributes:
        lasting: the lot must not have expired by then: the time now, or later for a minimum remaining shelf life.
        lot_no: only this lot; `Turnover.GIVEN` needs it.
    """

    warehouse_id: str
    owner_id: str
    sku: str
    quantity: int
    lasting: Micros
    turnover: Turnover = Turnover.FIFO
    lot_no: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a demand that means nothing."""
        if self.quantity <= 0:
            raise ValueError(f"{self.quantity} of {self.sku} is not a demand")
        if self.turnover is Turnover.GIVEN and self.lot_no is None:
            raise ValueError(f"a lot of {self.sku} is to be given, and none is named")


Part = TypeVar("Part", Share, Portion)


@dataclass(frozen=True, slots=True)
class Choice(Generic[Part]):
    """What was chosen for a demand.

    Attributes:
        missing: how much of the demand could not be met.
    """

    parts: tuple[Part, ...]
    missing: int


_FAR: Final = "1e18"
_NEVER: Final = "9223372036854775807"
_WAY: Final = f"COALESCE(holders.distance, {_FAR})"
_FREE: Final = "positions.quantity - positions.allocated - positions.held"
_AVAILABLE: Final = "lots.quantity - lots.reserved - lots.held"

# Of positions: some of it is free, and it is at a place where it can be fetched.
_FETCHABLE: Final = f"positions.quantity > 0 AND {_FREE} > 0 AND holders.kind IN ('container', 'location')"
# Of lots: it may be used for this demand.
_USABLE: Final = f"lots.quality = 'qualified' AND COALESCE(lots.expiry_at, {_NEVER}) > :lasting"
_WANTED: Final = f"""pools.warehouse_id = :warehouse_id AND pools.owner_id = :owner_id AND pools.sku = :sku
AND lots.quantity > 0 AND {_AVAILABLE} > 0 AND {_USABLE}
AND (CAST(:lot_no AS TEXT) IS NULL OR lots.lot_no = CAST(:lot_no AS TEXT))"""
_WHERE_IT_IS: Final = "positions JOIN holders ON holders.holder_id = positions.holder_id"

_NEAREST_LOT: Final = (
    f"(SELECT MIN({_WAY}) FROM {_WHERE_IT_IS} WHERE positions.lot_id = lots.lot_id AND {_FETCHABLE})"
)
_LOT_ORDER: Final = {
    Turnover.FIFO: "lots.received_at, lots.lot_id",
    Turnover.FEFO: f"COALESCE(lots.expiry_at, {_NEVER}), lots.received_at, lots.lot_id",
    Turnover.LIFO: "lots.received_at DESC, lots.lot_id DESC",
    Turnover.GIVEN: "lots.received_at, lots.lot_id",
    Turnover.NEAREST: f"COALESCE({_NEAREST_LOT}, {_FAR}), lots.received_at, lots.lot_id",
}
_POSITION_ORDER: Final = {
    **{turnover: f"{order}, {_WAY}, positions.holder_id" for turnover, order in _LOT_ORDER.items()},
    Turnover.NEAREST: f"{_WAY}, lots.received_at, lots.lot_id, positions.holder_id",
}

# Candidates have a place in the order, what is usable there, and what their lot allows in all. `reach` is how far the
# demand is met with this one; none is wanted that begins where the demand ends.
_WALK: Final = """SELECT CAST(:demand AS BIGINT), holder_id, lot_id, usable, of_lot FROM (
SELECT candidates.*, SUM(usable) OVER (ORDER BY place) AS reach FROM ({candidates}) AS candidates
) AS walk WHERE reach - usable < CAST(:quantity AS BIGINT) ORDER BY place"""

_LOTS: Final = {
    turnover: _WALK.format(
        candidates=f"""SELECT '' AS holder_id, lots.lot_id, {_AVAILABLE} AS usable, {_AVAILABLE} AS of_lot,
        ROW_NUMBER() OVER (ORDER BY {order}) AS place
        FROM pools JOIN lots ON lots.pool_id = pools.pool_id WHERE {_WANTED}"""
    )
    for turnover, order in _LOT_ORDER.items()
}
# What positions of a lot have in all may be more than what of the lot is not promised to others.
_POSITIONS: Final = {
    turnover: _WALK.format(
        candidates=f"""SELECT holder_id, lot_id, place, of_lot,
        CAST(CASE WHEN of_lot - before < free THEN of_lot - before ELSE free END AS BIGINT) AS usable FROM (
            SELECT places.*, SUM(free) OVER (PARTITION BY lot_id ORDER BY place) - free AS before FROM (
                SELECT positions.holder_id, positions.lot_id, {_FREE} AS free, {_AVAILABLE} AS of_lot,
                ROW_NUMBER() OVER (ORDER BY {order}) AS place
                FROM pools JOIN lots ON lots.pool_id = pools.pool_id JOIN positions ON positions.lot_id = lots.lot_id
                JOIN holders ON holders.holder_id = positions.holder_id WHERE {_WANTED} AND {_FETCHABLE}
            ) AS places
        ) AS limited WHERE of_lot > before"""
    )
    for turnover, order in _POSITION_ORDER.items()
}
_OF_SHARE: Final = _WALK.format(
    candidates=f"""SELECT positions.holder_id, positions.lot_id, {_FREE} AS usable, lots.reserved AS of_lot,
    ROW_NUMBER() OVER (ORDER BY {_WAY}, positions.holder_id) AS place
    FROM lots JOIN positions ON positions.lot_id = lots.lot_id
    JOIN holders ON holders.holder_id = positions.holder_id
    WHERE lots.lot_id = :lot_id AND {_USABLE} AND {_FETCHABLE}"""
)


async def choose_lots(tx: Tx, demands: Sequence[Demand]) -> list[Choice[Share]]:
    """Choose what to promise: available stock of lots, by each demand's turnover. Demands never get the same goods."""
    rows = await _walk(tx, _LOTS, demands)
    return [
        Choice(tuple(Share(lot_id, quantity) for _, lot_id, quantity in taken), missing)
        for taken, missing in _deal([demand.quantity for demand in demands], rows)
    ]


async def choose_positions(tx: Tx, demands: Sequence[Demand]) -> list[Choice[Portion]]:
    """Choose free goods that are promised to nobody, by each demand's turnover. Demands never get the same goods."""
    rows = await _walk(tx, _POSITIONS, demands)
    return [
        Choice(tuple(Portion(*part) for part in taken), missing)
        for taken, missing in _deal([demand.quantity for demand in demands], rows)
    ]


async def locate(tx: Tx, shares: Sequence[Share], lasting: Micros) -> list[Choice[Portion]]:
    """Choose where to take what is reserved from: the shortest way first. Shares never get the same goods.

    Args:
        tx: the job's transaction.
        shares: so much of lots; reserved, and not allocated.
        lasting: nothing is taken of lots that have expired by then.
    """
    until: Counter[int] = Counter()
    params: list[dict[str, SqlValue]] = []
    for number, share in enumerate(shares):
        until[share.lot_id] += share.quantity
        params.append(
            {"demand": number, "lot_id": share.lot_id, "quantity": until[share.lot_id], "lasting": lasting}
        )
    rows = await tx.fetch_many(_OF_SHARE, params)
    return [
        Choice(tuple(Portion(*part) for part in taken), missing)
        for taken, missing in _deal([share.quantity for share in shares], rows)
    ]


async def _walk(tx: Tx, walks: Mapping[Turnover, str], demands: Sequence[Demand]) -> list[Row]:
    """Return for each demand enough candidates for it and for those before it that want the same SKU."""
    until: Counter[tuple[str, str, str]] = Counter()
    params: defaultdict[Turnover, list[dict[str, SqlValue]]] = defaultdict(list)
    for number, demand in enumerate(demands):
        pool = (demand.warehouse_id, demand.owner_id, demand.sku)
        until[pool] += demand.quantity
        params[demand.turnover].append(
            {
                "demand": number,
                "warehouse_id": demand.warehouse_id,
                "owner_id": demand.owner_id,
                "sku": demand.sku,
                "lot_no": demand.lot_no,
                "lasting": demand.lasting,
                "quantity": until[pool],
            }
        )
    return [
        row for turnover, wanted in params.items() for row in await tx.fetch_many(walks[turnover], wanted)
    ]


def _deal(wanted: Sequence[int], rows: Iterable[Row]) -> Iterator[tuple[list[tuple[str, int, int]], int]]:
    """Give each demand its candidates in turn, as far as those before it have left any.

    Returns:
        For each demand (holder, lot, quantity) of its parts, and how much is missing.
    """
    candidates: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        candidates[row[0]].append(row)
    gone: Counter[tuple[str, int]] = Counter()
    gone_of_lot: Counter[int] = Counter()
    for number, quantity in enumerate(wanted):
        missing = quantity
        taken: list[tuple[str, int, int]] = []
        for _, holder_id, lot_id, usable, of_lot in candidates[number]:
            part = min(missing, usable - gone[holder_id, lot_id], of_lot - gone_of_lot[lot_id])
            if part > 0:
                taken.append((holder_id, lot_id, part))
                gone[holder_id, lot_id] += part
                gone_of_lot[lot_id] += part
                missing -= part
        yield taken, missing
