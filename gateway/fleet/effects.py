"""What the fleet room asks of the vehicles' driver after a commit. Each may be asked again; that changes nothing."""

from dataclasses import dataclass

from gateway.contract.vehicles import VehicleOrder, VehiclePose


@dataclass(frozen=True, slots=True)
class SendOrder:
    """Make sure that the vehicle has this order or update."""

    order: VehicleOrder


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask the vehicle to cancel this order, which it has refused so many times before."""

    vehicle_id: str
    order_id: str
    times: int = 0


@dataclass(frozen=True, slots=True)
class LocaliseVehicle:
    """Tell a vehicle that does not know where it is where people say that it stands."""

    pose: VehiclePose


@dataclass(frozen=True, slots=True)
class ResetVehicle:
    """Forget what the vehicle was to be sent, and ask it for a fresh state."""

    vehicle_id: str
