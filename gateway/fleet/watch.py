"""Takes what the vehicles tell, and the time: where they are, what troubles them, for what somebody has to come."""

from dataclasses import replace
from typing import Final

from gateway.contract.commands import MAIN_CHANNEL
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    CLEAR_THE_CAUSE,
    ChannelOnline,
    CommandDone,
    CommandFailed,
    DeviceFault,
    DeviceOffline,
    DeviceRecovered,
    MatterSettled,
    Sensors,
)
from gateway.contract.vehicles import ActionStatus, VehicleOffline, VehicleState
from gateway.fleet.calls import Matter, call_for
from gateway.fleet.charging import Chargers
from gateway.fleet.fleet import Engine, Fleet
from gateway.fleet.outcomes import Outcomes
from gateway.fleet.places import located
from gateway.fleet.roads import Roads
from gateway.fleet.rows import Mission
from gateway.fleet.shown import is_lost, load_of, node_of, status_of, trouble_of, words_about
from gateway.kernel.books import Books, Table

PAUSED_S: Final = 60.0
"""Somebody is called to a vehicle that has been paused for this long: most pauses are over before."""
LOW_S: Final = 900.0
"""Somebody is called to a vehicle that has had to charge for this long and does not: most of those before it at a charger have made
room by then, and standing still it can do without for much longer."""
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
        self,
        books: Books,
        missions: Table[str, Mission],
        fleet: Fleet,
        roads: Roads,
        chargers: Chargers,
        engine: Engine,
    ) -> None:
        self._books = books
        self._missions = missions
        self._fleet = fleet
        self._roads = roads
        self._chargers = chargers
        self._engine = engine
        self._outcomes = Outcomes(books, missions, fleet, roads, engine)

    def state(self, shown: VehicleState) -> None:
        """Take a vehicle's state."""
        row = self._missions.get(shown.vehicle_id) or Mission(vehicle_id=shown.vehicle_id)
        if not row.base or not _say_the_same(row.shown, shown):
            self._missions.put(located(replace(row, shown=shown), shown, self._roads))
        self._hear_answer_to_pose(shown)
        self._tell_trouble(shown)
        self._note_pause(shown)
        self._outcomes.follow(shown)
        self._outcomes.cancel_again(shown.vehicle_id)
        self._outcomes.end_command(shown.vehicle_id)
        self._settle_moves(shown)
        self._end_reset(shown.vehicle_id)
        self._tell_online(shown)

    def offline(self, report: VehicleOffline) -> None:
        """Take note that a vehicle is out of reach. It may still drive out its base, so it keeps all of it."""
        row = self._missions.get(report.vehicle_id)
        if row is not None and row.online:
            self._missions.put(replace(row, online=False))
        self._engine.report(DeviceOffline(device_id=report.vehicle_id, reason=report.reason))

    def tick(self, vehicle_id: str) -> None:
        """Look what the time has brought: pauses that are over, and patience."""
        self._outcomes.look_again(vehicle_id)
        self._outcomes.cancel_again(vehicle_id)
        self._outcomes.look_after_move(vehicle_id)
        self._outcomes.end_command(vehicle_id)
        self._call_to_paused(vehicle_id)
        self._call_to_low(vehicle_id)

    # What people have said

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
        trouble = trouble_of(shown) or (UNPLACED if node_of(shown, self._roads) is None else None)
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

    # For what somebody has to come

    def _note_pause(self, shown: VehicleState) -> None:
        row = self._missions[shown.vehicle_id]
        if shown.paused:
            if row.paused_us is None:
                self._missions.put(replace(row, paused_us=self._books.steady_us))
        elif row.paused_us is not None or not row.online:  # it may have been let go on while no gateway ran
            self._missions.put(replace(row, paused_us=None))
            self._settle(shown.vehicle_id, Matter.PAUSED)

    def _call_to_paused(self, vehicle_id: str) -> None:
        row = self._missions[vehicle_id]
        if row.paused_us is None or not row.online or row.fault is not None:
            return
        if self._books.steady_us - row.paused_us >= PAUSED_S * 1e6 and self._engine.usable(vehicle_id):
            self._engine.report(call_for(Matter.PAUSED, vehicle_id, f"has been paused for {PAUSED_S:g} s"))

    def _call_to_low(self, vehicle_id: str) -> None:
        """Call somebody to a vehicle that gets to no charger: it gets no work any more, and nobody would know."""
        row, now = self._missions[vehicle_id], self._books.steady_us
        if row.shown is None or not self._lacks_charge(row, row.shown):
            if row.low_us is not None:
                self._missions.put(replace(row, low_us=None))
        elif row.low_us is None:
            self._missions.put(replace(row, low_us=now))
        elif now - row.low_us >= LOW_S * 1e6:
            text = (
                f"has had to charge for {LOW_S / 60:g} minutes and does not: its battery is at"
                f" {row.shown.battery * 100:g} %, and {self._chargers.obstacle(row)}"
            )
            self._engine.report(call_for(Matter.BATTERY, vehicle_id, text))

    def _lacks_charge(self, row: Mission, shown: VehicleState) -> bool:
        """Tell whether a vehicle that could charge, and has to, does not. With a command it charges later."""
        if shown.paused or not row.online or row.fault is not None or row.command is not None:
            return False
        charges = shown.charging or not self._fleet.is_low(shown)
        return not charges and self._engine.usable(row.vehicle_id)

    def _settle_moves(self, shown: VehicleState) -> None:
        """Take note of what has come about by other means than an order: people charge vehicles, and drive them home."""
        row = self._missions[shown.vehicle_id]
        if shown.charging or shown.battery >= self._fleet.model.charging.until:
            self._settle(shown.vehicle_id, Matter.CHARGING)
        if shown.charging or not self._fleet.is_low(shown):
            self._settle(shown.vehicle_id, Matter.BATTERY)
        if row.order is None and row.base == (row.home,):
            self._settle(shown.vehicle_id, Matter.PARKING)

    def _settle(self, vehicle_id: str, matter: Matter) -> None:
        self._engine.report(MatterSettled(device_id=vehicle_id, matter=matter))


def _advice(shown: VehicleState) -> str:
    if shown.barred:
        return UNBAR
    if is_lost(shown):
        return LOCALISE.format(vehicle=shown.vehicle_id)
    return TO_A_NODE if trouble_of(shown) is None else CLEAR_THE_CAUSE


def _say_the_same(before: VehicleState | None, now: VehicleState) -> bool:
    return before is not None and before.said == now.said
