"""Wires in memory between the gateway and the simulated devices: every request takes its time, and ends with the gateway's run."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
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
from tests.sim.life import OVER, Life

T = TypeVar("T")
Ask = Callable[..., asyncio.Future[T]]

LATE_MAX: Final = 8
LATE_S: Final = (0.05, 5.0)
WORST: Final = 0.4
REQUEST_S: Final = (0.0005, 0.006)
"""How long a request, and how long its answer, is under way."""


class Buffers:
    """Where written requests stay on their way, to arrive later: in a dead connection, a switch, a server before the PLC.

    Attributes:
        lingers: how many of the next requests stay, and arrive once more.
        overtaken: how many of the next requests stay without having arrived.
    """

    def __init__(self) -> None:
        self.lingers = 0
        self.overtaken = 0
        self._kept: deque[Callable[[], Awaitable[object]]] = deque(maxlen=LATE_MAX)

    def pass_by(self, request: Callable[[], Awaitable[object]]) -> bool:
        """A request passes by, and stays if it is one of those; tell whether it arrives now."""
        if self.overtaken:
            self.overtaken -= 1
            self._kept.append(request)
            return False
        if self.lingers:
            self.lingers -= 1
            self._kept.append(request)
        return True

    async def let_one_out(self) -> bool:
        """Let the oldest request arrive late; tell whether there was one."""
        if not self._kept:
            return False
        with suppress(ConnectionError, LookupError, TimeoutError):
            await self._kept.popleft()()
        return True


class Weather:
    """What the network does to messages that nobody answers: MQTT's publications, OPC UA's notifications.

    Attributes:
        lost, doubled, late: share of the messages (0 … 1) that never come, come twice, are overtaken by those after them.
    """

    def __init__(self, chance: Random) -> None:
        self.clear()
        self._chance = chance

    def clear(self) -> None:
        """All messages come, once and in order."""
        self.lost = self.doubled = self.late = 0.0

    def worsen(self) -> None:
        """Some of the messages are lost, doubled, late."""
        self.lost, self.doubled, self.late = (self._chance.uniform(0.0, WORST) for _ in range(3))

    def delays_s(self) -> Iterator[float]:
        """Return how much later than usual a message comes, each time that it does: 0 keeps its place in the sequence."""
        if not self.lost:
            yield 0.0
            return
        for _ in range(2 if self._chance.random() < self.doubled else 1):
            if self._chance.random() >= self.lost:
                yield self._chance.uniform(*LATE_S) if self._chance.random() < self.late else 0.0


class Trip:
    """There and back on a wire, for one run of the gateway."""

    def __init__(self, life: Life, chance: Random, buffers: Buffers) -> None:
        self._life = life
        self._chance = chance
        self._buffers = buffers

    def write(self, request: Ask[T], *arguments: object) -> asyncio.Future[T]:
        """Have a request executed that changes something; it may stay on its way and arrive later."""
        if not self._buffers.pass_by(partial(request, *arguments)):
            return asyncio.get_running_loop().create_future()  # until whoever asks has given up
        return self.make(request, *arguments)

    def make(self, request: Ask[T], *arguments: object) -> asyncio.Future[T]:
        """Have a request executed, and promise its answer: ConnectionError if the run is over before."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        loop.call_later(self._way_s(), self._arrive, answer, request, arguments)
        return answer

    async def there(self) -> None:
        """Travel one way.

        Raises:
            ConnectionError: the run is over.
        """
        await asyncio.sleep(self._way_s())
        self._life.check()

    def _way_s(self) -> float:
        return self._chance.uniform(*REQUEST_S)

    def _arrive(self, answer: asyncio.Future[T], request: Ask[T], arguments: tuple[object, ...]) -> None:
        if answer.done():
            return
        if self._life.over.is_set():
            answer.set_exception(ConnectionResetError(OVER))
            return
        result = request(*arguments)
        if result.done():
            self._go_back(answer, result)
        else:
            result.add_done_callback(partial(self._go_back, answer))

    def _go_back(self, answer: asyncio.Future[T], result: asyncio.Future[T]) -> None:
        if error := result.exception():
            if not answer.done():
                answer.set_exception(error)
        else:
            asyncio.get_running_loop().call_later(self._way_s(), self._deliver, answer, result.result())

    def _deliver(self, answer: asyncio.Future[T], result: T) -> None:
        if answer.done():
            return
        if self._life.over.is_set():
            answer.set_exception(ConnectionResetError(OVER))
        else:
            answer.set_result(result)


class Registers:
    """`drivers.links.modbus_port.RegisterServer` at the other end of a wire."""

    def __init__(self, line: RegisterLine, trip: Trip) -> None:
        self._line = line
        self._trip = trip

    def connect(self) -> asyncio.Future[None]:
        return self._trip.make(self._line.connect)

    def read_holding(self, address: int, count: int) -> asyncio.Future[Sequence[int]]:
        return self._trip.make(self._line.read_holding, address, count)

    def write_registers(self, address: int, values: Sequence[int]) -> asyncio.Future[None]:
        return self._trip.write(self._line.write_registers, address, values)


class Nodes:
    """`drivers.links.opcua_memory.NodeServer` at the other end of a wire."""

    def __init__(self, line: NodeLine, trip: Trip, weather: Weather) -> None:
        self._line = line
        self._trip = trip
        self._weather = weather

    def connect(self) -> asyncio.Future[None]:
        return self._trip.make(self._line.connect)

    def read(self, nodes: Sequence[str]) -> asyncio.Future[Sequence[int | str]]:
        return self._trip.make(self._line.read, nodes)

    def write(self, values: Mapping[str, int | str]) -> asyncio.Future[None]:
        return self._trip.write(self._line.write, values)

    def call(self, method: str, arguments: Sequence[int | str]) -> asyncio.Future[Sequence[int | str]]:
        return self._trip.write(self._line.call, method, arguments)

    def watch(self, nodes: Sequence[str], wake: Callable[[], None]) -> asyncio.Future[None]:
        def notify() -> None:
            for delay_s in self._weather.delays_s():
                asyncio.get_running_loop().call_later(delay_s, wake)

        return self._trip.make(self._line.watch, nodes, notify)


class GatewayPort:
    """The gateway's connection to the broker."""

    def __init__(self, broker: MemoryBroker, client: MemoryClient, trip: Trip, weather: Weather) -> None:
        self._broker = broker
        self._client = client
        self._trip = trip
        self._weather = weather

    async def hear(self, topics: Sequence[tuple[str, int]]) -> Sequence[str]:
        return await self._client.hear(topics)

    async def publish(self, topic: str, payload: bytes) -> None:
        await self._travel()
        for delay_s in self._weather.delays_s():
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._broker.pass_on, topic, payload)
            else:
                await self._client.publish(topic, payload)

    async def keep(self, topic: str, payload: bytes) -> None:
        await self._travel()
        await self._client.keep(topic, payload)

    async def receive(self) -> tuple[str, bytes]:
        message = await self._arrived()
        await self._travel()
        return message

    async def _arrived(self) -> tuple[str, bytes]:
        """Return the next message that comes in its place; those that are late, or come twice, are offered again."""
        while True:
            message, arrived = await self._client.receive(), False
            for delay_s in self._weather.delays_s():
                if delay_s or arrived:
                    asyncio.get_running_loop().call_later(delay_s, self._client.offer, *message)
                arrived = arrived or not delay_s
            if arrived:
                return message

    async def _travel(self) -> None:
        try:
            await self._trip.there()
        except ConnectionError as gone:
            raise LinkError(ErrorKind.DISCONNECT, str(gone)) from gone


def gateway_connect(broker: MemoryBroker, trip: Trip, weather: Weather) -> Connect:
    """Return how a run of the gateway connects to the broker."""

    @asynccontextmanager
    async def connect() -> AsyncGenerator[MqttPort]:
        client = broker.client()
        try:
            yield GatewayPort(broker, client, trip, weather)
        finally:
            broker.leave(client)

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
