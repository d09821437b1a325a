"""Dispatching, an ordered list of phases: give routes, put loads on board down, give idle channels their next load.

It runs after every batch of messages and looks only at the books, so it does not matter what the messages were: whatever has
become possible is started, in the order of the queues.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from gateway.contract.commands import MAIN_CHANNEL, Op
from gateway.kernel.verdict import YES, Verdict, no
from gateway.transport.journal import Journal
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.plant import Plant
from gateway.transport.queues import Queues, Way
from gateway.transport.rows import RETRY_MAX_S, Channel, Container, Device, Leg, Transport
from gateway.transport.tables import TransportTables
from gateway.transport.topology import Passable, Topology
from gateway.transport.traffic import Traffic

PLAN_MAX: Final = 500
"""Transports that are planned in one go; the rest follow with the next batch or tick."""
REASONS_MAX: Final = 3
"""Vehicles of which is told why they do not work; of the others, how many there are."""
REFUSED_MAX: Final = 64
"""Different ways that one channel tries before it waits for something to change."""


class Dispatcher:
    """Starts what can start."""

    def __init__(
        self,
        tables: TransportTables,
        plant: Plant,
        queues: Queues,
        topology: Topology,
        traffic: Traffic,
        journal: Journal,
        lifecycle: Lifecycle,
    ) -> None:
        self._tables = tables
        self._plant = plant
        self._queues = queues
        self._topology = topology
        self._traffic = traffic
        self._journal = journal
        self._lifecycle = lifecycle
        self._stranded: set[str] = set()
        tables.devices.watch(self._follow_device)
        tables.containers.watch(self._follow_container)

    def _follow_device(self, old: Device | None, new: Device | None) -> None:
        if old is None or new is None or old.enabled != new.enabled:
            self._stranded.clear()

    def _follow_container(self, old: Container | None, new: Container | None) -> None:
        self._stranded -= {row.transport_id for row in (old, new) if row is not None}

    def run(self) -> None:
        """Run all phases."""
        self._plan()
        self._put_down_loads()
        self._start_waiting()

    def usable(self, carrier_id: str) -> bool:
        """Tell whether plans may use a carrier: a device that is not disabled, or a fleet."""
        device = self._tables.devices.get(carrier_id)
        return device is None or device.enabled

    def find_route(self, container_id: str, goal: str) -> tuple[Leg, ...] | None:
        """Return the cheapest way from where a container is, over places that accept it, which no disabled device closes.

        Blocked places are led around; if there is no way around them, the way over them is the one that will be free again.
        """
        container = self._tables.containers[container_id]
        if container.location_id is not None:
            kind = self._plant.site.type_of(container_id)
            route = self._topology.route(container.location_id, goal, container_type=kind)
            if route is None or self.is_open(route, goal):
                return route
        clear = self._search(container, goal, lambda leg: self._is_clear(leg, goal))
        return clear or self._search(container, goal, lambda leg: self.usable(leg.carrier_id))

    def _search(self, container: Container, goal: str, passable: Passable) -> tuple[Leg, ...] | None:
        kind = self._plant.site.type_of(container.container_id)
        if container.location_id is not None:
            return self._topology.route(container.location_id, goal, passable, kind)
        if container.device_id is not None:
            return self._topology.route_from_device(container.device_id, goal, passable, kind)
        return None

    def is_open(self, route: tuple[Leg, ...], goal: str) -> bool:
        """Tell whether nothing closes a way before its goal: no disabled device, no blocked place."""
        return all(self._is_clear(leg, goal) for leg in route)

    def _is_clear(self, leg: Leg, goal: str) -> bool:
        return self.usable(leg.carrier_id) and (leg.target == goal or leg.target not in self._tables.blocks)

    def _plan(self) -> None:
        """Give routes; whoever has none is looked at again when a device is enabled or the container is elsewhere."""
        waiting = (
            transport_id for transport_id in self._tables.to_plan if transport_id not in self._stranded
        )
        for transport_id in list(islice(waiting, PLAN_MAX)):
            transport = self._tables.transports[transport_id]
            start = self._tables.containers[transport.container_id].location_id
            route = None if start is None else self.find_route(transport.container_id, transport.goal)
            if route:
                self._lifecycle.plan(transport, route)
            else:
                self._stranded.add(transport_id)

    def _put_down_loads(self) -> None:
        for device_id, container_id in list(self._tables.loads.items()):
            transport_id = self._tables.containers[container_id].transport_id
            if transport_id is not None:
                transport = self._tables.transports[transport_id]
                if self._may_put_down(transport, device_id).ok:
                    self._put_down(transport, device_id)

    def _may_put_down(self, transport: Transport, device_id: str) -> Verdict:
        leg = transport.current
        if transport.job_id is not None or transport.problem is not None or leg is None:
            return no("a command is under way")
        ready = self._ready(device_id, MAIN_CHANNEL)
        if not ready.ok:
            return ready
        patient = self._patient(transport)
        if not patient.ok:
            return patient
        reserved = transport.reserved == leg.target
        return (self._traffic.takes_loads if reserved else self._traffic.may_enter)(leg.target)

    def _put_down(self, transport: Transport, device_id: str) -> None:
        leg = transport.legs[transport.leg]
        job = self._journal.issue(
            Op.DROP,
            device_id=device_id,
            channel=MAIN_CHANNEL,
            target=leg.target,
            container_id=transport.container_id,
            transport_id=transport.transport_id,
            expected_s=leg.expected_s,
        )
        self._lifecycle.change(transport, job_id=job.command.job_id, reserved=leg.target)

    def _start_waiting(self) -> None:
        for carrier_id, channel in self._queues.channels():
            while self._start_first(carrier_id, channel):
                pass

    def _start_first(self, carrier_id: str, channel: str) -> bool:
        """Start the first load of a queue that may go; return whether one did."""
        if carrier_id not in self._plant.fleets and not self._free(carrier_id, channel).ok:
            return False
        for transport, leg in self._candidates(carrier_id, channel):
            device_id = self._device(leg)
            if device_id is None:
                return False
            self._start(transport, leg, device_id)
            return True
        return False

    def _candidates(self, carrier_id: str, channel: str) -> Iterator[tuple[Transport, Leg]]:
        """Return the loads of a queue that may go now, in its order.

        Loads that would take the same way from the same kind of place are judged once.
        """
        refused: set[Way] = set()
        full: set[str] = set()
        for _, _, transport_id, way in self._queues.of(carrier_id, channel):
            if way[1] in full or way in refused:
                continue
            transport = self._tables.transports[transport_id]
            leg = transport.legs[transport.leg]
            if not self._at_hand(transport, leg).ok:
                continue
            if not self._traffic.may_enter(leg.target).ok:
                full.add(leg.target)
            elif not self._traffic.may_move(transport, transport.legs[transport.leg :]).ok:
                refused.add(way)
                if len(refused) >= REFUSED_MAX:
                    return
            else:
                yield transport, leg

    def _at_hand(self, transport: Transport, leg: Leg) -> Verdict:
        container = self._tables.containers[transport.container_id]
        if leg.source is None or container.location_id != leg.source:
            return no(f"{container.container_id} is not at {leg.source}")
        free = self._traffic.may_leave(leg.source)
        return self._patient(transport) if free.ok else free

    def _patient(self, transport: Transport) -> Verdict:
        """Tell whether the pause after a rejection is over."""
        # A moment that is further ahead than any pause is long was meant by another clock: that of a run before this one.
        if 0 < transport.retry_at_us - self._tables.books.steady_us <= RETRY_MAX_S * 1e6:
            return no(f"the device rejected the command ({transport.rejection}); it is asked again soon")
        return YES

    def _device(self, leg: Leg) -> str | None:
        """Return the device that would do the leg now, if there is one."""
        fleet = self._plant.fleets.get(leg.carrier_id)
        if fleet is None:
            return leg.carrier_id if self._free(leg.carrier_id, leg.channel).ok else None
        vehicle = fleet.choose(leg.source or "")
        return vehicle if vehicle is not None and self._free(vehicle, MAIN_CHANNEL).ok else None

    def _free(self, device_id: str, channel: str) -> Verdict:
        load = self._tables.loads.get(device_id)
        return no(f"{device_id} carries {load}") if load is not None else self._ready(device_id, channel)

    def _ready(self, device_id: str, channel: str) -> Verdict:
        device = self._tables.devices[device_id]
        row = self._tables.channels[Channel.key_of(device_id, channel)]
        usable = _usable(device)
        if not usable.ok:
            return usable
        if row.boot_id is None:
            return no(f"{device_id} is being read")
        if row.job_id is not None:
            return no(f"{device_id} is busy")
        return YES

    def _start(self, transport: Transport, leg: Leg, device_id: str) -> None:
        job = self._journal.issue(
            leg.op,
            device_id=device_id,
            channel=leg.channel,
            source=leg.source,
            target=leg.target if leg.op is Op.TRANSFER else None,
            container_id=transport.container_id,
            transport_id=transport.transport_id,
            expected_s=leg.expected_s,
        )
        self._lifecycle.begin_leg(transport, device_id, job.command.job_id)

    def explain(self, transport: Transport) -> str | None:
        """Return why a transport does not move at the moment; None if it does."""
        if transport.problem is not None:
            return "somebody must decide (see problem)"
        leg = transport.current
        container = self._tables.containers[transport.container_id]
        if transport.job_id is not None:
            job = self._tables.jobs[transport.job_id]
            device = self._tables.devices[job.command.device_id]
            return _within_reach(device).reason or None
        if leg is None:
            here = container.location_id or container.device_id
            return f"no device that is enabled leads from {here} to {transport.goal}"
        if container.device_id is not None:
            return self._may_put_down(transport, container.device_id).reason or None
        return self._explain_waiting(transport, leg)

    def _explain_waiting(self, transport: Transport, leg: Leg) -> str | None:
        verdicts = [self._at_hand(transport, leg)]
        if leg.carrier_id not in self._plant.fleets:
            verdicts.append(self._free(leg.carrier_id, leg.channel))
        elif self._device(leg) is None:
            verdicts.append(self._why_no_vehicle(leg.carrier_id))
        enter = self._traffic.may_enter(leg.target)
        verdicts.append(enter)
        if enter.ok:
            verdicts.append(self._traffic.may_move(transport, transport.legs[transport.leg :]))
        return next((verdict.reason for verdict in verdicts if not verdict.ok), None)

    def _why_no_vehicle(self, fleet_id: str) -> Verdict:
        """Say why none is free; if none does our work at all, why they do not."""
        vehicles = (name for name, fleet in self._plant.fleet_of.items() if fleet == fleet_id)
        verdicts = [self._takes_work(fleet_id, name) for name in vehicles]
        text = f"no vehicle of {fleet_id} is free"
        if not verdicts or any(verdict.ok for verdict in verdicts):
            return no(text)
        reasons = "; ".join(verdict.reason for verdict in verdicts[:REASONS_MAX])
        more = f"; and {len(verdicts) - REASONS_MAX} more" if len(verdicts) > REASONS_MAX else ""
        return no(f"{text}: {reasons}{more}")

    def _takes_work(self, fleet_id: str, vehicle_id: str) -> Verdict:
        usable = _usable(self._tables.devices[vehicle_id])
        return self._plant.fleets[fleet_id].takes_work(vehicle_id) if usable.ok else usable


def _usable(device: Device) -> Verdict:
    """Tell whether a device may be given something new."""
    return _within_reach(device) if device.enabled else no(f"{device.device_id} is disabled")


def _within_reach(device: Device) -> Verdict:
    """Tell whether a device can be told anything."""
    if not device.online:
        return no(f"{device.device_id} is offline: {device.offline_reason}")
    if device.fault is not None:
        return no(f"{device.device_id} has a fault: {device.fault}")
    return YES
