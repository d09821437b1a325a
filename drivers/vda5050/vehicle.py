"""One vehicle as the driver sees it, without a wire and without a clock: what is due to be sent, and what to be told.

QoS 0 loses messages (6.2), so nothing is sent once and hoped for: an order goes out until a state echoes it, a
cancel until a state shows its action. And nothing is sent before a state has been read on this connection: it may
show that it is there already (law 3); nor while another run of the gateway commands the vehicle (`mandate`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import structlog
from pydantic import ValidationError

from drivers.telegrams import Diagnosis, ErrorKind
from drivers.vda5050 import messages
from drivers.vda5050.mandate import Fence, Mandate
from drivers.vda5050.messages import Connection, Factsheet, Header, Json, State, Visualization
from drivers.vda5050.pauses import doubled
from drivers.vda5050.silence import Silence
from gateway.contract.reports import Load, Position, Report
from gateway.contract.vehicles import (
    CANCEL,
    UNDER_WAY_S,
    ActionStatus,
    VehicleError,
    VehicleOffline,
    VehicleOrder,
    VehiclePose,
    VehicleState,
    action_id_of,
    cancel_id_of,
)
from gateway.contract.wiring import VehicleWiring

log = structlog.get_logger()

M = TypeVar("M", bound=Header)

TELL_AGAIN_S: Final = 10.0
"""A state is told at least this often, news or not."""
PATIENCE: Final = 5
"""After so many sendings without an echo, the pauses grow, and an error that does not say what it is about may be the answer."""
PAUSE_MAX_S: Final = 30.0
LATE_MAX: Final = 3
"""So many messages in a row, and no newer one for as long as any may be under way: the vehicle has begun to count, and its clock,
anew."""
FINAL: Final = (ActionStatus.FINISHED, ActionStatus.FAILED)
ACTIVE: Final = (ActionStatus.INITIALIZING, ActionStatus.RUNNING, ActionStatus.PAUSED)
DROPPED_MAX: Final = 8
"""Actions that have ended and that the vehicle does not show any more: more than an order, its cancel and a pose have together."""
STATE_REQUEST: Final = "stateRequest"


@dataclass(slots=True)
class _Wanted:
    """Something that is sent until it is shown."""

    body: Json
    sent: int = 0
    sent_at: float = 0.0
    due: float = 0.0

    def count(self, now: float, pause_s: float) -> None:
        self.sent += 1
        self.sent_at = now
        self.due = now + doubled(pause_s, max(0, self.sent - PATIENCE), PAUSE_MAX_S)

    def in_vain(self, now: float) -> bool:
        """Tell whether it was sent often enough, and none of it can be under way any more."""
        return self.sent >= PATIENCE and now - self.sent_at >= UNDER_WAY_S


class _Sequence:
    """Which messages of one topic are newer than what has been seen (6.5): QoS 0 neither repeats nor sorts."""

    def __init__(self) -> None:
        self._header_id = -1
        self._began_at = float("-inf")
        """When the first message of this count was made: one from before, under way since then, has a higher number."""
        self._made_at = 0.0
        self._late = 0
        self._taken_at = 0.0

    def is_newer(self, message: Header, now: float) -> bool:
        """Tell whether to take a message: a lower header id with a later time is a vehicle that has started anew."""
        at = messages.made_at(message)
        anew = message.header_id <= self._header_id
        late = (at is None or at <= self._made_at) if anew else at is not None and at < self._began_at
        self._late = self._late + 1 if late else 0
        if late and (self._late < LATE_MAX or now - self._taken_at < UNDER_WAY_S):
            return False
        self._late, self._taken_at = 0, now
        if anew or late:
            self._began_at = float("-inf") if at is None else at
        self._header_id = message.header_id
        self._made_at = self._made_at if at is None else at
        return True


class VehicleFace:
    """What is wanted of one vehicle, and what it shows.

    Args:
        wiring: the vehicle's address.
        own: the mandate of this run of the gateway.
        diagnosis: what is kept for people.
        resend_s: an order that is not echoed is sent again after this long.
        offline_s: without a state for this long, the vehicle is offline.
    """

    def __init__(
        self,
        wiring: VehicleWiring,
        own: Mandate,
        diagnosis: Diagnosis,
        resend_s: float,
        offline_s: float,
    ) -> None:
        self.wiring = wiring
        self.diagnosis = diagnosis
        self._run = own.run
        self._fence = Fence(own)
        self._silence = Silence(offline_s)
        self._resend_s = resend_s
        self._order: VehicleOrder | None = None
        self._wanted_order: _Wanted | None = None
        self._refusal: VehicleError | None = None
        self._order_interval_s = 0.0
        self._ordered_at = float("-inf")
        self._cancel: str | None = None
        self._cancel_id = ""
        self._wanted_cancel: _Wanted | None = None
        self._pose_id = ""
        self._wanted_pose: _Wanted | None = None
        self._asked: list[str] = []
        self._header_ids: Counter[str] = Counter()
        self._version = ""
        self._sequences: dict[str, _Sequence] = {}
        self._finals: dict[str, tuple[ActionStatus, str]] = {}
        self._shown: VehicleState | None = None
        self._online: bool | None = None
        """None: not heard of yet."""
        self._away_because = ""
        self._goodbye = ""
        """What it has said itself about its going, as far as that still holds."""
        self._refused: list[str] = []
        self._due: Report | None = None
        self._next: VehicleState | None = None
        self._told: VehicleState | None = None
        self._news_at = 0.0

    # What the fleet room wants

    def send(self, order: VehicleOrder) -> None:
        """Send this order until it is echoed; it replaces an older one."""
        if order != self._order:
            self._order, self._refusal = order, None
            self._wanted_order = _Wanted(messages.order_body(order))
        if self._cancel != order.order_id:
            self._cancel = self._wanted_cancel = None

    def cancel(self, order_id: str, times: int = 0) -> None:
        """Send a cancel of this order until it is shown; a new one if the vehicle has refused it so many times."""
        cancel_id = cancel_id_of(order_id, times)
        if self._cancel is None or self._cancel_id != cancel_id:
            self._cancel, self._cancel_id = order_id, cancel_id
            self._wanted_cancel = _Wanted(messages.instant_action(CANCEL, cancel_id))
        self._wanted_order = None

    def localise(self, pose: VehiclePose) -> None:
        """Send where the vehicle stands until the action is shown, or the vehicle knows where it is."""
        if self._pose_id != pose.action_id:
            self._pose_id = pose.action_id
            self._wanted_pose = _Wanted(messages.init_position(pose))

    def forget(self) -> None:
        """Send nothing more of what was wanted, ask for a state and tell it, news or not."""
        self._order = self._wanted_order = self._refusal = None
        self._cancel = self._wanted_cancel = self._told = None
        self._wanted_pose, self._pose_id = None, ""
        self._ask(STATE_REQUEST)

    def _ask(self, kind: str) -> None:
        if kind not in self._asked:
            self._asked.append(kind)

    # The wire

    def connected(self, now: float) -> None:
        """A connection to the broker is made: ask what the vehicle shows."""
        self._shown = None
        self._goodbye = ""
        self._silence.listen(now)
        self._fence.connected(now)
        self._ask("factsheetRequest")
        self._ask(STATE_REQUEST)

    def lost(self, reason: str) -> None:
        """The connection to the broker is lost: whatever the vehicle shows is old."""
        self._shown = None
        self._silence.listen(None)
        self._asked.clear()
        for wanted in (self._wanted_order, *self._wanted_instants()):
            if wanted is not None:
                wanted.due = 0.0
        self._leave(reason)

    def missed(self, reason: str) -> None:
        """A vehicle that has not been heard of yet cannot be heard."""
        if self._online is None:
            self._out_of_reach(reason)

    def refused(self, topics: list[str]) -> None:
        """The broker does not let the gateway read these topics of the vehicle. It can do without any of them but its state.

        Without `connection` and `factsheet` it finds out later, and without `visualization` it knows less; who commands the vehicle
        is told as the mandate's own matter.
        """
        if topics == self._refused:
            return
        self._refused = topics
        self._ask(STATE_REQUEST)  # it may be heard now
        if not topics:
            log.info("topics granted", device=self.wiring.device_id)
            return
        reason = f"the broker refuses {', '.join(topics)}: give the gateway's user the right to read it"
        log.warning("topics refused", device=self.wiring.device_id, reason=reason)
        self.diagnosis.failed(ErrorKind.REFUSED, reason)
        if self._is_unreadable():
            self._out_of_reach(reason)

    def _is_unreadable(self) -> bool:
        return any(topic.endswith("/state") for topic in self._refused)

    def take(self, topic: str, payload: bytes, now: float, at_us: int) -> Position | None:
        """Take a message; return the vehicle's position if it tells one. What cannot be read is noted and left."""
        self.diagnosis.alive()
        match topic:
            case "state":
                state = self._read_newer(State, topic, payload, now)
                return None if state is None else self._take_state(state, payload, now, at_us)
            case "visualization":
                self._silence.alive(now)
                seen = self._read_newer(Visualization, topic, payload, now)
                return None if seen is None else self._position(seen.agv_position, at_us)
            case "connection":
                # Neither the number nor the time of a last will says anything: it was written at the connect.
                self._take_connection(self._read(Connection, topic, payload), payload)
            case "factsheet":
                sheet = self._read(Factsheet, topic, payload)
                if sheet is not None:
                    self._order_interval_s = sheet.protocol_limits.timing.min_order_interval
            case _:
                pass
        return None

    def _read_newer(self, kind: type[M], topic: str, payload: bytes, now: float) -> M | None:
        """Return a message, unless it was overtaken."""
        message = self._read(kind, topic, payload)
        if message is None or not self._sequences.setdefault(topic, _Sequence()).is_newer(message, now):
            return None
        return message

    def _read(self, kind: type[M], topic: str, payload: bytes) -> M | None:
        if len(payload) > messages.PAYLOAD_MAX:
            self.diagnosis.failed(ErrorKind.BAD_FRAME, f"{topic}: {len(payload)} bytes")
            return None
        try:
            message = kind.model_validate_json(payload)
        except ValidationError as error:
            self.diagnosis.failed(ErrorKind.BAD_FRAME, f"{topic}: {error}")
            return None
        self._version = message.version or self._version
        return message

    def _take_state(self, state: State, payload: bytes, now: float, at_us: int) -> Position | None:
        self._arrive()
        shown = self._with_finals(messages.shown_by(self.wiring.device_id, state))
        shown = self._with_refusal(shown, now)
        self._silence.heard(state, shown, now)
        self._shown = shown
        # Where it is changes all the time and would wash everything else out of the ring.
        self.diagnosis.shown("state", {"state": shown.said}, payload.decode(errors="replace"))
        self._settle(shown, now)
        self._tell(shown, now)
        return self._position(state.agv_position, at_us)

    def take_mandate(self, payload: bytes, now: float) -> None:
        """Take what the broker shows about who commands the vehicle."""
        text = payload.decode(errors="replace")
        self.diagnosis.shown("mandate", {"mandate": text}, text)
        before = self._fence.reason
        self._fence.take(payload, now)
        self._note_fence(before, now)

    def _note_fence(self, before: str, now: float) -> None:
        """Tell by the vehicle's last state if it may not be commanded any more, or may be again."""
        reason = self._fence.reason
        if reason == before:
            return
        if reason:
            holder = self._fence.holder
            log.warning("device fenced", device=self.wiring.device_id, reason=reason, holder=holder.run)
        else:
            log.info("device commanded again", device=self.wiring.device_id)
        if self._shown is not None:
            self._tell(self._shown, now)

    def _tell(self, shown: VehicleState, now: float) -> None:
        """Have the kernel hear what the vehicle shows, if that is news, and why nothing may be sent to it."""
        reason = self._fence.reason
        told = shown if shown.barred == reason else replace(shown, barred=reason)
        if self._is_news(told, now):
            self._next, self._news_at = told, now

    def _take_connection(self, connection: Connection | None, payload: bytes) -> None:
        if connection is None:
            return
        self.diagnosis.heard(payload.decode(errors="replace"), "connection")
        if connection.connection_state == "ONLINE":
            self._goodbye = ""
            self._silence.restarted()
            self._ask(STATE_REQUEST)
        else:
            self._goodbye = f"the vehicle's connection is {connection.connection_state}"
            self._silence.end()
            self._stay_away(self._goodbye)

    def watch(self, now: float) -> None:
        """Look whether the vehicle has been silent for too long."""
        reason = self._silence.verdict(now)
        if reason is not None:
            self._leave(reason)
        if self._is_unreadable():
            self._silence.listen(now)
        elif (absence := self._silence.absence(now)) is not None:
            self._miss(absence)
        if self._fence.open and self._silence.is_to_be_asked(now, self._is_busy):
            self._ask(STATE_REQUEST)

    def _is_busy(self) -> bool:
        """Tell whether the vehicle has something to do, or to answer."""
        if self._wanted_order is not None or self._wanted_instants():
            return True
        shown = self._shown
        if shown is None:
            return False
        acts = (status in ACTIVE for _, status, _ in shown.actions)
        return shown.driving or bool(shown.node_states) or any(acts)

    def mandate(self, now: float) -> bytes | None:
        """Return what has to be kept at the broker about who commands the vehicle, if that is due to be said."""
        before = self._fence.reason
        said = self._fence.say(now)
        self._note_fence(before, now)
        return said

    def outgoing(self, now: float, at_us: int) -> Iterator[tuple[str, bytes]]:
        """Return (topic, payload) of all that is due to be sent."""
        if not self._fence.open:
            return
        actions = [self._request(kind, now) for kind in self._asked]
        self._asked.clear()
        for wanted in self._wanted_instants():
            if self._may_send() and wanted.due <= now:
                self._count(wanted, now)
                actions.append(wanted.body)
        if actions:
            body = messages.instant_actions_body(actions, self._version)
            kinds = ", ".join(action["actionType"] for action in actions)
            yield self._message("instantActions", body, at_us, kinds)
        if (
            (order := self._wanted_order) is not None
            and self._may_send_order()
            and self._order_due(order) <= now
        ):
            self._count(order, now)
            self._ordered_at = now
            yield self._message("order", order.body, at_us, "order")

    def next_due(self) -> float:
        """Return when something is due to be sent by itself."""
        dues = [self._fence.next_due()]
        if not self._fence.open:
            return dues[0]
        if self._asked:
            return 0.0
        if self._may_send():
            dues += [wanted.due for wanted in self._wanted_instants()]
        if self._wanted_order is not None and self._may_send_order():
            dues.append(self._order_due(self._wanted_order))
        return min(dues)

    def _count(self, wanted: _Wanted, now: float) -> None:
        if not wanted.sent:
            self._silence.expect(now)
        wanted.count(now, self._resend_s)

    def _wanted_instants(self) -> list[_Wanted]:
        return [wanted for wanted in (self._wanted_cancel, self._wanted_pose) if wanted is not None]

    def _order_due(self, order: _Wanted) -> float:
        return max(order.due, self._ordered_at + self._order_interval_s)

    def _may_send(self) -> bool:
        """Nothing goes to a vehicle in other hands, or before it has been read on this connection."""
        return self._shown is not None and self._shown.automatic

    def _may_send_order(self) -> bool:
        """Only a vehicle that shows that it does not have the message yet gets it (see VehicleOrder.after)."""
        if self._order is None or self._shown is None or not self._may_send():
            return False
        return self._shown.order_id == self._order.after

    def _message(self, topic: str, body: Json, at_us: int, note: str) -> tuple[str, bytes]:
        message = messages.header(self._header_ids[topic], at_us, self.wiring) | body
        self._header_ids[topic] += 1
        payload = messages.encoded(message)
        self.diagnosis.sent(payload.decode(), note)
        return topic, payload

    def _request(self, kind: str, now: float) -> Json:
        """Return a question. Its id is that of no other run: a vehicle would take it for a repetition."""
        number = self._header_ids["instantActions"]
        action_id = action_id_of(f"{self._run}/{self.wiring.device_id}/{number}", kind)
        if kind == STATE_REQUEST:
            self._silence.asked(action_id, now)
        return messages.instant_action(kind, action_id)

    def _settle(self, shown: VehicleState, now: float) -> None:
        """Stop sending what the vehicle shows that it has, or refuses."""
        order, wanted = self._order, self._wanted_order
        if order is not None and wanted is not None:
            if _echoes(shown, order):
                self._wanted_order = None
                if wanted.sent:
                    self.diagnosis.answered(now - wanted.sent_at)
            elif self._refusal is not None:
                self._wanted_order = None
        known_actions = {known for known, _, _ in shown.actions}
        if self._cancel is not None and self._cancel_id in known_actions:
            self._wanted_cancel = None
        if shown.localised or self._pose_id in known_actions:
            self._wanted_pose = None

    def _with_refusal(self, shown: VehicleState, now: float) -> VehicleState:
        """Keep the vehicle's no to what it was sent until it takes that, or is sent something else: not all keep it (6.6.4).

        Nor do all say what an error is about (7.1): one that refuses some order, and stands after all that was sent has arrived,
        refuses this one. It may be older than this order, but the vehicle shows no other answer.
        """
        order, wanted = self._order, self._wanted_order
        if order is None or _echoes(shown, order):
            self._refusal = None
            return shown
        if wanted is not None and wanted.sent:
            self._refusal = _refusal_of(shown, order)
            if self._refusal is None and wanted.in_vain(now):
                self._refusal = _unsaid_refusal_of(shown, order)
        if self._refusal is None or self._refusal in shown.errors:
            return shown
        # Whether the vehicle can be used is for what it shows now to tell.
        return replace(shown, errors=(*shown.errors, replace(self._refusal, fatal=False)))

    def _with_finals(self, shown: VehicleState) -> VehicleState:
        """Keep what has ended: vehicles drop the states of finished instant actions after a while. Questions are no news."""
        shows = {
            known: (status, result)
            for known, status, result in shown.actions
            if not self._silence.is_request(known)
        }
        if self._has_nothing_to_cancel(shown):
            shows.setdefault(self._cancel_id, (ActionStatus.FAILED, messages.NO_ORDER))
        # What it has dropped last comes first: behind what it shows now there is what it has shown before.
        dropped = [(known, end) for known, end in self._finals.items() if known not in shows]
        actions = {
            known: state if state[0] in FINAL else self._finals.get(known, state)
            for known, state in (*shows.items(), *dropped[:DROPPED_MAX])
        }
        self._finals = {known: state for known, state in actions.items() if state[0] in FINAL}
        kept = tuple((known, status, result) for known, (status, result) in actions.items())
        return shown if kept == shown.actions else replace(shown, actions=kept)

    def _has_nothing_to_cancel(self, shown: VehicleState) -> bool:
        """Some idle vehicles answer a cancel with the error of 6.6.3.2 alone, without the failed action."""
        if self._wanted_cancel is None or not self._wanted_cancel.sent:
            return False
        answers = [dict(error.references) for error in shown.errors if error.error_type == messages.NO_ORDER]
        return any(references.get("actionId", self._cancel_id) == self._cancel_id for references in answers)

    # What the kernel hears

    def due(self) -> Report | None:
        """Return what the kernel has to hear next; the same object until it is told."""
        if self._due is None and self._next is not None:
            self._due, self._next = self._next, None
        return self._due

    def told(self, report: Report) -> None:
        """The kernel has the report."""
        if report is self._due:
            self._due = None
            self._told = report if isinstance(report, VehicleState) else None

    def _is_news(self, shown: VehicleState, now: float) -> bool:
        newest = self._next or self._due or self._told
        if not isinstance(newest, VehicleState) or now - self._news_at >= TELL_AGAIN_S:
            return True
        return shown.said != newest.said

    def _arrive(self) -> None:
        if not self._online:
            self._online, self._away_because = True, ""
            self._told = None
            self.diagnosis.connected = True
            log.info("device online", device=self.wiring.device_id)

    def _leave(self, reason: str) -> None:
        if self._online:
            self._out_of_reach(reason)

    def _stay_away(self, reason: str) -> None:
        """It says itself that it is gone, whatever was in the way before: people look in the right place."""
        if self._online is not None and reason != self._away_because:
            self._out_of_reach(reason)

    def _miss(self, absence: str) -> None:
        """Nothing has been heard of it on this connection: whatever has kept it away before, people look in the right place."""
        name = f"manufacturer {self.wiring.manufacturer}, serial number {self.wiring.serial}"
        reason = self._goodbye or f"{absence} ({name})"
        if reason != self._away_because:
            self._out_of_reach(reason)

    def _out_of_reach(self, reason: str) -> None:
        self._online, self._away_because = False, reason
        self.diagnosis.connected = False
        self._next = None
        self._due = VehicleOffline(vehicle_id=self.wiring.device_id, reason=reason)
        log.warning("device offline", device=self.wiring.device_id, reason=reason)

    def _position(self, at: messages.ReadPosition | None, at_us: int) -> Position | None:
        """Return where the vehicle is, with what its last state tells besides."""
        if at is None:
            return None
        load, battery = Load.UNKNOWN, None
        if self._shown is not None:
            battery = self._shown.battery
            if self._shown.loads is not None:
                load = Load.LOADED if self._shown.loads else Load.EMPTY
        return Position(
            device_id=self.wiring.device_id,
            at_us=at_us,
            x=at.x,
            y=at.y,
            theta=at.theta,
            load=load,
            battery=battery,
        )


def _echoes(shown: VehicleState, order: VehicleOrder) -> bool:
    return shown.order_id == order.order_id and shown.update_id >= order.update_id


def _refusal_of(shown: VehicleState, order: VehicleOrder) -> VehicleError | None:
    """Return the error that says that the vehicle refuses this message."""
    update = str(order.update_id)
    for error in shown.errors:
        about = dict(error.references)
        if error.error_type in messages.REFUSALS and about.get("orderId") == order.order_id:
            if about.get("orderUpdateId", update) == update:
                return error
    return None


def _unsaid_refusal_of(shown: VehicleState, order: VehicleOrder) -> VehicleError | None:
    """Return the error that may say so without naming an order, with the references that it lacks."""
    own = {action.action_id for node in order.nodes for action in node.actions}
    for error in shown.errors:
        about = dict(error.references)
        of_others = "orderId" in about or about.get("actionId", "") not in {"", *own}
        if error.error_type in messages.REFUSALS and not of_others:
            lacking = (("orderId", order.order_id), ("orderUpdateId", str(order.update_id)))
            return replace(error, references=(*error.references, *lacking))
    return None
