"""Calls somebody to a vehicle that does not get on by itself, once for each matter, until it does.

The vehicle is not in trouble: it shows no fault, and what it does not manage is tried again all the same.
"""

from dataclasses import replace
from typing import Final

from gateway.contract.reports import HelpWanted, MatterSettled
from gateway.fleet.fleet import Engine
from gateway.fleet.rows import Matter, Mission, Purpose
from gateway.kernel.books import Table

OF_MOVES: Final = {Purpose.CHARGE: Matter.CHARGING, Purpose.PARK: Matter.PARKING}
"""The fleet's own moves, which no command and so no transport stands for: nobody else would ask about them."""
ADVICE: Final = {
    Matter.CHARGING: (
        "Look at the vehicle and at the charger: power, contacts, where it stands. The gateway goes on trying."
    ),
    Matter.PARKING: (
        "Look at the vehicle, and compare its map with the road map of the site file. The gateway goes on trying."
    ),
    Matter.PAUSE: (
        "Let it go on at the vehicle, or wherever it was paused from. Until then it gets no work, and others wait for it."
    ),
}


class Calls:
    """Calls for the vehicles of one fleet."""

    def __init__(self, missions: Table[str, Mission], engine: Engine) -> None:
        self._missions = missions
        self._engine = engine

    def call(self, vehicle_id: str, matter: Matter, text: str) -> None:
        """Call somebody, unless somebody is called for that already."""
        row = self._missions[vehicle_id]
        if matter not in row.called:
            self._missions.put(replace(row, called=(*row.called, matter)))
            self._engine.report(
                HelpWanted(device_id=vehicle_id, matter=matter, text=text, advice=ADVICE[matter])
            )

    def settle(self, vehicle_id: str, matter: Matter) -> None:
        """Nobody need look for that any more."""
        row = self._missions[vehicle_id]
        if matter in row.called:
            self._missions.put(
                replace(row, called=tuple(other for other in row.called if other is not matter))
            )
            self._engine.report(MatterSettled(device_id=vehicle_id, matter=matter))
