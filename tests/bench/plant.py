"""The simulated devices of a site in the bench's own process, with a stopwatch at each link.

`commands` are the moments at which a command's first byte arrived, `dones` those at which a *done* was there to be seen.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from drivers.links.nats_server import HOST, EmbeddedBroker
from gateway.contract.wiring import MqttLink
from gateway.kernel.clock import SystemClock
from gateway.site.model import Site
from sim_devices.clock import SimClock
from sim_devices.faces.mqtt import BrokerAccess, MqttBroker
from sim_devices.faces.registers import RegisterSpace
from sim_devices.site import PlcLink, SimulatedSite
from sim_devices.surface import Surface
from sim_devices.vehicles.fleet import Traits, Vehicles
from sim_devices.vehicles.line import PACE, Broker, Pace, Publication, Session


class Stopwatch(Protocol):
    """What happens at the devices of one link."""

    @property
    def commands(self) -> Sequence[float]:
        """When commands arrived."""
        ...

    @property
    def dones(self) -> Sequence[float]:
        """When their ends were shown."""
        ...


class Plant:
    """All simulated devices of a site, and its embedded broker.

    Attributes:
        watches: a stopwatch for each link.
    """

    def __init__(self, site: Site, folder: Path, pace: Pace = PACE) -> None:
        """Args: folder: for the broker's files; pace: how often vehicles tell."""
        self._site = SimulatedSite(site, SimClock(), seed=1)
        self.watches: dict[str, Stopwatch] = {id: PlcWatch(link) for id, link in self._site.links.items()}
        links = [link for link in site.links if isinstance(link, MqttLink)]
        self._brokers = [EmbeddedBroker(folder / link.id, link.port) for link in links]
        watched = {
            link.id: VehicleWatch(_access(link, broker))
            for link, broker in zip(links, self._brokers, strict=True)
        }
        self.watches |= watched
        world, faults, traits = self._site.world, self._site.faults, Traits(pace=pace)
        self._site.add(Vehicles(site, world, SimClock(), faults, SystemClock(), watched, traits))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run for as long as the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(broker.run()) for broker in self._brokers]
            for broker in self._brokers:
                await broker.ready()
            running.append(tasks.create_task(self._site.run()))
            await self._site.listening.wait()
            yield
            for task in running:
                task.cancel()


def _access(link: MqttLink, broker: EmbeddedBroker) -> MqttBroker:
    access = BrokerAccess(host=HOST, port=link.port, username=broker.username, password=broker.password)
    return MqttBroker(access)


class PlcWatch:
    """The stopwatch of one link of PLC devices, to be attached before they run."""

    def __init__(self, link: PlcLink) -> None:
        self.commands: list[float] = []
        self.dones: list[float] = []
        self._bytes_at = 0.0
        self._done: dict[object, object] = {}
        self._watch_bytes(link)
        self._watch_writes(link)
        self._watch_shown(link)

    def _watch_bytes(self, link: PlcLink) -> None:
        plug = link.wire.plug
        link.wire.plug = lambda server_side: _Timed(plug(server_side), self._arrived)

    def _arrived(self) -> None:
        self._bytes_at = time.monotonic()

    def _watch_writes(self, link: PlcLink) -> None:
        if isinstance(link.space, RegisterSpace):
            write_registers = link.space.write

            def registers_written(address: int, values: Sequence[int]) -> None:
                self.commands.append(self._bytes_at)
                write_registers(address, values)

            link.space.write = registers_written
        else:
            write_nodes = link.space.write

            def nodes_written(values: Mapping[str, int | str]) -> None:
                self.commands.append(self._bytes_at)
                write_nodes(values)

            link.space.write = nodes_written

    def _watch_shown(self, link: PlcLink) -> None:
        show = link.space.show

        def shown(surface: Surface) -> None:
            show(surface)
            for block in surface.shown:
                done = block.read().get("doneSeq")  # put walls have none
                if done != self._done.setdefault(block, done):
                    self._done[block] = done
                    self.dones.append(time.monotonic())

        link.space.show = shown


class _Timed(asyncio.Protocol):
    """A server's end of a connection, which tells when something arrives."""

    def __init__(self, server_side: asyncio.Protocol, arrived: Callable[[], None]) -> None:
        self._server_side = server_side
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server_side.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._arrived()
        self._server_side.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_side.connection_lost(exc)


class VehicleWatch:
    """A broker to its vehicles, with the stopwatch: an order is a command, a finished action is a *done*."""

    def __init__(self, broker: Broker) -> None:
        self.commands: list[float] = []
        self.dones: list[float] = []
        self._broker = broker

    @asynccontextmanager
    async def connect(self, client_id: str, will: Publication) -> AsyncGenerator[Session]:
        """Make a connection (`sim_devices.vehicles.line.Broker`)."""
        async with self._broker.connect(client_id, will) as session:
            yield _TimedSession(session, self)


class _TimedSession:
    """A vehicle's connection."""

    def __init__(self, session: Session, watch: VehicleWatch) -> None:
        self._session = session
        self._watch = watch
        self._finished: set[str] = set()

    async def subscribe(self, topic: str) -> None:
        await self._session.subscribe(topic)

    async def publish(self, publication: Publication) -> None:
        if publication.topic.endswith("/state"):
            actions = json.loads(publication.payload)["actionStates"]
            finished = {action["actionId"] for action in actions if action["actionStatus"] == "FINISHED"}
            if finished - self._finished:
                self._watch.dones.append(time.monotonic())
            self._finished = finished
        await self._session.publish(publication)

    async def receive(self) -> tuple[str, bytes]:
        topic, payload = await self._session.receive()
        if topic.endswith("/order"):
            self._watch.commands.append(time.monotonic())
        return topic, payload

    def cut(self) -> None:
        self._session.cut()
