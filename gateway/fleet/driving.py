"""Gives vehicles their orders and extends what is released, as far as the traffic allows.

It acts on the difference between what a vehicle shall do and what it shows (law 6), so it does not matter what has happened: after
a command, a tick, a restart or a vehicle's state the same few questions are asked.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

from gateway.contract.commands import Command, Op
from gateway.contract.reports import Load
from gateway.contract.vehicles import (
    UNDER_WAY_S,
    VehicleAction,
    VehicleActionKind,
    VehicleState,
    action_id_of,
)
from gateway.fleet.cancels import next_cancel
from gateway.fleet.charging import Chargers
from gateway.fleet.effects import CancelOrder, SendOrder
from gateway.fleet.fleet import Engine, Fleet
from gateway.fleet.orders import Departure, first_message, update_of
from gateway.fleet.phases import Phase
from gateway.fleet.roads import Roads, Route
from gateway.fleet.rows import Mission, Order, Purpose, Stray
from gateway.fleet.shown import (
    ACTIVE,
    echoes,
    has_dropped,
    load_of,
    node_of,
    stands,
    status_of,
    waits_for_more,
)
from gateway.fleet.traffic import Claim, Traffic, claim_of
from gateway.kernel.books import Books, Table
from gateway.site.model import AT_NODE_M

BASE_MAX: Final = 4
"""Nodes that a vehicle holds at most: with three ahead of it, it drives on without braking and holds few others up."""
PARK_AFTER_S: Final = 2.0
"""A vehicle that has had nothing to do for this long goes home or charges; often the next command comes sooner."""
PARK_DOUBLINGS_MAX: Final = 4
"""What comes to nothing, it is asked for again after pauses that double so many times."""
EARLIER_MAX: Final = 8
"""Orders for the same command that are remembered."""
ACTIONS: Final = {
    Purpose.PICK: VehicleActionKind.PICK,
    Purpose.DROP: VehicleActionKind.DROP,
    Purpose.CHARGE: VehicleActionKind.START_CHARGING,
}


class Driving:
    """Drives the vehicles of one fleet."""

    def __init__(
        self,
        books: Books,
        missions: Table[str, Mission],
        site_id: str,
        fleet: Fleet,
        roads: Roads,
        traffic: Traffic,
        chargers: Chargers,
        engine: Engine,
    ) -> None:
        self._books = books
        self._missions = missions
        self._site_id = site_id
        self._fleet = fleet
        self._roads = roads
        self._traffic = traffic
        self._chargers = chargers
        self._engine = engine

    def drive(self, row: Mission) -> None:
        """Do what the vehicle needs next."""
        shown = row.shown
        if not row.base or shown is None:
            return
        if row.home is None or row.vehicle_id not in self._traffic.safe:
            housed = self._traffic.housed(row.vehicle_id, claim_of(row))
            row = row if housed is None else self._put(replace(row, home=housed.home))
        if row.online:
            row = self._give_back(row, shown)
        if not row.online or row.fault is not None:
            return
        if row.order is None and self._shall_let_go(row, shown):
            self._cancel_stray(row, shown)
            return
        if self._may_get_order(row):
            self._give_order(self._put_charged(row))
        self._extend(self._missions[row.vehicle_id])

    def _put(self, row: Mission) -> Mission:
        self._missions.put(row)
        return row

    def _shall_let_go(self, row: Mission, shown: VehicleState) -> bool:
        """Tell whether a vehicle has an order of which nobody will send the rest, or on which nobody counts.

        It is of another gateway before this one, or a copy of it came after it had been given up; or to charge is all that is left
        of it, and the vehicle has charged for long enough.
        """
        if waits_for_more(shown) or (shown.order_id == row.given_up and not stands(shown)):
            return True
        return row.charger is not None and self._is_charged(shown) and _is_at_charging(shown)

    def _cancel_stray(self, row: Mission, shown: VehicleState) -> None:
        """Cancel the order that the vehicle shows, and ask again if it refuses."""
        stray = row.stray
        if stray is None or stray.order_id != shown.order_id:
            stray = Stray(order_id=shown.order_id)
        cancel = next_cancel(stray.cancel, shown.order_id, shown, self._books.steady_us) or stray.cancel
        stray = replace(stray, cancel=cancel)
        if stray != row.stray:
            self._put(replace(row, stray=stray))
        self._books.effect(CancelOrder(row.vehicle_id, stray.order_id, cancel.refused))

    def _give_back(self, row: Mission, shown: VehicleState) -> Mission:
        """Let a vehicle that stands without an order hold no more than its place, if everybody gets home all the same."""
        place = row.base[: row.within]
        if row.order is not None or (place == row.base and not row.rest):
            return row
        if not stands(shown) or node_of(shown, self._roads) != row.base[0]:
            return row
        if row.forgot_us is not None and 0 <= self._books.steady_us - row.forgot_us < UNDER_WAY_S * 1e6:
            return row  # a copy of what it has forgotten may still come
        if not self._traffic.allows(row.vehicle_id, Claim(place, (), row.home)):
            return row
        return self._put(replace(row, base=place, rest=()))

    # New orders

    def _may_get_order(self, row: Mission) -> bool:
        if row.shown is None or row.shown.paused or not stands(row.shown):
            return False
        return row.order is None or (_breaks_off(row, row.order) and _is_at_end(row, row.order))

    def _put_charged(self, row: Mission) -> Mission:
        """Let a vehicle that has charged for long enough go."""
        charged = row.shown is not None and self._is_charged(row.shown)
        return self._put(replace(row, charger=None)) if charged and row.charger is not None else row

    def _is_charged(self, shown: VehicleState) -> bool:
        return shown.battery >= self._fleet.model.charging.until

    def _give_order(self, row: Mission) -> None:
        if row.command is not None and not row.withdrawn and self._serve(row, row.command):
            return
        # A moment that is still to come was meant by another clock: that of a run before this one.
        pause_s = PARK_AFTER_S * 2 ** min(row.fruitless, PARK_DOUBLINGS_MAX)
        rested = not 0 <= self._books.steady_us - row.idle_since_us < pause_s * 1e6
        if row.order is not None or not rested or not self._engine.usable(row.vehicle_id):
            return
        for charger in self._chargers_for(row):
            if self._start(replace(row, charger=charger), Purpose.CHARGE, charger):
                return
        if row.charger is None or row.base != (row.charger,):
            self._park(row)

    def _serve(self, row: Mission, command: Command) -> bool:
        pick = command.op is Op.PICK
        place = command.source if pick else command.target
        if place is None:
            raise AssertionError(f"command {command.job_id} names no place")
        return self._start(
            row, Purpose.PICK if pick else Purpose.DROP, self._fleet.node_of(place.location_id)
        )

    def _park(self, row: Mission) -> None:
        if row.base == (row.home,) and not row.rest:
            return
        for claim in self._ways_home(row):
            if self._traffic.allows(row.vehicle_id, claim):
                self._order(replace(row, charger=None), Purpose.PARK, claim)
                return

    def _ways_home(self, row: Mission) -> Iterator[Claim]:
        """Return the ways to the homes that it may have; if none will do, the one that everybody relies on will."""
        for home in self._traffic.free_homes(row.vehicle_id, row.end):
            for way in self._ways(row, home):
                yield Claim(row.base, way[1:], home)
        yield self._traffic.course(claim_of(row))

    def _chargers_for(self, row: Mission) -> list[str]:
        """Return where the vehicle should go to charge now, the best first; nothing if it need not, or if no charger is free."""
        if row.shown is None or row.command is not None:
            return []
        wants = self._fleet.is_low(row.shown) if row.charger is None else not row.shown.charging
        return self._chargers.open_to(row) if wants else []

    def _start(self, row: Mission, purpose: Purpose, goal: str) -> bool:
        """Send the vehicle to a goal; return whether the traffic allows it."""
        for way in self._ways(row, goal):
            claim = self._traffic.housed(row.vehicle_id, Claim(row.base, way[1:], row.home))
            if claim is not None:
                self._order(row, purpose, claim)
                return True
        return False

    def _ways(self, row: Mission, goal: str) -> Iterator[Route]:
        """Return the ways to try: around those who stay where they are, the fastest, and in a deadlock around everybody.

        Nobody drives into a deadlock; people, or vehicles that have lost their orders, may make one.
        """
        fastest = self._roads.route(row.end, goal)
        obstacles = self._obstacles(row)
        around = self._roads.route_around(row.end, goal, obstacles) if obstacles else None
        if around is not None and around != fastest:
            yield around
        if fastest is not None:
            yield fastest
        if row.vehicle_id not in self._traffic.safe:
            others = self._traffic.others(row.vehicle_id)
            held = {node for other in others for node in self._traffic.held(other.vehicle_id)}
            if (free := self._roads.route_around(row.end, goal, held)) is not None:
                yield free

    def _order(self, row: Mission, purpose: Purpose, claim: Claim) -> None:
        held = self._traffic.extended(row.vehicle_id, claim, max(BASE_MAX, len(row.base)))
        if purpose is Purpose.PARK and len(held.base) == 1 and held.rest:
            return  # An order without a horizon that leads nowhere yet.
        command = row.command if purpose in (Purpose.PICK, Purpose.DROP) else None
        order_id, action = self._name(row, purpose, command)
        earlier = [] if command is None else [self._order_id(command, n) for n in range(row.attempt)]
        nodes = (*held.base, *held.rest)
        message = first_message(
            self._departure(row, order_id, purpose), self._roads, nodes, len(held.base), action
        )
        order = Order(
            purpose=purpose,
            job_id=None if command is None else command.job_id,
            phase=Phase.SENT,
            nodes=nodes,
            start=min(row.within, len(row.base)),
            released=len(held.base),
            load=Load.UNKNOWN if row.shown is None else load_of(row.shown),
            action=action,
            message=message,
            earlier=tuple(earlier[-EARLIER_MAX:]),
        )
        self._missions.put(replace(row, order=order, base=held.base, rest=(), home=held.home))
        self._books.effect(SendOrder(message))

    def _obstacles(self, row: Mission) -> set[str]:
        """Return the nodes of vehicles that will not move by themselves."""
        return {
            node
            for other in self._traffic.others(row.vehicle_id)
            if self._is_stuck(other)
            for node in self._traffic.held(other.vehicle_id)
        }

    def _is_stuck(self, other: Mission) -> bool:
        paused = other.shown is not None and other.shown.paused
        return (
            paused or not other.online or other.fault is not None or not self._engine.usable(other.vehicle_id)
        )

    def _name(
        self, row: Mission, purpose: Purpose, command: Command | None
    ) -> tuple[str, VehicleAction | None]:
        """Return the order's id, which no order has had before, and its action."""
        if command is None:
            order_id = f"{self._site_id}-{self._engine.next_job_id()}"
        else:
            order_id = self._order_id(command, row.attempt)
        if row.shown is not None and row.shown.order_id == order_id:
            # The books were restored from a copy, and give out its number once more; what it shows would count for this one.
            order_id = f"{order_id}.again"
        kind = ACTIONS.get(purpose)
        if kind is None:
            return order_id, None
        place = None if command is None else command.source or command.target
        return order_id, VehicleAction(
            action_id=action_id_of(order_id, kind.value),
            kind=kind,
            station=None if place is None else place.location_id,
            load_id=None if command is None else command.container_id,
        )

    def _order_id(self, command: Command, attempt: int) -> str:
        return f"{self._site_id}-{command.job_id}" + (f".{attempt}" if attempt else "")

    def _departure(self, row: Mission, order_id: str, purpose: Purpose) -> Departure:
        astray = sum(self._roads.metres(*step) for step in pairwise(row.base[: row.within]))
        stop = VehicleActionKind.STOP_CHARGING
        charging = row.shown is not None and row.shown.charging and purpose is not Purpose.CHARGE
        return Departure(
            vehicle_id=row.vehicle_id,
            order_id=order_id,
            after="" if row.shown is None else row.shown.order_id,
            deviation=AT_NODE_M + astray,
            leave=VehicleAction(action_id=action_id_of(order_id, stop.value), kind=stop)
            if charging
            else None,
        )

    # Order updates

    def _extend(self, row: Mission) -> None:
        order = row.order
        if (
            order is None
            or order.phase is not Phase.TAKEN
            or row.shown is None
            or not echoes(row.shown, order)
            or has_dropped(order, row.shown)
        ):
            return
        if _breaks_off(row, order) and not _is_at_end(row, order):
            return
        claim = claim_of(row)
        further = self._traffic.extended(row.vehicle_id, claim, BASE_MAX)
        if further == claim and (around := self._detour(row, claim)) != claim:
            further = self._traffic.extended(row.vehicle_id, around, BASE_MAX)
        if further.base == claim.base:
            return
        nodes = (*order.nodes[: order.passed], *further.base, *further.rest)
        released = order.passed + len(further.base)
        message = update_of(order, self._roads, nodes, released)
        order = replace(order, nodes=nodes, released=released, message=message)
        self._missions.put(replace(row, order=order, base=further.base))
        self._books.effect(SendOrder(message))

    def _detour(self, row: Mission, claim: Claim) -> Claim:
        """Return a way around a vehicle that will not move by itself, if that is what is ahead and there is one."""
        ahead = self._traffic.holders(claim.rest[0]) if claim.rest else ()
        if not any(self._is_stuck(self._missions[name]) for name in ahead if name != row.vehicle_id):
            return claim
        way = self._roads.route_around(claim.end, claim.goal, self._obstacles(row))
        if way is None:
            return claim
        around = claim._replace(rest=way[1:])
        return around if self._traffic.allows(row.vehicle_id, around) else claim


def _is_at_charging(shown: VehicleState) -> bool:
    """Tell whether the vehicle has not ended the charging of its order: some end it only once they are full."""
    charging = action_id_of(shown.order_id, VehicleActionKind.START_CHARGING.value)
    return not shown.driving and not shown.node_states and status_of(shown, charging) in ACTIVE


def _breaks_off(row: Mission, order: Order) -> bool:
    """Tell whether a way home is to end at the end of its base, because there is something to do."""
    return order.purpose is Purpose.PARK and order.phase is Phase.TAKEN and row.command is not None


def _is_at_end(row: Mission, order: Order) -> bool:
    """Tell whether the vehicle has come to the end of all that it was sent."""
    return order.passed == order.released - 1 and row.shown is not None and echoes(row.shown, order)
