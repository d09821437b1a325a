"""What is under way needs places and machines of the site; a site file that was changed between two runs may lack them."""

from collections.abc import Iterator

from gateway.contract.commands import MAIN_CHANNEL
from gateway.transport.plant import Plant
from gateway.transport.rows import Channel, Transport
from gateway.transport.tables import TransportTables
from gateway.transport.transitions import ENDED


class Needs:
    """Compares the books with the site."""

    def __init__(self, tables: TransportTables, plant: Plant) -> None:
        self._tables = tables
        self._plant = plant
        self._channels = {Channel.key_of(*channel) for channel in plant.channels()}
        self._carriers = self._channels | {
            Channel.key_of(fleet_id, MAIN_CHANNEL) for fleet_id in plant.fleets
        }
        self._devices = frozenset(plant.device_ids())

    def missing(self) -> Iterator[str]:
        """Tell what the site lacks, once for each transport, command and put that needs something of it."""
        for transport in self._tables.transports.values():
            lacks = None if transport.status in ENDED else next(self._lacking(transport), None)
            if lacks is not None:
                yield f"transport {transport.transport_id} needs {lacks}"
        for job_id in self._tables.open_jobs:
            command = self._tables.jobs[job_id].command
            channel = Channel.key_of(command.device_id, command.channel)
            if channel not in self._channels:
                yield f"command {job_id} is under way at {channel}"
        for (wall, slot), queue in self._tables.slot_puts.items():
            if queue and slot not in self._plant.slots.get(wall, ()):
                yield f"put {queue[0][1]} waits at {wall}/{slot}"

    def stranded(self) -> Iterator[str]:
        """Tell which containers stand by the books where the site has no place any more."""
        for container in self._tables.containers.values():
            place = container.location_id
            if place is not None and place not in self._plant.locations:
                yield f"{container.container_id} at {place}"

    def _lacking(self, transport: Transport) -> Iterator[str]:
        container = self._tables.containers[transport.container_id]
        ahead = transport.legs[transport.leg :]
        places = (container.location_id, transport.source, transport.goal, transport.destination)
        for place in (*places, *(leg.target for leg in ahead)):
            if place is not None and place not in self._plant.locations:
                yield place
        if container.device_id is not None and container.device_id not in self._devices:
            yield container.device_id
        for leg in ahead:
            carrier = Channel.key_of(leg.carrier_id, leg.channel)
            if carrier not in self._carriers:
                yield carrier
