"""Which charger a vehicle goes to."""

from collections.abc import Collection

from gateway.fleet.roads import Roads
from gateway.fleet.rows import Mission
from gateway.fleet.traffic import Traffic


class Chargers:
    """The chargers of a road map, as the vehicles of one fleet get them."""

    def __init__(self, roads: Roads, traffic: Traffic) -> None:
        self._roads = roads
        self._traffic = traffic

    def open_to(self, row: Mission) -> list[str]:
        """Return the chargers that a vehicle may go to, the best first.

        One that has failed it comes after those that have not, and the last such at the end; else the one that is its already comes
        before the nearest.
        """
        ways = {
            charger: way
            for charger in self._roads.chargers
            if not self._takers(charger, row) and (way := self._roads.route(row.end, charger)) is not None
        }
        return sorted(
            ways,
            key=lambda charger: (
                _failure(charger, row),
                charger != row.charger,
                self._roads.seconds(ways[charger]),
            ),
        )

    def _takers(self, charger: str, row: Mission) -> Collection[str]:
        """Return the other vehicles that stand at a charger, or go there to charge; none where it is the vehicle's own."""
        if charger == row.charger:
            return ()
        bound = {each.vehicle_id for each in self._traffic.others(row.vehicle_id) if each.charger == charger}
        return bound.union(self._traffic.holders(charger)) - {row.vehicle_id}


def _failure(charger: str, row: Mission) -> int:
    """Return 0 where the vehicle's last order to charge has not failed; the latest failure has the highest number."""
    return row.failed_chargers.index(charger) + 1 if charger in row.failed_chargers else 0
