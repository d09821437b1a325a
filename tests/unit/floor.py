"""A plant in a few lines for tests of the engine: books, engine and devices that obey, with no event loop and no wire.

Devices end a command when the test says so (`run`), or never, or badly (`answers`). The world keeps its own account of where
every load is and refuses the impossible, so that a wrong command fails the test.
"""

from collections.abc import Callable
from typing import Any

from gateway.contract.commands import Command, Op
from gateway.contract.reports import ChannelOnline, CommandAccepted, CommandDone, Load, Sensors
from gateway.contract.transports import ResolveRequest, TransportRequest
from gateway.kernel.books import Books
from gateway.site.model import Site
from gateway.transport.effects import Abandon, Assign, Darken, Show
from gateway.transport.engine import TransportEngine
from gateway.transport.messages import CancelTransport, Open, ResolveTransport, SubmitTransports, Tick
from gateway.transport.rows import Transport
from gateway.transport.tables import TransportTables

START_US = 1_790_000_000_000_000


def shuttle_site(**more: Any) -> Site:
    """One rack of 2 levels, a shuttle each, level buffers, a lift, a conveyor in and out, all with wires nobody uses."""
    fields: dict[str, Any] = {
        "id": "floor",
        "racks": [
            {
                "id": "A",
                "slot": "A-{level}-{side}-{column:02}",
                "levels": 2,
                "sides": ["L", "R"],
                "columns": 3,
                "places": {"start": 1101, "level": 1000, "side": 100, "column": 1},
                "origin": [1.0, 0.0, 0.0],
                "pitch": [0.5, 1.2, 0.5],
            }
        ],
        "locations": [
            *({"id": f"{n}-IN", "kind": "buffer", "place": n * 1000 + 1, "z": 0.5 * (n - 1)} for n in (1, 2)),
            *(
                {"id": f"{n}-OUT", "kind": "buffer", "place": n * 1000 + 2, "z": 0.5 * (n - 1)}
                for n in (1, 2)
            ),
            *({"id": f"OUT-{n}", "kind": "conveyor", "place": 100 + n, "x": -0.8 * n} for n in (1, 2)),
            *({"id": f"IN-{n}", "kind": "conveyor", "place": 200 + n, "x": 0.8 * n - 3} for n in (1, 2)),
            {"id": "ST-1", "kind": "station", "place": 301, "x": -3.0},
        ],
        "devices": [
            *(
                {
                    "kind": "shuttle",
                    "id": f"shuttle-{n}",
                    "link": "plc",
                    "profile": "p",
                    "channel": {"id": "main", "base": f"S{n}."},
                    "picks": [f"A-{n}-*", f"{n}-IN"],
                    "drops": [f"A-{n}-*", f"{n}-OUT"],
                    "motion": {"speed": 2, "acceleration": 1, "handling": 2},
                }
                for n in (1, 2)
            ),
            {
                "kind": "lift",
                "id": "lift",
                "link": "plc",
                "profile": "p",
                "channel": {"id": "main", "base": "L."},
                "picks": ["1-OUT", "2-OUT", "IN-2"],
                "drops": ["1-IN", "2-IN", "OUT-1"],
                "motion": {"speed": 1.5, "acceleration": 1, "handling": 1},
            },
            {
                "kind": "conveyor",
                "id": "conveyor",
                "link": "plc",
                "profile": "p",
                "channels": [
                    {"id": "out-1", "base": "C1.", "source": "OUT-1", "target": "OUT-2", "scanner": True},
                    {"id": "out-2", "base": "C2.", "source": "OUT-2", "target": "ST-1"},
                    {"id": "in-0", "base": "C3.", "source": "ST-1", "target": "IN-1"},
                    {"id": "in-1", "base": "C4.", "source": "IN-1", "target": "IN-2"},
                ],
                "motion": {"speed": 0.5, "acceleration": 1, "handling": 0},
            },
        ],
        "stock": [
            {"container": "T1", "location": "A-1-L-01"},
            {"container": "T2", "location": "A-1-L-02"},
            {"container": "T3", "location": "A-2-L-01"},
        ],
    }
    return Site.model_validate(fields | more)


class Floor:
    """Books, engine and obedient devices."""

    def __init__(self, site: Site | None = None) -> None:
        self.site = site or shuttle_site()
        self.books = Books()
        self.books.now_us = self.books.steady_us = START_US
        self.tables = TransportTables(self.books)
        self.engine = TransportEngine(self.tables, self.site, {})
        self.world = {stock.container: stock.location for stock in self.site.initial_stock()}
        self.moves: dict[int, int] = {}
        self.commands: list[Command] = []
        self.abandoned: list[int] = []
        self.shown: list[Show | Darken] = []
        self.events: list[Any] = []
        self.answers: dict[Op, Callable[[Command], object | None]] = {}
        self.history: list[Command] = []
        self.tell(Open())
        for channel in list(self.tables.channels.values()):
            self.tell(self.online(channel.device_id, channel.channel))

    def online(
        self, device_id: str, channel: str = "main", ack_seq: int = 0, boot_id: int = 7
    ) -> ChannelOnline:
        load = Load.LOADED if device_id in self.world.values() else Load.EMPTY
        return ChannelOnline(
            device_id=device_id, channel=channel, boot_id=boot_id, ack_seq=ack_seq, sensors=Sensors(load=load)
        )

    def tell(self, message: object) -> Any:
        """Handle one message as the kernel does: roll back a refusal, settle, commit, carry out the effects."""
        mark = self.books.mark()
        try:
            reply = self.engine.handlers[type(message)](message)
        except BaseException:
            self.books.rollback(mark)
            raise
        if self.books.changed:
            self.engine.settle()
        events, effects = self.books.committed()
        self.events += events
        for effect in effects:
            match effect:
                case Assign(command):
                    self.commands.append(command)
                    self.history.append(command)
                case Abandon(_, job_id):
                    self.abandoned.append(job_id)
                    self.commands = [command for command in self.commands if command.job_id != job_id]
                case Show() | Darken():
                    self.shown.append(effect)
                case _:
                    raise AssertionError(effect)
        return reply

    def submit(self, transport_id: str, container_id: str, destination: str, **more: Any) -> None:
        request = TransportRequest(
            transport_id=transport_id, container_id=container_id, destination=destination, **more
        )
        self.tell(SubmitTransports((request,), known={}))

    def cancel(self, transport_id: str) -> Transport:
        return self.tell(CancelTransport(transport_id))

    def resolve(self, transport_id: str, action: str, location_id: str | None = None) -> Transport:
        request = ResolveRequest.model_validate(
            {"action": action, "locationId": location_id, "operator": "ann", "reason": "I looked"}
        )
        return self.tell(ResolveTransport(transport_id, request))

    def status(self, transport_id: str) -> str:
        return self.tables.transports[transport_id].status.value

    def where(self, container_id: str) -> str | None:
        container = self.tables.containers[container_id]
        return container.location_id or container.device_id

    def types(self) -> list[str]:
        return [event.type.value for event in self.events]

    def wait(self, seconds: float) -> None:
        self.books.now_us += round(seconds * 1e6)
        self.books.steady_us += round(seconds * 1e6)
        self.tell(Tick())

    def step(self) -> None:
        """Let the device of the oldest command end it."""
        command = self.commands.pop(0)
        special = self.answers.get(command.op)
        answer = special(command) if special else None
        if answer is None:
            self.tell(CommandAccepted(job_id=command.job_id))
            self._move(command)
            answer = CommandDone(job_id=command.job_id)
        self.tell(answer)

    def run(self, steps: int = 10_000) -> None:
        """Let devices work until nothing is left to do."""
        for _ in range(steps):
            if not self.commands:
                return
            self.step()
        raise AssertionError("the plant does not come to rest")

    def _move(self, command: Command) -> None:
        if command.container_id is None:
            return
        load = command.container_id
        self.moves[command.job_id] = self.moves.get(command.job_id, 0) + 1
        match command.op:
            case Op.PICK:
                assert command.source is not None and self.world[load] == command.source.location_id
                assert command.device_id not in self.world.values(), f"{command.device_id} is loaded already"
                self.world[load] = command.device_id
            case Op.DROP:
                assert self.world[load] == command.device_id
                self._put(load, command)
            case Op.TRANSFER:
                assert command.source is not None and self.world[load] == command.source.location_id
                self._put(load, command)
            case _:
                raise AssertionError(command)

    def _put(self, load: str, command: Command) -> None:
        assert command.target is not None
        target = command.target.location_id
        standing = [*self.world.values()].count(target)
        assert standing < self.site.all_locations[target].capacity, f"{target} is occupied"
        self.world[load] = target
