"""What ails a vehicle: the faults that last, whether it knows where it is, and what it complains of for that."""

from collections.abc import Iterator
from typing import Final

from sim_devices.faults.book import Troubles
from sim_devices.faults.kinds import (
    BatteryLow,
    DeviceFault,
    FaultBase,
    Jam,
    LocalisationLost,
    ManualMode,
    Reboot,
    SensorStuck,
)
from sim_devices.vehicles.refusal import ErrorLevel, ErrorType, VehicleError

CONDITIONS: Final[tuple[type[FaultBase], ...]] = (
    Reboot,
    Jam,
    DeviceFault,
    ManualMode,
    LocalisationLost,
    SensorStuck,
    BatteryLow,
)
"""Faults that change the vehicle while they last."""


class Condition:
    """How a vehicle is, as far as faults tell it."""

    def __init__(self, troubles: Troubles) -> None:
        self.initialised = True
        """Somebody has told it where it is, and it has not forgotten that."""
        self._troubles = troubles

    @property
    def faults(self) -> tuple[FaultBase, ...]:
        """Everything that lasts now."""
        return tuple(fault for fault in self._troubles.all(FaultBase) if isinstance(fault, CONDITIONS))

    @property
    def automatic(self) -> bool:
        """The master control commands it (operatingMode AUTOMATIC)."""
        return self._troubles.find(ManualMode) is None

    @property
    def in_order(self) -> bool:
        """It has no fault of its own."""
        return self._troubles.find(DeviceFault) is None

    @property
    def obstructed(self) -> bool:
        """Something stands in its protective field."""
        return self._troubles.find(Jam) is not None

    @property
    def lost(self) -> bool:
        """Its sensors cannot tell where it is."""
        return self._troubles.find(LocalisationLost) is not None

    @property
    def localised(self) -> bool:
        """It knows where it is."""
        return self.initialised and not self.lost

    @property
    def power_cuts(self) -> tuple[Reboot, ...]:
        """What keeps the power away."""
        return self._troubles.all(Reboot)

    def errors(self, charge: float) -> Iterator[VehicleError]:
        """Return what it complains of, with this state of charge."""
        if self.obstructed:
            yield VehicleError(ErrorType.OBSTACLE, "something stands in the protective field")
        for fault in self._troubles.all(DeviceFault):
            references = (("faultCode", str(fault.fault_code)),)
            yield VehicleError(
                ErrorType.VEHICLE_FAULT, "the vehicle is out of order", references, ErrorLevel.FATAL
            )
        if not self.localised:
            yield VehicleError(ErrorType.LOCALIZATION, "the position is not known", level=ErrorLevel.FATAL)
        if not charge:
            yield VehicleError(ErrorType.BATTERY_EMPTY, "the battery is empty", level=ErrorLevel.FATAL)
