"""A vehicle on the event loop and on its broker: when it tells what, over which connection, and what goes wrong there.

The vehicle lives on while the connection is gone (6.2): it drives its base to the end, and tells its state as soon as
it is back. The broker is a port: `sim_devices.faces.mqtt` puts it on a socket, a memory may stand in. Sections are
those of VDA 5050 2.1.0.
"""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from pydantic_core import to_json

from gateway.contract.clock import Clock
from sim_devices.clock import SimClock
from sim_devices.faults.book import Troubles
from sim_devices.faults.kinds import (
    BlackHole,
    FaultBase,
    LinkDrop,
    Reboot,
    SlowAnswers,
    StateDuplicated,
    StateLost,
    StateReordered,
)
from sim_devices.vehicles import reports
from sim_devices.vehicles.reports import Json
from sim_devices.vehicles.vehicle import Vehicle

log = structlog.get_logger()

VERSION: Final = "2.1.0"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OUTBOX_MAX: Final = 1000
RECONNECT_FIRST_S: Final = 0.2
RECONNECT_MAX_S: Final = 5.0
GOODBYE_S: Final = 1.0

FAULTS: Final[frozenset[type[FaultBase]]] = frozenset(
    {LinkDrop, BlackHole, SlowAnswers, StateLost, StateDuplicated, StateReordered}
)
"""Faults of a vehicle's connection, which no other vehicle shares."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One message on its way to the broker."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Session(Protocol):
    """One connection of one client. Every method raises ConnectionError once it is lost."""

    async def subscribe(self, topic: str) -> None:
        """Ask for the messages of a topic, at QoS 0."""
        ...

    async def publish(self, publication: Publication) -> None:
        """Send a message; at QoS 1 return when the broker has it."""
        ...

    async def receive(self) -> tuple[str, bytes]:
        """Wait for the next message; return its topic and payload."""
        ...

    def cut(self) -> None:
        """Break the connection without a goodbye, so that the broker sends the last will."""
        ...


class Broker(Protocol):
    """Where clients connect."""

    def connect(self, client_id: str, will: Publication) -> AbstractAsyncContextManager[Session]:
        """Make a connection; it ends with a goodbye, without the last will, when the context is left.

        Raises:
            ConnectionError: on entering, if there is none to be had; on leaving, if it has been lost.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a vehicle tells without an event; seconds of the event loop (6.10 wants a state every 30 s)."""

    state_s: float = 10.0
    driving_state_s: float = 1.0
    visualization_s: float = 0.5


PACE: Final = Pace()


class VehicleLine:
    """One vehicle with its connection."""

    def __init__(
        self,
        vehicle: Vehicle,
        troubles: Troubles,
        interface: str,
        clock: SimClock,
        wall: Clock,
        broker: Broker,
        pace: Pace = PACE,
    ) -> None:
        """Put a vehicle on the line; nothing happens before `run`.

        Args:
            vehicle: without power yet.
            troubles: the vehicle's own.
            interface: first level of its topics (6.3).
            clock: motion.
            wall: timestamps.
            broker: what it connects to.
            pace: how often it tells.
        """
        self._vehicle = vehicle
        self._troubles = troubles
        self._clock = clock
        self._wall = wall
        self._broker = broker
        self._pace = pace
        self._name = f"{interface}-{vehicle.spec.manufacturer}-{vehicle.spec.serial}"
        self._topics = f"{interface}/v2/{vehicle.spec.manufacturer}/{vehicle.spec.serial}"
        self._headers = Counter[str]()
        self._boots: int = 0
        self._session: Session | None = None
        self._outbox = asyncio.Queue[tuple[float, Publication]]()
        self._held: Publication | None = None
        self._stirred = asyncio.Event()
        self._link_stirred = asyncio.Event()
        self._state_due = self._visualization_due = 0.0
        troubles.watch(self._stir)

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._live())
            tasks.create_task(self._stay_connected())

    def localise(self, node_id: str | None) -> None:
        """Somebody drives the vehicle by hand to a node, None: the nearest one, and tells it there where it stands.

        Raises:
            NotPossible: the text says why.
        """
        self._vehicle.localise(node_id, self._clock.now())
        self._stirred.set()

    # -- life --

    async def _live(self) -> None:
        self._vehicle.boot(self._clock.now())
        while True:
            self._stirred.clear()
            now = self._clock.now()
            self._vehicle.advance(now)
            self._tell(now)
            await self._clock.wait(self._stirred, self._next_look(now))

    def _next_look(self, now: float) -> float | None:
        """Return the simulated time at which something happens or has to be told."""
        moment = self._vehicle.next_moment()
        if self._session is None:
            return moment
        due = (
            min(self._state_due, self._visualization_due)
            if self._vehicle.chassis.driving
            else self._state_due
        )
        look = now + max(due - asyncio.get_running_loop().time(), 0.0) * self._clock.speed
        return look if moment is None else min(look, moment)

    def _tell(self, now: float) -> None:
        """Put on its way what the master control should know now."""
        vehicle, loop_now = self._vehicle, asyncio.get_running_loop().time()
        if vehicle.boots != self._boots:
            # A vehicle counts its messages from 0 again when it has booted.
            self._boots = vehicle.boots
            self._headers.clear()
            self._link_stirred.set()
        if self._session is None:
            return
        if vehicle.book.changed or loop_now >= self._state_due:
            vehicle.book.changed = False
            interval = self._pace.driving_state_s if vehicle.chassis.driving else self._pace.state_s
            self._state_due = loop_now + interval
            self._send_state(self._message("state", reports.state(vehicle, now)))
        if vehicle.chassis.driving and loop_now >= self._visualization_due:
            self._visualization_due = loop_now + self._pace.visualization_s
            self._send(self._message("visualization", reports.visualization(vehicle, now)))
        if vehicle.instant_actions.factsheet_wanted:
            vehicle.instant_actions.factsheet_wanted = False
            self._send(self._factsheet())

    def _send_state(self, state: Publication) -> None:
        if self._troubles.spend(StateLost):
            return
        if self._held is None and self._troubles.spend(StateReordered):
            self._held = state
            return
        self._send(state)
        if self._troubles.spend(StateDuplicated):
            self._send(state)
        if self._held is not None:
            self._send(self._held)
            self._held = None

    def _send(self, publication: Publication) -> None:
        """Put a message into the outbox; of too many, the oldest is lost."""
        if self._outbox.qsize() >= OUTBOX_MAX:
            self._outbox.get_nowait()
        slow = self._troubles.find(SlowAnswers)
        due = asyncio.get_running_loop().time() + (slow.answer_s if slow else 0.0)
        self._outbox.put_nowait((due, publication))

    # -- connection --

    @property
    def _linked(self) -> bool:
        return self._vehicle.powered and not self._troubles.find(LinkDrop) and not self._troubles.find(Reboot)

    def _stir(self) -> None:
        self._stirred.set()
        self._link_stirred.set()
        if self._session and not self._linked:
            self._session.cut()

    async def _stay_connected(self) -> None:
        pause = RECONNECT_FIRST_S
        told = False
        while True:
            while not self._linked:
                self._link_stirred.clear()
                await self._link_stirred.wait()
            try:
                async with self._broker.connect(self._name, self._connection("CONNECTIONBROKEN")) as session:
                    if told:
                        log.info(
                            "the simulated vehicle is connected again", vehicle=self._vehicle.spec.vehicle_id
                        )
                    pause, told = RECONNECT_FIRST_S, False
                    await self._converse(session)
            except* ConnectionError as lost:
                if not told:
                    reason = str(lost.exceptions[0])
                    log.warning(
                        "the simulated vehicle has no broker",
                        vehicle=self._vehicle.spec.vehicle_id,
                        reason=reason,
                    )
                told = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, RECONNECT_MAX_S)

    async def _converse(self, session: Session) -> None:
        """Listen and tell until the connection is lost; say goodbye if it is ended from here (6.14)."""
        try:
            await self._come_online(session)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(session))
                tasks.create_task(self._deliver(session))
        except asyncio.CancelledError:
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await session.publish(self._connection("OFFLINE"))
            raise
        finally:
            self._session = None

    async def _come_online(self, session: Session) -> None:
        for topic in ("order", "instantActions"):
            await session.subscribe(f"{self._topics}/{topic}")
        await session.publish(self._connection("ONLINE"))
        self._outbox = asyncio.Queue[tuple[float, Publication]]()
        self._held, self._session = None, session
        self._send(self._factsheet())
        self._state_due = self._visualization_due = 0.0
        self._stir()

    async def _listen(self, session: Session) -> None:
        while True:
            topic, payload = await session.receive()
            if self._troubles.find(BlackHole):
                continue
            now = self._clock.now()
            if topic.endswith("/order"):
                self._vehicle.take_order(payload, now)
            else:
                self._vehicle.take_instant_actions(payload, now)
            self._stirred.set()

    async def _deliver(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, publication = await self._outbox.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            if not self._troubles.find(BlackHole):
                await session.publish(publication)

    # -- messages --

    def _connection(self, state: str) -> Publication:
        return self._message("connection", {"connectionState": state}, qos=1, retain=True)

    def _factsheet(self) -> Publication:
        body = reports.factsheet(self._vehicle.spec, self._pace.state_s, self._pace.visualization_s)
        return self._message("factsheet", body, retain=True)

    def _message(self, topic: str, body: Json, qos: int = 0, *, retain: bool = False) -> Publication:
        """Put the header of 6.4 before a body."""
        header = {
            "headerId": self._headers[topic],
            "timestamp": _timestamp(self._wall.now_us()),
            "version": VERSION,
            "manufacturer": self._vehicle.spec.manufacturer,
            "serialNumber": self._vehicle.spec.serial,
        }
        self._headers[topic] += 1
        return Publication(f"{self._topics}/{topic}", to_json(header | body), qos, retain)


def _timestamp(at_us: int) -> str:
    """Return YYYY-MM-DDTHH:mm:ss.ffZ (6.4)."""
    at = EPOCH + timedelta(microseconds=at_us)
    return at.isoformat(timespec="milliseconds")[: len("YYYY-MM-DDTHH:mm:ss.ff")] + "Z"
