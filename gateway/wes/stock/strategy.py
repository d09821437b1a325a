"""Which lots are promised first (S3-20, S2-104).

The turnover that a site's rules ask for is an order of lots; for `nearest` the way to their nearest position is. The database
walks in that order just as far as the demand reaches. A case is of one lot: of what is wanted in whole cases each lot first gives
its whole ones, and only what no lot has a whole case of is made up of pieces. Lots that are pending, rejected or expired are
never chosen, nor those that have expired by the clock before anybody has marked them. Which positions a lot is taken from is
decided when work is planned.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.site.rules import Turnover
from gateway.wes.stock.model import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """So much of a SKU is wanted.

    Attributes:
        lasting: the lot must not have expired by then: the time now, or later for a minimum remaining shelf life.
        lot_no: only this lot; `Turnover.GIVEN` needs it.
        case: units in a whole case, where it is wanted in whole cases as far as possible; 1: as pieces.
    """

    warehouse_id: str
    owner_id: str
    sku: str
    quantity: int
    lasting: Micros
    turnover: Turnover = Turnover.FIFO
    lot_no: str | None = None
    case: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for a demand that means nothing."""
        if self.quantity <= 0:
            raise ValueError(f"{self.quantity} of {self.sku} is not a demand")
        if self.turnover is Turnover.GIVEN and self.lot_no is None:
            raise ValueError(f"a lot of {self.sku} is to be given, and none is named")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a demand.

    Attributes:
        missing: how much of the demand could not be met.
    """

    parts: tuple[Share, ...]
    missing: int


_FAR: Final = "1e18"
_NEVER: Final = "9223372036854775807"
_WAY: Final = f"COALESCE(holders.distance, {_FAR})"
_FREE: Final = "positions.quantity - positions.allocated - positions.held"
_AVAILABLE: Final = "lots.quantity - lots.reserved - lots.held"
_CASE: Final = "CAST(:case AS BIGINT)"

# Of positions: some of it is free, and it is at a place where it can be fetched.
_FETCHABLE: Final = f"positions.quantity > 0 AND {_FREE} > 0 AND holders.kind IN ('container', 'location')"
# Of lots: it may be used for this demand.
_USABLE: Final = (
    f"lots.quality = 'qualified' AND lots.recalled = 0 AND COALESCE(lots.expiry_at, {_NEVER}) > :lasting"
)
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
# `reach` is how far the demand is met with the whole cases up to this lot; none is wanted that begins where the demand ends.
_WALKS: Final = {
    turnover: f"""SELECT CAST(:demand AS BIGINT), lot_id, usable FROM (
SELECT candidates.*, SUM(whole) OVER (ORDER BY place) AS reach FROM (
    SELECT lots.lot_id, {_AVAILABLE} AS usable, ({_AVAILABLE}) / {_CASE} * {_CASE} AS whole,
    ROW_NUMBER() OVER (ORDER BY {order}) AS place
    FROM pools JOIN lots ON lots.pool_id = pools.pool_id WHERE {_WANTED}) AS candidates
) AS walk WHERE reach - whole < CAST(:quantity AS BIGINT) ORDER BY place"""
    for turnover, order in _LOT_ORDER.items()
}


async def choose_lots(tx: Tx, demands: Sequence[Demand]) -> list[Choice]:
    """Choose what to promise: available stock of lots, by each demand's turnover. Demands never get the same goods."""
    rows = await _walk(tx, demands)
    return list(_deal(demands, rows))


async def _walk(tx: Tx, demands: Sequence[Demand]) -> list[Row]:
    """Return for each demand enough candidates for it and for those before it that want the same SKU."""
    until: Counter[tuple[str, str, str]] = Counter()
    params: defaultdict[Turnover, list[dict[str, SqlValue]]] = defaultdict(list)
    for number, demand in enumerate(demands):
        pool = (demand.warehouse_id, demand.owner_id, demand.sku)
        # The last lot of one before it may have lost a case by less than a case.
        until[pool] += demand.quantity + demand.case - 1
        params[demand.turnover].append(
            {
                "demand": number,
                "warehouse_id": demand.warehouse_id,
                "owner_id": demand.owner_id,
                "sku": demand.sku,
                "lot_no": demand.lot_no,
                "lasting": demand.lasting,
                "quantity": until[pool],
                "case": demand.case,
            }
        )
    return [
        row for turnover, wanted in params.items() for row in await tx.fetch_many(_WALKS[turnover], wanted)
    ]


def _deal(demands: Sequence[Demand], rows: Iterable[Row]) -> Iterator[Choice]:
    """Give each demand its candidates in turn, as far as those before it have left any."""
    candidates: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, lot_id, usable in rows:
        candidates[number].append((lot_id, usable))
    gone: Counter[int] = Counter()
    for number, demand in enumerate(demands):
        missing = demand.quantity
        taken: Counter[int] = Counter()
        for size in dict.fromkeys((demand.case, 1)):
            for lot_id, usable in candidates[number]:
                part = min(missing, usable - gone[lot_id]) // size * size
                if part > 0:
                    taken[lot_id] += part
                    gone[lot_id] += part
                    missing -= part
        yield Choice(
            tuple(Share(lot_id, taken[lot_id]) for lot_id, _ in candidates[number] if taken[lot_id]), missing
        )
