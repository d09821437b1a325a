"""Wires in memory between the gateway and the simulated devices: every request takes its time, and ends with the gateway's run."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from random import Random
from typing import Final, TypeVar

from drivers.links.errors import LinkError
from drivers.links.mqtt_memory import MemoryBroker, MemoryClient
from drivers.links.mqtt_port import Connect, MqttPort
from drivers.telegrams import ErrorKind
from sim_devices.faces.memory import NodeLine, RegisterLine
from sim_devices.vehicles.line import Publication, Session
from tests.sim.life import Life

T = TypeVar("T")

LATE_MAX: Final = 8
REQUEST_S: Final = (0.0005, 0.006)
"""How long a request, and how long its answer, is under way."""


class Buffers:
    """Where written requests stay on their way, to arrive once more: in a dead connection, a switch, a server before the PLC.

    Attributes:
        lingers: how many of the next requests stay.
    """

    def __init__(self) -> None:
        self.lingers = 0
        self._kept: deque[Callable[[], Awaitable[object]]] = deque(maxlen=LATE_MAX)

    def pass_by(self, request: Callable[[], Awaitable[object]]) -> None:
        """A request passes by, and stays if it is one of those."""
        if self.lingers:
            self.lingers -= 1
            self._kept.append(request)

    async def let_one_out(self) -> bool:
        """Let the oldest request arrive late; tell whether there was one."""
        if not self._kept:
            return False
        with suppress(ConnectionError, LookupError, TimeoutError):
            await self._kept.popleft()()
        return True


class Trip:
    """There and back on a wire, for one run of the gateway."""

    def __init__(self, life: Life, chance: Random, buffers: Buffers) -> None:
        self._life = life
        self._chance = chance
        self._buffers = buffers

    async def write(self, request: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """Have a request executed that changes something; it may stay on its way and arrive once more.

        Raises:
            ConnectionError: of the wire, or because the run is over.
        """
        self._buffers.pass_by(partial(request, *arguments))
        return await self.make(request, *arguments)

    async def make(self, request: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """Have a request executed.

        Raises:
            ConnectionError: of the wire, or because the run is over.
        """
        await self.there()
        answer = await request(*arguments)
        await self.there()
        return answer

    async def there(self) -> None:
        """Travel one way."""
        await asyncio.sleep(self._chance.uniform(*REQUEST_S))
        self._life.check()


class Registers:
    """`drivers.links.modbus_port.RegisterServer` at the other end of a wire."""

    def __init__(self, line: RegisterLine, trip: Trip) -> None:
        self._line = line
        self._trip = trip

    async def connect(self) -> None:
        await self._trip.make(self._line.connect)

    async def read_holding(self, address: int, count: int) -> Sequence[int]:
        return await self._trip.make(self._line.read_holding, address, count)

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        await self._trip.write(self._line.write_registers, address, values)


class Nodes:
    """`drivers.links.opcua_memory.NodeServer` at the other end of a wire."""

    def __init__(self, line: NodeLine, trip: Trip) -> None:
        self._line = line
        self._trip = trip

    async def connect(self) -> None:
        await self._trip.make(self._line.connect)

    async def read(self, nodes: Sequence[str]) -> Sequence[int | str]:
        return await self._trip.make(self._line.read, nodes)

    async def write(self, values: Mapping[str, int | str]) -> None:
        await self._trip.write(self._line.write, values)

    async def call(self, method: str, arguments: Sequence[int | str]) -> Sequence[int | str]:
        return await self._trip.write(self._line.call, method, arguments)

    async def watch(self, nodes: Sequence[str], wake: Callable[[], None]) -> None:
        await self._trip.make(self._line.watch, nodes, wake)


class GatewayPort:
    """The gateway's connection to the broker."""

    def __init__(self, port: MqttPort, trip: Trip) -> None:
        self._port = port
        self._trip = trip

    async def publish(self, topic: str, payload: bytes) -> None:
        await self._travel()
        await self._port.publish(topic, payload)

    async def keep(self, topic: str, payload: bytes) -> None:
        await self._travel()
        await self._port.keep(topic, payload)

    async def receive(self) -> tuple[str, bytes]:
        message = await self._port.receive()
        await self._travel()
        return message

    async def _travel(self) -> None:
        try:
            await self._trip.there()
        except ConnectionError as gone:
            raise LinkError(ErrorKind.DISCONNECT, str(gone)) from gone


def gateway_connect(broker: MemoryBroker, trip: Trip) -> Connect:
    """Return how a run of the gateway connects to the broker."""

    @asynccontextmanager
    async def connect(topics: Sequence[tuple[str, int]]) -> AsyncGenerator[MqttPort]:
        async with broker.connect(topics) as port:
            yield GatewayPort(port, trip)

    return connect


class VehicleBroker:
    """The same broker as the simulated vehicles know it (`sim_devices.vehicles.line.Broker`)."""

    def __init__(self, broker: MemoryBroker, chance: Random) -> None:
        self._broker = broker
        self._chance = chance

    @asynccontextmanager
    async def connect(self, client_id: str, will: Publication) -> AsyncGenerator[Session]:
        try:
            client = self._broker.client((will.topic, will.payload))
        except LinkError as error:
            raise ConnectionError(str(error)) from error
        session = VehicleSession(self._broker, client, self._chance)
        try:
            yield session
        finally:
            self._broker.leave(client)


class VehicleSession:
    """One vehicle's connection."""

    def __init__(self, broker: MemoryBroker, client: MemoryClient, chance: Random) -> None:
        self._broker = broker
        self._client = client
        self._chance = chance

    async def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic)

    async def publish(self, publication: Publication) -> None:
        try:
            await self._client.publish(publication.topic, publication.payload, retain=publication.retain)
        except LinkError as error:
            raise ConnectionError(str(error)) from error

    async def receive(self) -> tuple[str, bytes]:
        try:
            message = await self._client.receive()
        except LinkError as error:
            raise ConnectionError(str(error)) from error
        await asyncio.sleep(self._chance.uniform(*REQUEST_S))
        return message

    def cut(self) -> None:
        self._broker.cut(self._client)
