"""One vehicle as the driver sees it, without a wire and without a clock: what is due to be sent, and what is due to be told.

QoS 0 loses messages (6.2), so nothing is sent once and hoped for: an order goes out until a state echoes it, a
cancel until a state shows its action. And nothing is sent before a state has been read on this connection: it may show that
it is there already (law 3).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import structlog
from pydantic import ValidationError

from drivers.telegrams import Diagnosis, ErrorKind
from drivers.vda5050 import messages
from drivers.vda5050.messages import Connection, Header, Json, State, Visualization
from gateway.contract.reports import Load, Position, Report
from gateway.contract.vehicles import ActionStatus, VehicleOffline, VehicleOrder, VehicleState, action_id_of
from gateway.contract.wiring import VehicleWiring

log = structlog.get_logger()

M = TypeVar("M", bound=Header)

TELL_AGAIN_S: Final = 10.0
"""A state is told at least this often, news or not."""
PATIENCE: Final = 5
"""After so many sendings without an echo, the pauses grow."""
PAUSE_MAX_S: Final = 30.0
FINAL: Final = (ActionStatus.FINISHED, ActionStatus.FAILED)
LATCHED_MAX: Final = 64


@dataclass(slots=True)
class _Wanted:
    """Something that is sent until it is shown."""

    body: Json
    sent: int = 0
    due: float = 0.0

    def count(self, now: float, pause_s: float) -> None:
        self.sent += 1
        grown = pause_s * 2 ** max(0, self.sent - PATIENCE)
        self.due = now + min(grown, PAUSE_MAX_S)


class VehicleFace:
    """What is wanted of one vehicle, and what it shows."""

    def __init__(
        self, wiring: VehicleWiring, diagnosis: Diagnosis, resend_s: float, offline_s: float
    ) -> None:
        self.wiring = wiring
        self.diagnosis = diagnosis
        self._resend_s = resend_s
        self._offline_s = offline_s
        self._order: VehicleOrder | None = None
        self._wanted_order: _Wanted | None = None
        self._cancel: str | None = None
        self._wanted_cancel: _Wanted | None = None
        self._asked: list[str] = []
        self._header_ids: Counter[str] = Counter()
        self._version = messages.VERSION
        self._newest: dict[str, tuple[int, float]] = {}
        self._finals: dict[str, tuple[ActionStatus, str]] = {}
        self._heard_at: float | None = None
        self._fresh = False
        self._online = False
        self._due: Report | None = None
        self._next: VehicleState | None = None
        self._told: VehicleState | None = None
        self._told_at = 0.0

    # What the fleet room wants

    def send(self, order: VehicleOrder) -> None:
        """Send this order until it is echoed; it replaces an older one."""
        if order != self._order:
            self._order = order
            self._wanted_order = _Wanted(messages.order_body(order))
        if self._cancel != order.order_id:
            self._cancel = self._wanted_cancel = None

    def cancel(self, order_id: str) -> None:
        """Send a cancel of this order until it is shown."""
        if self._cancel != order_id:
            self._cancel = order_id
            action = messages.instant_action("cancelOrder", action_id_of(order_id, "cancelOrder"))
            self._wanted_cancel = _Wanted({"action": action})
        self._wanted_order = None

    def ask(self, kind: str) -> None:
        """Send `stateRequest` or `factsheetRequest` at the next moment."""
        if kind not in self._asked:
            self._asked.append(kind)

    # The wire

    def connected(self) -> None:
        """A connection to the broker is made: ask what the vehicle shows."""
        self._fresh = False
        self.ask("factsheetRequest")
        self.ask("stateRequest")

    def lost(self, reason: str) -> None:
        """The connection to the broker is lost: whatever the vehicle shows is old."""
        self._fresh = False
        self._asked.clear()
        for wanted in (self._wanted_order, self._wanted_cancel):
            if wanted is not None:
                wanted.due = 0.0
        self._leave(reason)

    def take(self, topic: str, payload: bytes, now: float) -> Position | None:
        """Take a message of the vehicle; return its position if it tells one. What cannot be read is noted and left."""
        self.diagnosis.heard(payload.decode(errors="replace"), topic)
        match topic:
            case "state":
                state = self._read(State, topic, payload)
                return None if state is None else self._take_state(state, now)
            case "visualization":
                seen = self._read(Visualization, topic, payload)
                return None if seen is None else self._position(seen.agv_position, None)
            case "connection":
                self._take_connection(self._read(Connection, topic, payload, in_order=False))
                return None
            case _:
                return None

    def _read(self, kind: type[M], topic: str, payload: bytes, *, in_order: bool = True) -> M | None:
        if len(payload) > messages.PAYLOAD_MAX:
            self.diagnosis.failed(ErrorKind.BAD_FRAME, f"{topic}: {len(payload)} bytes")
            return None
        try:
            message = kind.model_validate_json(payload)
        except ValidationError as error:
            self.diagnosis.failed(ErrorKind.BAD_FRAME, f"{topic}: {error}")
            return None
        if in_order and not self._is_newer(topic, message):
            return None
        self._version = message.version
        return message

    def _is_newer(self, topic: str, message: Header) -> bool:
        """Tell whether a message comes after the last one: a lower header id is a restart if its time is later (6.5)."""
        at = messages.made_at(message)
        last = self._newest.get(topic)
        if last is not None and message.header_id <= last[0] and (at is None or at <= last[1]):
            return False
        self._newest[topic] = (message.header_id, at if at is not None else 0.0)
        return True

    def _take_state(self, state: State, now: float) -> Position | None:
        self._heard_at = now
        self._fresh = True
        self.diagnosis.answered(0.0)
        self._arrive()
        shown = self._with_finals(messages.shown_by(self.wiring.device_id, state))
        self._settle(shown)
        if self._is_news(shown, now):
            self._next = shown
        return self._position(state.agv_position, state)

    def _take_connection(self, connection: Connection | None) -> None:
        if connection is None:
            return
        if connection.connection_state == "ONLINE":
            self.ask("stateRequest")
        else:
            self._leave(f"the vehicle's connection is {connection.connection_state}")

    def watch(self, now: float) -> None:
        """Look whether the vehicle has been silent for too long (6.10 wants a state every 30 s)."""
        if self._online and self._heard_at is not None and now - self._heard_at > self._offline_s:
            self._leave(f"no state for {self._offline_s:g} s")

    def outgoing(self, now: float, at_us: int) -> Iterator[tuple[str, bytes]]:
        """Return (topic, payload) of all that is due to be sent."""
        actions = [messages.instant_action(kind, self._request_id(kind)) for kind in self._asked]
        self._asked.clear()
        if self._fresh and self._wanted_cancel is not None and self._wanted_cancel.due <= now:
            self._wanted_cancel.count(now, self._resend_s)
            actions.append(self._wanted_cancel.body["action"])
        if actions:
            body = messages.instant_actions_body(actions, self._version)
            kinds = ", ".join(action["actionType"] for action in actions)
            yield self._message("instantActions", body, at_us, kinds)
        if self._fresh and self._wanted_order is not None and self._wanted_order.due <= now:
            self._wanted_order.count(now, self._resend_s)
            yield self._message("order", self._wanted_order.body, at_us, "order")

    def next_due(self) -> float | None:
        """Return when something is due to be sent by itself."""
        if self._asked:
            return 0.0
        wanted = [each for each in (self._wanted_order, self._wanted_cancel) if each is not None]
        return min((each.due for each in wanted), default=None) if self._fresh else None

    def _message(self, topic: str, body: Json, at_us: int, note: str) -> tuple[str, bytes]:
        message = messages.header(self._header_ids[topic], at_us, self.wiring) | body
        self._header_ids[topic] += 1
        payload = messages.encoded(message)
        self.diagnosis.sent(payload.decode(), note)
        return topic, payload

    def _request_id(self, kind: str) -> str:
        return action_id_of(f"{self.wiring.device_id}/{self._header_ids['instantActions']}", kind)

    def _settle(self, shown: VehicleState) -> None:
        """Stop sending what the vehicle shows that it has, or refuses."""
        order = self._order
        if order is not None and shown.order_id == order.order_id and shown.update_id >= order.update_id:
            self._wanted_order = None
        if order is not None and any(
            ("orderId", order.order_id) in error.references for error in shown.errors
        ):
            self._wanted_order = None
        if self._cancel is not None:
            action_id = action_id_of(self._cancel, "cancelOrder")
            if any(known == action_id for known, _, _ in shown.actions):
                self._wanted_cancel = None

    def _with_finals(self, shown: VehicleState) -> VehicleState:
        """Keep what has ended: vehicles drop the states of finished instant actions after a while."""
        actions = {known: (status, result) for known, status, result in shown.actions}
        for known, end in self._finals.items():
            if known not in actions or actions[known][0] not in FINAL:
                actions[known] = end
        self._finals = {known: end for known, end in actions.items() if end[0] in FINAL}
        while len(self._finals) > LATCHED_MAX:
            del self._finals[next(iter(self._finals))]
        return replace(
            shown, actions=tuple((known, status, result) for known, (status, result) in actions.items())
        )

    # What the kernel hears

    def due(self) -> Report | None:
        """Return what the kernel has to hear next; the same object until it is told."""
        if self._due is None and self._next is not None:
            self._due, self._next = self._next, None
        return self._due

    def told(self, report: Report, now: float) -> None:
        """The kernel has the report."""
        if report is self._due:
            self._due = None
            if isinstance(report, VehicleState):
                self._told, self._told_at = report, now
            else:
                self._told = None

    def _is_news(self, shown: VehicleState, now: float) -> bool:
        if self._told is None or now - self._told_at >= TELL_AGAIN_S:
            return True
        newest = self._next or self._told
        return replace(shown, position=None) != replace(newest, position=None)

    def _arrive(self) -> None:
        if not self._online:
            self._online = True
            self._told = None
            self.diagnosis.connected = True
            log.info("device online", device=self.wiring.device_id)

    def _leave(self, reason: str) -> None:
        if self._online:
            self._online = False
            self.diagnosis.connected = False
            self._next = None
            self._due = VehicleOffline(vehicle_id=self.wiring.device_id, reason=reason)
            log.warning("device offline", device=self.wiring.device_id, reason=reason)

    def _position(self, at: messages.ReadPosition | None, state: State | None) -> Position | None:
        if at is None:
            return None
        load = Load.UNKNOWN
        if state is not None and state.loads is not None:
            load = Load.LOADED if state.loads else Load.EMPTY
        battery = None if state is None else state.battery_state.battery_charge / 100
        return Position(
            device_id=self.wiring.device_id,
            at_us=0,
            x=at.x,
            y=at.y,
            theta=at.theta,
            load=load,
            battery=battery,
        )
