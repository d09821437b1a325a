"""How a device sees the world: load sensors, which may be stuck, and scanners, which may misread.

Sensors are the device's own: what is stuck at one device does not deceive another one that looks at the same
spot.
"""

from dataclasses import dataclass
from enum import IntEnum

from sim_devices.faults.book import Troubles
from sim_devices.faults.kinds import FaultBase, NoRead, SensorStuck, WrongBarcode
from sim_devices.world import World

SENSOR_FAULTS: frozenset[type[FaultBase]] = frozenset({SensorStuck})
SCANNER_FAULTS: frozenset[type[FaultBase]] = frozenset({NoRead, WrongBarcode})

NO_READ = "?"
"""What a scanner tells when it cannot read."""


class Reading(IntEnum):
    """What a load sensor shows, as the handshake codes it."""

    EMPTY = 0
    LOADED = 1
    UNCLEAR = 2


@dataclass(frozen=True, slots=True)
class Sensors:
    """The sensors of one device."""

    device_id: str
    world: World
    troubles: Troubles

    def load(self, spot: str) -> Reading:
        """Look for a load on a spot; the device's own id means on board."""
        return self._read(spot, self.world.holds_load(spot))

    def full(self, spot: str) -> Reading:
        """Look whether another load would fit on a spot; LOADED: it would not."""
        return self._read(spot, self.world.is_full(spot))

    def scan(self, container: str) -> str:
        """Read the label of the container that passes; `?`: no read."""
        if self.troubles.spend(NoRead):
            return NO_READ
        if wrong := self.troubles.spend(WrongBarcode):
            return wrong.barcode
        return self.world.label(container) or NO_READ

    def _read(self, spot: str, truth: bool) -> Reading:
        for stuck in self.troubles.all(SensorStuck):
            if (stuck.spot or self.device_id) == spot:
                return Reading[stuck.shows.upper()]
        return Reading.LOADED if truth else Reading.EMPTY
