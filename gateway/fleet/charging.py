"""Which charger a vehicle goes to, and what keeps it from them."""

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

    def obstacle(self, row: Mission) -> str:
        """Return why a vehicle that has to charge does not."""
        if row.charger is not None:
            there = row.charger in row.base[:1]
            return f"it stands at {row.charger}" if there else f"it does not get to {row.charger}"
        if not self._roads.chargers:
            return "its road map has no charger"
        reached = [each for each in self._roads.chargers if self._roads.route(row.end, each) is not None]
        if not reached:
            return f"no way leads from {row.end} to a charger"
        if free := self.open_to(row):
            return f"others, or an order that is not ours, keep it from {', '.join(free)}"
        takers = {vehicle for charger in reached for vehicle in self._takers(charger, row)}
        return f"the chargers are taken by {', '.join(sorted(takers))}"

    def _takers(self, charger: str, row: Mission) -> Collection[str]:
        """Return the other vehicles that stand at a charger, or go there to charge; none where it is the vehicle's own."""
        if charger == row.charger:
            return ()
        bound = {each.vehicle_id for each in self._traffic.others(row.vehicle_id) if each.charger == charger}
        return bound.union(self._traffic.holders(charger)) - {row.vehicle_id}


def _failure(charger: str, row: Mission) -> int:
    """Return 0 where the vehicle's last order to charge has not failed; the latest failure has the highest number."""
    return row.failed_chargers.index(charger) + 1 if charger in row.failed_chargers else 0
