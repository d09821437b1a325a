"""Calls somebody to a vehicle that does not get on by itself, until it does.

The vehicle is not in trouble: it shows no fault, and what it does not manage is tried again all the same. That somebody is called
already is for the engine to know, which keeps the alarms.
"""

from enum import StrEnum
from typing import Final

from gateway.contract.reports import HelpWanted
from gateway.fleet.rows import Purpose


class Matter(StrEnum):
    """What a vehicle may need a person for, though it is not in trouble."""

    CHARGING = "chargingFails"
    PARKING = "parkingFails"
    PAUSED = "paused"
    BATTERY = "batteryLow"


OF_MOVES: Final = {Purpose.CHARGE: Matter.CHARGING, Purpose.PARK: Matter.PARKING}
"""The fleet's own moves, which no command and so no transport stands for: nobody else would ask about them."""
ADVICE: Final = {
    Matter.CHARGING: (
        "Look at the vehicle and at the charger: power, contacts, where it stands. The gateway goes on trying."
    ),
    Matter.PARKING: (
        "Look at the vehicle, and compare its map with the road map of the site file. The gateway goes on trying."
    ),
    Matter.PAUSED: (
        "Let it go on at the vehicle, or wherever it was paused from. Until then it gets no work, and others wait for it."
    ),
    Matter.BATTERY: (
        "Charge it by hand, or see that it gets to a charger: that one is free, and the way to it."
        " Where this comes again and again, there are too few."
    ),
}


def call_for(matter: Matter, vehicle_id: str, text: str) -> HelpWanted:
    """Return the call for a vehicle, with what it does not manage as words that follow its name."""
    return HelpWanted(device_id=vehicle_id, matter=matter, text=text, advice=ADVICE[matter])
