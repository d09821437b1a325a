"""How a WES does, in a few figures: orders by status, pieces picked per presentation (pile-on), stock, what stands at stations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.kernel.ports import Tx
from gateway.wes.codes import Code

_ORDERS: Final = "SELECT code, COUNT(*) FROM orders GROUP BY code ORDER BY code"
_PILE_ON: Final = (
    "SELECT CAST(COALESCE(SUM(a.picked), 0) AS BIGINT), COUNT(DISTINCT p.presentation_id) FROM presentations p"
    " JOIN allocations a ON a.presentation_id = p.presentation_id"
    " WHERE p.purpose = 'pick' AND p.state IN ('leaving', 'done') AND p.arrived_at IS NOT NULL"
)
_STOCK: Final = (
    "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT), CAST(COALESCE(SUM(reserved), 0) AS BIGINT) FROM pools"
    " WHERE warehouse_id = :warehouse_id"
)
_STATIONS: Final = (
    "SELECT station_id, COUNT(*) FROM presentations WHERE state = 'arrived' AND station_id IS NOT NULL"
    " GROUP BY station_id ORDER BY station_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A WES at one moment.

    Attributes:
        picked, presentations: pieces taken from containers that have been worked on at stations, and how many came.
        quantity: pieces in stock.
        promised: of these, promised to orders.
        at_stations: containers that are worked on, by station.
    """

    orders: Mapping[Code, int]
    picked: int
    presentations: int
    quantity: int
    promised: int
    at_stations: Mapping[str, int]

    @property
    def pile_on(self) -> float | None:
        """Pieces per presentation; None before the first."""
        return self.picked / self.presentations if self.presentations else None


async def read_figures(tx: Tx, warehouse_id: str) -> Figures:
    """Return the figures of now."""
    ((picked, presentations),) = await tx.fetch(_PILE_ON)
    ((quantity, promised),) = await tx.fetch(_STOCK, {"warehouse_id": warehouse_id})
    return Figures(
        orders={Code(code): count for code, count in await tx.fetch(_ORDERS)},
        picked=picked,
        presentations=presentations,
        quantity=quantity,
        promised=promised,
        at_stations=dict(await tx.fetch(_STATIONS)),
    )
