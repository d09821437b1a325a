"""What the fleet room can be asked besides the vehicles' own reports (VehicleState, VehicleOffline)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FleetTick:
    """Time has passed: look who has stood idle for long enough. Sent once a second. Reply: None."""
