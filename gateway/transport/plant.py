"""What the engine knows of the plant besides its state: locations, devices, their channels, and the fleets' own control."""

from collections.abc import Iterator, Mapping
from typing import Protocol, assert_never

from gateway.contract.commands import MAIN_CHANNEL, Command, Place
from gateway.kernel.verdict import Verdict
from gateway.site.model import Carrier, Conveyor, PutWall, Site


class FleetControl(Protocol):
    """What a fleet does for the engine, inside the same commit: which vehicle, which way, and the vehicle's orders."""

    def choose(self, location_id: str) -> str | None:
        """Return the vehicle that shall pick at the location now, or None if none is free."""
        ...

    def takes_work(self, vehicle_id: str) -> Verdict:
        """Tell whether a vehicle does our work, or could, as far as it shows."""
        ...

    def expected_s(self, source: str, target: str) -> float:
        """Return the expected seconds of a drive from one location to another."""
        ...

    def assign(self, command: Command) -> None:
        """Have a vehicle carry out a journalled command."""
        ...

    def withdraw(self, job_id: int) -> None:
        """Cancel a PICK that may not have happened yet; its outcome is reported like any other."""
        ...

    def localise(self, vehicle_id: str, node_id: str, theta: float) -> None:
        """Tell a vehicle that does not know where it is that it stands at a node, heading `theta` rad.

        Raises:
            Refusal: it cannot stand there, or need not be told.
        """
        ...

    def abandon(self, job_id: int) -> None:
        """Somebody else has settled what became of the command."""
        ...

    def resume(self) -> None:
        """After a restart: take up what was under way."""
        ...


class Plant:
    """The site as the engine asks for it."""

    def __init__(self, site: Site, fleets: Mapping[str, FleetControl]) -> None:
        self.site = site
        self.fleets = fleets
        self.locations = site.all_locations
        self.slots = {
            device.id: frozenset(device.slot_ids()) for device in site.devices if isinstance(device, PutWall)
        }
        self.fleet_of = {vehicle.id: fleet.id for fleet in site.fleets for vehicle in fleet.vehicles}

    def place(self, location_id: str) -> Place:
        """Return a location as devices know it; vehicles go by its id and need no number."""
        return Place(location_id, self.locations[location_id].place or 0)

    def channels(self) -> Iterator[tuple[str, str]]:
        """Return (device, channel) of everything that takes commands."""
        for device in self.site.devices:
            match device:
                case Carrier():
                    yield device.id, MAIN_CHANNEL
                case Conveyor():
                    for channel in device.channels:
                        yield device.id, channel.id
                case PutWall():
                    pass
                case _:
                    assert_never(device)
        for vehicle_id in self.fleet_of:
            yield vehicle_id, MAIN_CHANNEL

    def device_ids(self) -> Iterator[str]:
        """Return every device and vehicle."""
        for device in self.site.devices:
            yield device.id
        yield from self.fleet_of

    def fleet(self, device_id: str) -> FleetControl | None:
        """Return the control of the fleet to which a vehicle belongs; None for any other device."""
        fleet_id = self.fleet_of.get(device_id)
        return None if fleet_id is None else self.fleets[fleet_id]
