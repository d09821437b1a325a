"""Follows what becomes of a vehicle's order and of its command, by what the vehicle shows and by the time that passes."""

from dataclasses import replace
from typing import Final

from gateway.contract.commands import Command
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    Load,
    MatterSettled,
    Sensors,
)
from gateway.contract.vehicles import UNDER_WAY_S, VehicleState
from gateway.fleet.calls import OF_MOVES, call_for
from gateway.fleet.cancels import next_cancel
from gateway.fleet.effects import CancelOrder, ResetVehicle
from gateway.fleet.fleet import Engine, Fleet
from gateway.fleet.phases import PHASES, Phase, Sign
from gateway.fleet.places import standing
from gateway.fleet.roads import Roads
from gateway.fleet.rows import BETWEEN, Mission, Order, Purpose, Refusal
from gateway.fleet.shown import (
    fault_of,
    is_at_earlier,
    is_at_goal,
    load_of,
    may_repeat,
    node_of,
    refusal_of,
    sign_of,
    stands,
    words_about,
    words_of,
)
from gateway.kernel.books import Books, Table

UNTAKEN: Final = (Phase.SENT, Phase.RECALLED)
HELP_AFTER: Final = 3
"""Somebody is called when so many of the fleet's own orders to a vehicle, one after the other, have been in vain."""
FORGETFUL_AFTER: Final = 2
"""A vehicle that has forgotten so many orders for one command gets the next ones after pauses that double …"""
FORGETFUL_S: Final = 2.0
FORGETFUL_DOUBLINGS_MAX: Final = 4
"""… so many times."""
STALLED_S: Final = 120.0
"""What a vehicle has not begun after this long it will not begin by itself."""


class Outcomes:
    """What becomes of the orders and commands of one fleet."""

    def __init__(
        self,
        books: Books,
        missions: Table[str, Mission],
        fleet: Fleet,
        roads: Roads,
        engine: Engine,
    ) -> None:
        self._books = books
        self._missions = missions
        self._fleet = fleet
        self._roads = roads
        self._engine = engine

    def follow(self, shown: VehicleState) -> None:
        """Take what the state says of the vehicle's order."""
        row = self._missions[shown.vehicle_id]
        while row.order is not None:
            order = self._note_no(row, row.order, shown)
            sign = self._sign(row, order, shown)
            if sign is None or (order.phase, sign) not in PHASES:
                return
            self._apply(replace(row, order=order), order, shown, sign)
            row = self._missions[shown.vehicle_id]

    def look_again(self, vehicle_id: str) -> None:
        """End an order that the vehicle has refused, or forgotten again, once the time for that has come."""
        row = self._missions[vehicle_id]
        if row.shown is None or row.order is None:
            return
        if row.order.refusal is not None or row.attempt >= FORGETFUL_AFTER:
            self.follow(row.shown)

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

        Else it would wait at the end of its base for ever.
        """
        row = self._missions[vehicle_id]
        order, shown = row.order, row.shown
        if order is None or order.phase is not Phase.CANCELLED or shown is None:
            return
        # A cancel names no order: it would end any other as well.
        if shown.order_id != order.order_id or stands(shown):
            return
        cancel = next_cancel(order.cancel, order.order_id, shown, self._books.steady_us)
        if cancel is not None:
            self._missions.put(replace(row, order=replace(order, cancel=cancel)))
            self._books.effect(CancelOrder(row.vehicle_id, order.order_id, cancel.refused))

    def look_after_move(self, vehicle_id: str) -> None:
        """Call somebody when one of the fleet's own orders is not taken, or a charger does not charge: nobody would know.

        What keeps the vehicle at the charger for ever would keep it from work too, so that is cancelled.
        """
        row = self._missions[vehicle_id]
        order, now = row.order, self._books.steady_us
        if order is None or order.purpose not in OF_MOVES:
            return
        if not _is_stalled(row, order):
            if order.stalled_us is not None:
                self._missions.put(replace(row, order=replace(order, stalled_us=None)))
        elif order.stalled_us is None:
            self._missions.put(replace(row, order=replace(order, stalled_us=now)))
        elif now - order.stalled_us < STALLED_S * 1e6:
            return
        elif order.phase is Phase.SENT:
            self._call_for(order, vehicle_id, f"it has not taken its order for {STALLED_S:g} s")
        else:
            phase = PHASES[order.phase, Sign.WITHDRAWN] or order.phase
            self._missions.put(replace(row, order=replace(order, phase=phase)))
            self._books.effect(CancelOrder(vehicle_id, order.order_id))
            self._call_for(order, vehicle_id, f"it has not begun to for {STALLED_S:g} s")

    def _note_no(self, row: Mission, order: Order, shown: VehicleState) -> Order:
        """Note since when the vehicle refuses an order that it has not shown, or says that it has none to cancel."""
        now = self._books.steady_us
        # A moment that is still to come was meant by another clock: that of a run before this one.
        noted = order.refusal is not None and order.refusal.at_us <= now
        if order.phase not in UNTAKEN or noted:
            return order
        if (error := refusal_of(order, shown)) is not None:
            refusal = Refusal(at_us=now, text=words_of(error), retry=may_repeat(error))
        elif sign_of(order, shown) is Sign.CALLED_OFF:
            refusal = Refusal(at_us=now, text="it has no such order", retry=True)
        else:
            return order
        order = replace(order, refusal=refusal)
        self._missions.put(replace(row, order=order))
        return order

    def _sign(self, row: Mission, order: Order, shown: VehicleState) -> Sign | None:
        """Return what the state says of an order; that it is not taken only when no copy of it can be under way any more.

        Until then a vehicle that refused one copy, because of something that passes, or was asked to cancel the order before it had
        come, may take another one: it keeps the way that is released to it, and is asked for nothing else.
        """
        sign, refusal = sign_of(order, shown), order.refusal
        if sign is Sign.FORGOTTEN and self._has_just_forgotten(row):
            return None
        if refusal is None or order.phase not in UNTAKEN or sign not in (None, Sign.REFUSED, Sign.CALLED_OFF):
            return sign
        if is_at_earlier(order, shown):
            return None  # it refuses because of that one, and what becomes of that one counts
        over = self._books.steady_us - refusal.at_us >= UNDER_WAY_S * 1e6
        return (sign or Sign.REFUSED) if over or not refusal.retry else None

    def _has_just_forgotten(self, row: Mission) -> bool:
        """Tell whether the vehicle has forgotten an order for the same command a moment ago, and not for the first time.

        Until a pause is over the order stays what is judged: another one at once would meet the same end, as fast as messages go.
        """
        if row.attempt < FORGETFUL_AFTER or row.forgot_us is None:
            return False
        pause_s = FORGETFUL_S * 2 ** min(row.attempt - FORGETFUL_AFTER, FORGETFUL_DOUBLINGS_MAX)
        # A moment that is still to come was meant by another clock: that of a run before this one.
        return 0 <= self._books.steady_us - row.forgot_us < pause_s * 1e6

    def _apply(self, row: Mission, order: Order, shown: VehicleState, sign: Sign) -> None:
        phase = PHASES[order.phase, sign]
        if phase is None:
            row = self._without_order(row, order, shown, sign)
        else:
            row = replace(row, order=replace(order, phase=phase, refusal=None, stalled_us=None))
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
        if phase is None and order.purpose in OF_MOVES:
            self._judge_move(order, shown, sign)

    def _without_order(self, row: Mission, order: Order, shown: VehicleState, sign: Sign) -> Mission:
        rest = self._roads.known(order.nodes[order.released - 1 :])[1:]
        in_vain = order.job_id is None and sign is not Sign.DONE
        fruitless = row.fruitless + 1 if in_vain else 0
        row = replace(row, order=None, rest=rest, idle_since_us=self._books.steady_us, fruitless=fruitless)
        if order.purpose is Purpose.CHARGE:
            row = replace(row, failed_chargers=_failed_chargers(row, order, sign))
        untaken = sign in (Sign.REFUSED, Sign.CALLED_OFF) and shown.order_id != order.order_id
        row = standing(row, shown, self._roads, order.start if untaken else BETWEEN)
        wanted = row.command is not None and row.command.job_id == order.job_id and not row.withdrawn
        unwanted = order.job_id is not None and not wanted
        given_up = (untaken and sign is Sign.REFUSED) or (unwanted and sign is Sign.FORGOTTEN)
        return replace(row, given_up=order.order_id) if given_up else row

    def _judge_move(self, order: Order, shown: VehicleState, sign: Sign) -> None:
        """Call somebody when the fleet's own orders to a vehicle are in vain again and again, until one is not."""
        if sign is Sign.DONE:
            self._engine.report(MatterSettled(device_id=shown.vehicle_id, matter=OF_MOVES[order.purpose]))
        elif self._missions[shown.vehicle_id].fruitless >= HELP_AFTER:
            self._call_for(order, shown.vehicle_id, _why_in_vain(order, shown, sign))

    def _call_for(self, order: Order, vehicle_id: str, why: str) -> None:
        what = "does not charge at" if order.purpose is Purpose.CHARGE else "does not go to park at"
        self._engine.report(call_for(OF_MOVES[order.purpose], vehicle_id, f"{what} {order.goal}: {why}"))

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
        node = node_of(shown, self._roads)
        on_the_way = node is not None and node in order.nodes[order.passed : -1] and node != order.goal
        as_before = Load.EMPTY if order.purpose is Purpose.PICK else Load.LOADED
        out_of_reach = order.released < len(order.nodes) or on_the_way
        return (out_of_reach and not is_at_earlier(order, shown)) or load_of(shown) is as_before

    def _sensors(self, command: Command, shown: VehicleState) -> Sensors:
        place = command.source or command.target
        there = place is not None and node_of(shown, self._roads) == self._fleet.node_of(place.location_id)
        return Sensors(place=place.number if place is not None and there else None, load=load_of(shown))

    def _goal(self, command: Command) -> str:
        place = command.source or command.target
        if place is None:
            raise AssertionError(f"command {command.job_id} names no place")
        return self._fleet.node_of(place.location_id)

    def _end(self, row: Mission, outcome: object) -> None:
        self._missions.put(replace(row, command=None, withdrawn=False, attempt=0))
        self._engine.report(outcome)


def _failed_chargers(row: Mission, order: Order, sign: Sign) -> tuple[str, ...]:
    """Return where its last order to charge has come to nothing; that it forgets orders is not the charger's doing."""
    others = tuple(charger for charger in row.failed_chargers if charger != order.goal)
    match sign:
        case Sign.DONE:
            return others
        case Sign.FORGOTTEN:
            return row.failed_chargers
        case _:
            return (*others, order.goal)


def _why_in_vain(order: Order, shown: VehicleState, sign: Sign) -> str:
    """Return why one of the fleet's own orders came to nothing, in the vehicle's words where it has some."""
    if sign is Sign.FORGOTTEN:
        return "it forgets its orders"
    if (error := refusal_of(order, shown)) is not None:
        return words_of(error)
    words = "" if order.action is None else words_about(shown, order.action.action_id)
    return words or "it does not say why"


def _is_stalled(row: Mission, order: Order) -> bool:
    """Tell whether a vehicle that could get on with an order does not: it has not taken it, or is at its charger, uncharged."""
    shown = row.shown
    if shown is None or shown.paused or not row.online or row.fault is not None:
        return False
    if order.phase is Phase.SENT:
        return True
    # An order to charge ends as soon as the vehicle does.
    return order.phase is Phase.TAKEN and order.purpose is Purpose.CHARGE and is_at_goal(order, shown)
