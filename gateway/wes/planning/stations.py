"""Which stations take work. A station that nobody has closed is open."""

from collections import Counter
from fnmatch import fnmatchcase
from typing import Final

from gateway.kernel.ports import Tx
from gateway.wes.context import WesContext
from gateway.wes.layout import Workplace
from gateway.wes.planning.blocks import blocked_places

_CLOSED: Final = "SELECT station_id FROM stations WHERE open = 0"
_SET: Final = (
    "INSERT INTO stations (station_id, open, operator, reason) VALUES (:station_id, :open, :operator, :reason)"
    " ON CONFLICT (station_id) DO UPDATE SET open = excluded.open, operator = excluded.operator, reason = excluded.reason"
)
_AT_STATIONS: Final = (
    "SELECT station_id, COUNT(*) FROM presentations WHERE station_id IS NOT NULL"
    " AND state NOT IN ('done', 'cancelled') GROUP BY station_id"
)


async def open_stations(tx: Tx, context: WesContext) -> list[Workplace]:
    """Return the stations that take work, in the order of the site file."""
    closed = {row[0] for row in await tx.fetch(_CLOSED)}
    return [each for each in context.layout.stations.values() if each.station_id not in closed]


async def reachable_stations(tx: Tx, context: WesContext) -> list[Workplace]:
    """Return the open stations to which containers can come: not all of their slots are blocked."""
    shut = await blocked_places(tx)
    return [
        each for each in await open_stations(tx, context) if not each.slots or not shut.issuperset(each.slots)
    ]


async def least_busy(tx: Tx, context: WesContext, container_id: str, pattern: str = "*") -> str | None:
    """Return the station of a pattern with a slot for a container that fewest containers stand at or come to."""
    loads = Counter(dict(await tx.fetch(_AT_STATIONS)))
    serving = context.layout.stations_for(container_id)
    stations = [
        each.station_id
        for each in await reachable_stations(tx, context)
        if fnmatchcase(each.station_id, pattern) and each.station_id in serving
    ]
    return min(stations, key=lambda station_id: loads[station_id], default=None)


async def close_station(tx: Tx, station_id: str, reason: str, operator: str) -> None:
    """Let a station take no more; what is on its way to it or stands there is rolled back by the next round."""
    row = {"station_id": station_id, "open": 0, "operator": operator, "reason": reason}
    await tx.execute_many(_SET, [row])


async def open_station(tx: Tx, station_id: str, operator: str) -> None:
    """Let a station take work."""
    row = {"station_id": station_id, "open": 1, "operator": operator, "reason": None}
    await tx.execute_many(_SET, [row])
