"""The site's devices as drivers want to see them: values of gateway.contract.wiring."""

from typing import assert_never

from gateway.contract.wiring import FleetWiring, MailboxChannel, MailboxWiring, PutWallWiring, VehicleWiring
from gateway.site.model import Carrier, Conveyor, Fleet, Location, PutWall, Site

PlcDevice = Carrier | Conveyor
"""A device with mailboxes."""


def mailboxes(device: PlcDevice) -> tuple[MailboxChannel, ...]:
    """Return the mailboxes of a device."""
    match device:
        case Carrier():
            return (device.channel,)
        case Conveyor():
            return device.channels
        case _:
            assert_never(device)


def plc_locations(site: Site, device: PlcDevice) -> tuple[Location, ...]:
    """Return the locations that a device serves and knows by number, in the order of the file."""
    match device:
        case Carrier():
            return site.matching((*device.picks, *device.drops))
        case Conveyor():
            return site.matching(
                tuple(end for channel in device.channels for end in (channel.source, channel.target))
            )
        case _:
            assert_never(device)


def mailbox_wiring(site: Site, device: PlcDevice) -> MailboxWiring:
    """Render a shuttle, lift or conveyor of a checked site."""
    return MailboxWiring(
        device_id=device.id,
        profile=site.profile(device.profile),
        channels=mailboxes(device),
        places={place.place: place.id for place in plc_locations(site, device) if place.place is not None},
    )


def putwall_wiring(site: Site, wall: PutWall) -> PutWallWiring:
    """Render a put wall of a checked site."""
    return PutWallWiring(
        device_id=wall.id, profile=site.profile(wall.profile), base=wall.base, slots=wall.slot_ids()
    )


def fleet_wiring(fleet: Fleet) -> FleetWiring:
    """Render a fleet of a checked site."""
    return FleetWiring(
        fleet_id=fleet.id,
        interface=fleet.interface,
        vehicles=tuple(
            VehicleWiring(device_id=vehicle.id, manufacturer=vehicle.manufacturer, serial=vehicle.serial)
            for vehicle in fleet.vehicles
        ),
    )
