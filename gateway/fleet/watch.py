"""Follows what the vehicles show: where they are, what troubles them, what has become of their orders and commands."""

from dataclasses import replace
from typing import Final

from gateway.contract.commands import MAIN_CHANNEL, Command
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    CLEAR_THE_CAUSE,
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    DeviceFault,
    DeviceOffline,
    DeviceRecovered,
    Load,
    Sensors,
)
from gateway.contract.vehicles import UNDER_WAY_S, ActionStatus, VehicleOffline, VehicleState
from gateway.fleet.effects import CancelOrder, ResetVehicle
from gateway.fleet.fleet import Engine, Fleet
from gateway.fleet.phases import PHASES, Phase, Sign
from gateway.fleet.roads import Roads
from gateway.fleet.rows import BETWEEN, Mission, Order, Purpose, Refusal
from gateway.fleet.shown import (
    fault_of,
    is_at_earlier,
    is_lost,
    load_of,
    may_repeat,
    node_of,
    refusal_of,
    sign_of,
    stands,
    status_of,
    trouble_of,
    words_about,
)
from gateway.kernel.books import Books, Table

CANCEL_PAUSE_S: Final = 2.0
"""A cancel that a vehicle refuses is asked for again after pauses that double …"""
CANCEL_DOUBLINGS_MAX: Final = 7
"""… so many times."""
UNTAKEN: Final = (Phase.SENT, Phase.RECALLED)
UNPLACED: Final = "it does not tell at which node it stands"
TO_A_NODE: Final = (
    "Drive it by hand to a node of its road map. The gateway goes on by itself when it shows a node."
)
LOCALISE: Final = (
    "Look where it stands and say so: gateway device localise {vehicle} --at NODE --reason TEXT."
    " If it stands at no node, drive it to one by hand first, and localise it there or at its own panel."
)
"""`initPosition` for people. A reset cannot help a vehicle that has lost its place."""
UNBAR: Final = (
    "Nothing is wrong with the vehicle: look at the other gateway, or at the broker."
    " This gateway takes the vehicle over when it is started again."
)


class Watch:
    """Watches the vehicles of one fleet."""

    def __init__(
        self, books: Books, missions: Table[str, Mission], fleet: Fleet, roads: Roads, engine: Engine
    ) -> None:
        self._books = books
        self._missions = missions
        self._fleet = fleet
        self._roads = roads
        self._engine = engine

    def state(self, shown: VehicleState) -> None:
        """Take a vehicle's state."""
        row = self._missions.get(shown.vehicle_id) or Mission(vehicle_id=shown.vehicle_id)
        if not row.base or not _say_the_same(row.shown, shown):
            self._missions.put(self._located(replace(row, shown=shown), shown))
        self._hear_answer_to_pose(shown)
        self._tell_trouble(shown)
        self._follow(shown)
        self.cancel_again(shown.vehicle_id)
        self.end_command(shown.vehicle_id)
        self._end_reset(shown.vehicle_id)
        self._tell_online(shown)

    def offline(self, report: VehicleOffline) -> None:
        """Take note that a vehicle is out of reach. It may still drive out its base, so it keeps all of it."""
        row = self._missions.get(report.vehicle_id)
        if row is not None and row.online:
            self._missions.put(replace(row, online=False))
        self._engine.report(DeviceOffline(device_id=report.vehicle_id, reason=report.reason))

    def end_command(self, vehicle_id: str) -> None:
        """End a command that no order is or will be made for."""
        row = self._missions[vehicle_id]
        command = row.command
        if command is None or (row.order is not None and row.order.job_id == command.job_id):
            return
        if row.withdrawn:
            self._end(
                row, CommandFailed(job_id=command.job_id, fault=Fault.CANCELLED, text="withdrawn in time")
            )
        elif row.base and self._roads.route(row.end, self._goal(command)) is None:
            text = f"no way leads from {row.end} to {self._goal(command)}"
            self._end(row, CommandRejected(job_id=command.job_id, text=text, retry=False))

    def cancel_again(self, vehicle_id: str) -> None:
        """Ask anew for a cancel that the vehicle has refused, if it goes on with the order all the same.

        It could not cancel just then, or the cancel overtook the order: else it would wait at the end of its base for ever.
        """
        row = self._missions[vehicle_id]
        order, shown = row.order, row.shown
        if order is None or order.phase is not Phase.CANCELLED or shown is None:
            return
        # A cancel names no order: it would end any other as well.
        goes_on = shown.order_id == order.order_id and not stands(shown)
        if not goes_on or status_of(shown, order.cancel_id) is not ActionStatus.FAILED:
            return
        now = self._books.steady_us
        pause_s = CANCEL_PAUSE_S * 2 ** min(order.cancels, CANCEL_DOUBLINGS_MAX)
        # A moment that is still to come was meant by another clock: that of a run before this one.
        if order.cancels and 0 <= now - order.cancelled_us < pause_s * 1e6:
            return
        order = replace(order, cancels=order.cancels + 1, cancelled_us=now)
        self._missions.put(replace(row, order=order))
        self._books.effect(CancelOrder(vehicle_id, order.order_id, order.cancels))

    # Where it is

    def _located(self, row: Mission, shown: VehicleState) -> Mission:
        order = row.order
        if order is not None and shown.order_id == order.order_id:
            index = shown.last_node_sequence_id // 2
            behind = all(node.sequence_id > 2 * index for node in shown.node_states)
            known = order.passed <= index < order.released and order.nodes[index] == shown.last_node_id
            if not known or not behind:
                return row
            return replace(row, order=replace(order, passed=index), base=order.nodes[index : order.released])
        node = self._node_of(shown)
        if node is None or order is not None:
            return row
        if ahead := tuple(each.node_id for each in shown.node_states if each.released):
            # Somebody else has sent it that far, such as a gateway before this one: it drives there, whoever commands it now.
            return replace(row, base=self._roads.known((node, *ahead)), within=BETWEEN, rest=())
        if row.base and not stands(shown):
            return replace(row, within=BETWEEN)
        return self._standing(row, shown, row.within if row.base and node == row.base[0] else BETWEEN)

    def _standing(self, row: Mission, shown: VehicleState, within: int) -> Mission:
        """Return the row of a vehicle that stands without an order of ours, within so many nodes as far as it does not tell.

        It keeps its base and the way ahead, though it has forgotten or refused them: others rely on its going on. Where people
        have put it counts more.
        """
        node = self._node_of(shown)
        if node is None:
            return row
        if node not in row.base:
            return replace(row, base=(node,), within=1, rest=())
        at_node = shown.position is not None and self._roads.nearest(*shown.position) == node
        base = self._roads.known(row.base[row.base.index(node) :])
        return replace(row, base=base, within=1 if at_node else within)

    def _node_of(self, shown: VehicleState) -> str | None:
        return node_of(shown, self._roads)

    def _hear_answer_to_pose(self, shown: VehicleState) -> None:
        row = self._missions[shown.vehicle_id]
        if shown.localised and (row.pose or row.unconfirmed):
            self._missions.put(replace(row, pose=None, unconfirmed=""))
        elif row.pose is not None:
            match status_of(shown, row.pose.action_id):
                case ActionStatus.FINISHED:
                    self._missions.put(replace(row, pose=None))
                case ActionStatus.FAILED:
                    why = words_about(shown, row.pose.action_id) or "it does not say why"
                    text = f"it was told that it stands at {row.pose.node_id} and does not confirm it: {why}"
                    self._missions.put(replace(row, pose=None, unconfirmed=text))
                case _:
                    pass

    # What it tells the engine about the vehicle

    def _tell_trouble(self, shown: VehicleState) -> None:
        row = self._missions[shown.vehicle_id]
        trouble = trouble_of(shown) or (UNPLACED if self._node_of(shown) is None else None)
        if trouble is not None and row.unconfirmed:
            trouble = f"{trouble}; {row.unconfirmed}"
        # One that comes online says it anew: the engine may still know a fault that was told by a run before this one.
        if trouble == row.fault and row.online:
            return
        self._missions.put(replace(row, fault=trouble))
        if trouble is None:
            self._engine.report(DeviceRecovered(device_id=row.vehicle_id))
        else:
            advice = _advice(shown)
            self._engine.report(DeviceFault(device_id=row.vehicle_id, code=0, text=trouble, advice=advice))

    def _end_reset(self, vehicle_id: str) -> None:
        row = self._missions[vehicle_id]
        if row.reset_job is None:
            return
        self._missions.put(replace(row, reset_job=None))
        if row.fault is None:
            self._engine.report(CommandDone(job_id=row.reset_job))
        else:
            self._engine.report(CommandFailed(job_id=row.reset_job, fault=Fault.DEVICE_FAULT, text=row.fault))

    def _tell_online(self, shown: VehicleState) -> None:
        row = self._missions[shown.vehicle_id]
        if not row.online:
            self._missions.put(replace(row, online=True))
            sensors = Sensors(load=load_of(shown))
            self._engine.report(
                ChannelOnline(
                    device_id=row.vehicle_id, channel=MAIN_CHANNEL, boot_id=1, ack_seq=0, sensors=sensors
                )
            )

    # What has become of its order and command

    def _follow(self, shown: VehicleState) -> None:
        row = self._missions[shown.vehicle_id]
        while row.order is not None:
            order = self._note_no(row, row.order, shown)
            sign = self._sign(order, shown)
            if sign is None or (order.phase, sign) not in PHASES:
                return
            self._apply(replace(row, order=order), order, shown, sign)
            row = self._missions[shown.vehicle_id]

    def _note_no(self, row: Mission, order: Order, shown: VehicleState) -> Order:
        """Note since when the vehicle refuses an order that it has not shown, or says that it has none to cancel."""
        now = self._books.steady_us
        # A moment that is still to come was meant by another clock: that of a run before this one.
        noted = order.refusal is not None and order.refusal.at_us <= now
        if order.phase not in UNTAKEN or noted:
            return order
        if (error := refusal_of(order, shown)) is not None:
            text = f"{error.error_type}: {error.description}"
            refusal = Refusal(at_us=now, text=text, retry=may_repeat(error))
        elif sign_of(order, shown) is Sign.CALLED_OFF:
            refusal = Refusal(at_us=now, text="it has no such order", retry=True)
        else:
            return order
        order = replace(order, refusal=refusal)
        self._missions.put(replace(row, order=order))
        return order

    def _sign(self, order: Order, shown: VehicleState) -> Sign | None:
        """Return what the state says of an order; that it is not taken only when no copy of it can be under way any more.

        Until then a vehicle that refused one copy, because of something that passes, or was asked to cancel the order before it had
        come, may take another one: it keeps the way that is released to it, and is asked for nothing else.
        """
        sign, refusal = sign_of(order, shown), order.refusal
        if refusal is None or order.phase not in UNTAKEN or sign not in (None, Sign.REFUSED, Sign.CALLED_OFF):
            return sign
        if is_at_earlier(order, shown):
            return None  # it refuses because of that one, and what becomes of that one counts
        over = self._books.steady_us - refusal.at_us >= UNDER_WAY_S * 1e6
        return (sign or Sign.REFUSED) if over or not refusal.retry else None

    def end_refusal(self, vehicle_id: str) -> None:
        """End an order that the vehicle has refused, once that is for good."""
        row = self._missions[vehicle_id]
        if row.shown is not None and row.order is not None and row.order.refusal is not None:
            self._follow(row.shown)

    def _apply(self, row: Mission, order: Order, shown: VehicleState, sign: Sign) -> None:
        phase = PHASES[order.phase, sign]
        if phase is None:
            rest = self._roads.known(order.nodes[order.released - 1 :])[1:]
            in_vain = order.job_id is None and sign in (Sign.FAILED, Sign.REFUSED)
            fruitless = row.fruitless + 1 if in_vain else 0
            row = replace(
                row, order=None, rest=rest, idle_since_us=self._books.steady_us, fruitless=fruitless
            )
            untaken = sign in (Sign.REFUSED, Sign.CALLED_OFF) and shown.order_id != order.order_id
            row = self._standing(row, shown, order.start if untaken else BETWEEN)
            if untaken and sign is Sign.REFUSED:
                row = replace(row, refused=order.order_id)
        else:
            row = replace(row, order=replace(order, phase=phase, refusal=None))
        self._missions.put(row)
        served = row.command is not None and row.command.job_id == order.job_id
        command = row.command if served else None
        match sign:
            case Sign.SHOWN:
                if command is not None:
                    self._engine.report(CommandAccepted(job_id=command.job_id))
            case Sign.DONE:
                if command is not None:
                    self._end(row, CommandDone(job_id=command.job_id))
            case Sign.FAILED:
                self._failed(row, order, shown, command)
            case Sign.REFUSED:
                self._refused(row, order, command)
            case Sign.CALLED_OFF:
                self._called_off(row, command)
            case Sign.FORGOTTEN:
                self._forgotten(row, order, shown, command)
            case Sign.WITHDRAWN:
                raise AssertionError("no vehicle withdraws an order")

    def _failed(self, row: Mission, order: Order, shown: VehicleState, command: Command | None) -> None:
        if command is not None:
            fault, text = fault_of(order, shown)
            sensors = self._sensors(command, shown)
            self._end(row, CommandFailed(job_id=command.job_id, fault=fault, text=text, sensors=sensors))

    def _refused(self, row: Mission, order: Order, command: Command | None) -> None:
        refusal = order.refusal
        if refusal is None:  # of an update: what it has taken must not go on without it
            self._books.effect(CancelOrder(row.vehicle_id, order.order_id))
            return
        self._books.effect(ResetVehicle(row.vehicle_id))
        if command is not None and not row.withdrawn:
            self._end(row, CommandRejected(job_id=command.job_id, text=refusal.text, retry=refusal.retry))

    def _called_off(self, row: Mission, command: Command | None) -> None:
        if command is not None and not row.withdrawn:
            text = "its order could not be extended, and was cancelled"
            self._end(row, CommandRejected(job_id=command.job_id, text=text, retry=True))

    def _forgotten(self, row: Mission, order: Order, shown: VehicleState, command: Command | None) -> None:
        self._books.effect(ResetVehicle(row.vehicle_id))
        row = replace(row, forgot_us=self._books.steady_us)
        self._missions.put(row)
        if command is None:
            return
        if self._is_untouched(order, shown):
            self._missions.put(replace(row, attempt=row.attempt + 1))
            return
        text = f"the vehicle has forgotten order {order.order_id}"
        # The channel counts as unread after an unclear outcome: it is told as online anew.
        row = replace(row, online=False)
        self._end(
            row, CommandUnknown(job_id=command.job_id, text=text, sensors=self._sensors(command, shown))
        )

    def _is_untouched(self, order: Order, shown: VehicleState) -> bool:
        """Tell whether a forgotten order cannot have moved its load: the action was out of reach, or the load shows it."""
        node = self._node_of(shown)
        on_the_way = node is not None and node in order.nodes[order.passed : -1] and node != order.goal
        as_before = Load.EMPTY if order.purpose is Purpose.PICK else Load.LOADED
        out_of_reach = order.released < len(order.nodes) or on_the_way
        return (out_of_reach and not is_at_earlier(order, shown)) or load_of(shown) is as_before

    def _sensors(self, command: Command, shown: VehicleState) -> Sensors:
        place = command.source or command.target
        there = place is not None and self._node_of(shown) == self._fleet.node_of(place.location_id)
        return Sensors(place=place.number if place is not None and there else None, load=load_of(shown))

    def _goal(self, command: Command) -> str:
        place = command.source or command.target
        if place is None:
            raise AssertionError(f"command {command.job_id} names no place")
        return self._fleet.node_of(place.location_id)

    def _end(self, row: Mission, outcome: object) -> None:
        self._missions.put(replace(row, command=None, withdrawn=False, attempt=0))
        self._engine.report(outcome)


def _advice(shown: VehicleState) -> str:
    if shown.barred:
        return UNBAR
    if is_lost(shown):
        return LOCALISE.format(vehicle=shown.vehicle_id)
    return TO_A_NODE if trouble_of(shown) is None else CLEAR_THE_CAUSE


def _say_the_same(before: VehicleState | None, now: VehicleState) -> bool:
    return before is not None and before.said == now.said
