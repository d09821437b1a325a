"""What kind of vehicle it is."""

from dataclasses import dataclass

from gateway.site.model import Motion
from sim_devices.vehicles.battery import BATTERY, BatterySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSpec:
    """One vehicle as its maker delivers it.

    Attributes:
        keeps_order: its order survives a power cycle.
    """

    vehicle_id: str
    manufacturer: str
    serial: str
    motion: Motion
    battery: BatterySpec = BATTERY
    keeps_order: bool = False
