"""One fleet as the engine asks for it: which vehicle, how long, and the commands of its vehicles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gateway.contract.commands import Command, Op
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.reports import Load
from gateway.contract.vehicles import VehiclePose, VehicleState, action_id_of
from gateway.fleet.effects import CancelOrder, LocaliseVehicle, ResetVehicle, SendOrder
from gateway.fleet.phases import PHASES, Phase, Sign
from gateway.fleet.roads import Roads
from gateway.fleet.rows import Mission, Order, Purpose
from gateway.fleet.shown import load_of, stands
from gateway.kernel.books import Books, Table
from gateway.kernel.verdict import YES, Verdict, no
from gateway.site import model
from gateway.site.model import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What the fleets ask of the transport engine.

    Attributes:
        usable: whether people let the gateway use a vehicle.
        laden: whether the books say that a vehicle has a load on board.
        report: takes a report in the commit that is under way.
        next_job_id: numbers the fleets' own moves.
    """

    usable: Callable[[str], bool]
    laden: Callable[[str], bool]
    report: Callable[[object], None]
    next_job_id: Callable[[], int]


class Fleet:
    """The control of one fleet."""

    def __init__(
        self,
        books: Books,
        missions: Table[str, Mission],
        site: Site,
        fleet: model.Fleet,
        roads: Roads,
        engine: Engine,
    ) -> None:
        self._books = books
        self._missions = missions
        self._site = site
        self._roads = roads
        self._engine = engine
        self.model = fleet

    def rows(self) -> Iterator[Mission]:
        """Return the vehicles of which anything is known."""
        rows = (self._missions.get(vehicle.id) for vehicle in self.model.vehicles)
        return (row for row in rows if row is not None)

    def choose(self, location_id: str) -> str | None:
        """Return the free vehicle that can be soonest at a location, or None if none is free."""
        node = self.node_of(location_id)
        soonest: tuple[float, str] | None = None
        for row in self.rows():
            way = self._roads.route(row.end, node) if self._is_free(row) else None
            if way is not None:
                base_s = self._roads.seconds(self._roads.known(row.base))
                arrival = (base_s + self._roads.seconds(way), row.vehicle_id)
                soonest = arrival if soonest is None else min(soonest, arrival)
        return None if soonest is None else soonest[1]

    def takes_work(self, vehicle_id: str) -> Verdict:
        """Tell whether a vehicle does our work, or could, as far as it shows."""
        row = self._missions.get(vehicle_id)
        if row is None or row.shown is None or not row.base:
            return no(f"nobody knows where {vehicle_id} stands")
        return self._takes_work(row, row.shown)

    def expected_s(self, source: str, target: str) -> float:
        """Return the expected seconds of a drive from one location to another.

        Raises:
            ValueError: no way leads there; a checked site has none such.
        """
        way = self._roads.route(self.node_of(source), self.node_of(target))
        if way is None:
            raise ValueError(f"no way leads from {source} to {target}")
        return self._roads.seconds(way) + self.model.motion.speed / self.model.motion.acceleration

    def assign(self, command: Command) -> None:
        """Have a vehicle carry out a journalled PICK, DROP or RESET; being told again changes nothing."""
        row = self._missions.get(command.device_id) or Mission(vehicle_id=command.device_id)
        match command.op:
            case Op.PICK | Op.DROP:
                if row.command is None or row.command.job_id != command.job_id:
                    self._missions.put(replace(row, command=command, attempt=0, withdrawn=False))
            case Op.RESET:
                self._missions.put(replace(row, reset_job=command.job_id))
                self._books.effect(ResetVehicle(command.device_id))
                self._send_again(row)
            case Op.MOVE | Op.TRANSFER:
                raise AssertionError(f"a vehicle takes no {command.op.name}")

    def withdraw(self, job_id: int) -> None:
        """Cancel a command that may not have happened yet; what becomes of it is reported like any other outcome."""
        for row in self.rows():
            if row.command is not None and row.command.job_id == job_id and not row.withdrawn:
                self._call_off(replace(row, withdrawn=True))

    def localise(self, vehicle_id: str, node_id: str, theta: float) -> None:
        """Tell a vehicle that does not know where it is that it stands at a node, heading `theta` rad.

        Raises:
            Refusal: it cannot stand there, or need not be told.
        """
        node = self._roads.nodes.get(node_id)
        if node is None:
            raise Refusal(
                RefusalKind.INVALID,
                FieldError("nodeId", "unknownNode", f"road map {self._roads.map_id} has no node {node_id}"),
            )
        row = self._missions.get(vehicle_id) or Mission(vehicle_id=vehicle_id)
        if (obstacle := self._why_not_localise(row, node_id)) is not None:
            raise Refusal(RefusalKind.CONFLICT, obstacle)
        pose = VehiclePose(
            vehicle_id=vehicle_id,
            action_id=action_id_of(f"{vehicle_id}/{self._engine.next_job_id()}", "initPosition"),
            node_id=node_id,
            x=node.x,
            y=node.y,
            theta=theta,
            map_id=self._roads.map_id,
        )
        self._missions.put(replace(row, pose=pose, unconfirmed=""))
        self._books.effect(LocaliseVehicle(pose))

    def _why_not_localise(self, row: Mission, node_id: str) -> FieldError | None:
        name, shown = row.vehicle_id, row.shown
        if not row.online or shown is None:
            return FieldError("", "deviceOffline", f"{name} does not answer: nobody can tell it anything")
        if shown.localised:
            where = f"it shows {shown.last_node_id}" if shown.last_node_id else "it shows no node"
            return FieldError(
                "", "alreadyLocalised", f"{name} knows where it is ({where}) and is told nothing"
            )
        if shown.barred:
            return FieldError("", "barred", f"{name} can be told nothing: {shown.barred}")
        if not shown.automatic:
            return FieldError(
                "", "notAutomatic", f"{name} is in other hands: bring it into automatic mode first"
            )
        if not stands(shown):
            text = f"{name} has not ended order {shown.order_id}: localise it at its panel"
            return FieldError("", "orderUnderWay", text)
        others = (other for other in self._missions.values() if other.vehicle_id != name)
        if (holder := next((other for other in others if node_id in other.base), None)) is not None:
            text = f"{holder.vehicle_id} stands at {node_id}, or is on its way there"
            return FieldError("nodeId", "nodeTaken", text)
        return None

    def abandon(self, job_id: int) -> None:
        """Somebody else has settled what became of the command: the vehicle shall not go on with it."""
        for row in self.rows():
            if row.command is not None and row.command.job_id == job_id:
                self._call_off(replace(row, command=None, withdrawn=False))
            elif row.reset_job == job_id:
                self._missions.put(replace(row, reset_job=None))

    def resume(self) -> None:
        """After a restart: send again what is outstanding; nothing has been heard of the vehicles in this run."""
        for row in self.rows():
            # An order that is sent again may be taken, whatever the vehicle has said to it before.
            order = None if row.order is None else replace(row.order, refusal=None, stalled_us=None)
            row = self._redrawn(
                replace(row, online=False, fault=None, paused_us=None, low_us=None, order=order)
            )
            self._missions.put(row)
            self._send_again(row)

    def _redrawn(self, row: Mission) -> Mission:
        """Return the row as far as the road map still has it: people may have redrawn the map while the gateway was down.

        The vehicle keeps its base, for it may drive out all of it; where it stands now, its next state tells.
        """
        order = row.order
        home = row.home if row.home in self._roads.parking else None
        charger = row.charger if row.charger in self._roads.chargers else None
        rest = row.rest if row.rest and self._roads.lead_over((row.end, *row.rest)) else ()
        if order is not None and not self._is_drawn(order):
            order = replace(order, phase=PHASES.get((order.phase, Sign.WITHDRAWN)) or order.phase)
        drawn = replace(row, order=order, home=home, charger=charger, rest=rest)
        on_map = drawn == row and (not row.base or self._roads.lead_over(row.base))
        return row if on_map else replace(drawn, shown=None)

    def _is_drawn(self, order: Order) -> bool:
        """Tell whether the map has all that the order still needs of it: of one that the vehicle has, what is not released."""
        if order.phase is Phase.TAKEN:
            return not order.rest or self._roads.lead_over(order.nodes[order.released - 1 :])
        return self._roads.lead_over(order.nodes)

    def node_of(self, location_id: str) -> str:
        """Return the node at which vehicles serve a location.

        Raises:
            ValueError: the location has none; a checked site has none such among a fleet's locations.
        """
        node = self._site.all_locations[location_id].node
        if node is None:
            raise ValueError(f"location {location_id} has no node on road map {self._roads.map_id}")
        return node

    def is_low(self, shown: VehicleState) -> bool:
        """Tell whether a vehicle has to charge."""
        return shown.battery < self.model.charging.below

    def _is_spent(self, shown: VehicleState) -> bool:
        """Tell whether a vehicle shall get no more work before it has charged."""
        charging = self.model.charging
        return shown.battery < (charging.below if self._roads.chargers else charging.critical)

    def _is_free(self, row: Mission) -> bool:
        if not row.online or row.fault is not None or not row.base or row.shown is None:
            return False
        if row.command is not None or row.reset_job is not None:
            return False
        if self._engine.laden(row.vehicle_id) or load_of(row.shown) is Load.LOADED:
            return False
        idle = row.order is None or row.order.purpose is Purpose.PARK
        return idle and self._engine.usable(row.vehicle_id) and self._takes_work(row, row.shown).ok

    def _takes_work(self, row: Mission, shown: VehicleState) -> Verdict:
        if shown.paused:  # it would not drive before somebody lets it go on (VDA 5050 §6.10.6)
            return no(f"{row.vehicle_id} is paused")
        if _serves_others(row, shown):
            what = f"order {shown.order_id}" if shown.order_id else "something"
            text = f"{row.vehicle_id} is busy with {what}, which is not, or no longer, of this gateway"
            return no(f"{text}: wait for its end, or end it at the vehicle")
        if row.command is None and (row.charger is not None or self._is_spent(shown)):
            return no(f"{row.vehicle_id} has to charge; its battery is at {shown.battery * 100:g} %")
        return YES

    def _send_again(self, row: Mission) -> None:
        if row.pose is not None:
            self._books.effect(LocaliseVehicle(row.pose))
        order = row.order
        if order is None:
            return
        if order.phase in (Phase.RECALLED, Phase.CANCELLED):
            self._books.effect(CancelOrder(row.vehicle_id, order.order_id, order.cancel.refused))
        elif order.phase is Phase.SENT or order.message.update_id > 0:
            # The first message of an order that was shown is there: a vehicle without it has forgotten it.
            self._books.effect(SendOrder(order.message))

    def _call_off(self, row: Mission) -> None:
        order = row.order
        phase = None if order is None or order.job_id is None else PHASES.get((order.phase, Sign.WITHDRAWN))
        if order is not None and phase is not None:
            row = replace(row, order=replace(order, phase=phase))
            self._books.effect(CancelOrder(row.vehicle_id, order.order_id))
        self._missions.put(row)


def _serves_others(row: Mission, shown: VehicleState) -> bool:
    """Tell whether a vehicle carries out what we do not count on: an order of another master, or one that has ended for us."""
    own = None if row.order is None else row.order.order_id
    return shown.order_id != own and not stands(shown)
