"""Shuttles and lifts: one load, one mailbox; they ride to a place, and take or put down.

Both are one machine: what tells a lift from a shuttle is where its places lie.
"""

from collections.abc import Generator

from gateway.site.model import Carrier, Location, Motion, Site
from sim_devices.faults.kinds import Point
from sim_devices.kinematics import Ride, Stand
from sim_devices.mailbox import Accept, CommandBlock, Done, Op
from sim_devices.plc import FAULT_COLLISION, FAULT_SENSOR, Outcome, Readings, Script
from sim_devices.sensors import Reading, Sensors
from sim_devices.world import Impossible


class CarrierMachine:
    """The mechanics of a shuttle or a lift."""

    def __init__(self, site: Site, carrier: Carrier, sensors: Sensors) -> None:
        """Make a carrier that stands empty at the first place that it serves."""
        self._picks = {place.place: place for place in site.matching(carrier.picks) if place.place}
        self._drops = {place.place: place for place in site.matching(carrier.drops) if place.place}
        self._places: dict[int, Location] = self._picks | self._drops
        self._motion: Motion = carrier.motion
        self._id = carrier.id
        self._sensors = sensors
        self._stands_at = next(iter(self._places), 0)
        self._stand: Stand = Stand.of(self._places[self._stands_at]) if self._places else Stand(0.0, 0.0)
        self._ride: Ride | None = None

    def judge(self, block: CommandBlock) -> Accept:
        """Check operation, place and load on board (rule 6)."""
        match block.op:
            case Op.PICK:
                known, possible = block.source in self._picks, self._on_board() is not Reading.LOADED
            case Op.DROP:
                known, possible = block.target in self._drops, self._on_board() is not Reading.EMPTY
            case Op.MOVE:
                known, possible = block.target in self._places, self._on_board() is not Reading.LOADED
            case _:
                return Accept.NOT_POSSIBLE
        if not known:
            return Accept.UNKNOWN_PLACE
        return Accept.TAKEN if possible else Accept.NOT_POSSIBLE

    def script(self, block: CommandBlock) -> Script:
        """Ride there; then pick or drop."""
        match block.op:
            case Op.PICK:
                return self._pick(block)
            case Op.DROP:
                return self._drop(block)
            case _:
                return self._move(block)

    def resume(self, block: CommandBlock) -> Script:
        """Power has returned: judge by the load on board whether the load has changed hands; if not, go on."""
        yield 0.0
        on_board = self._on_board()
        if block.op != Op.MOVE and on_board is Reading.UNCLEAR:
            return Outcome(Done.STOPPED, fault_code=FAULT_SENSOR)
        if block.op == Op.PICK and on_board is Reading.LOADED:
            return Outcome(Done.DONE)
        if block.op == Op.DROP and on_board is Reading.EMPTY:
            return self._after_drop(block)
        return (yield from self.script(block))

    def halt(self, remaining: float) -> None:
        """Stand still where the ride has come to."""
        if self._ride:
            self._stand = self._ride.position(self._ride.duration - remaining)
            self._ride = None

    def readings(self) -> Readings:
        """Return the place and the load on board."""
        return Readings(position=self._stands_at, load=self._on_board())

    def _move(self, block: CommandBlock) -> Script:
        yield from self._ride_to(block.target)
        return Outcome(Done.DONE)

    def _pick(self, block: CommandBlock) -> Script:
        yield from self._ride_to(block.source)
        source = self._places[block.source].id
        match self._sensors.load(source):
            case Reading.EMPTY:
                return Outcome(Done.SOURCE_EMPTY)
            case Reading.UNCLEAR:
                return Outcome(Done.STOPPED, fault_code=FAULT_SENSOR)
            case Reading.LOADED:
                pass
        yield self._motion.handling
        try:
            self._sensors.world.move(source, self._id, str(block.job_id), block.container)
        except Impossible:
            return self._after_futile_pick()
        self._sensors.troubles.reached(Point.MOVED)
        yield 0.0
        return self._after_pick()

    def _after_pick(self) -> Outcome:
        match self._on_board():
            case Reading.LOADED:
                return Outcome(Done.DONE)
            case Reading.EMPTY:
                return Outcome(Done.SOURCE_EMPTY)
            case Reading.UNCLEAR:
                return Outcome(Done.STOPPED, fault_code=FAULT_SENSOR)

    def _after_futile_pick(self) -> Outcome:
        """Nothing came: there was nothing, whatever the sensor showed; or a load was on board, whatever that showed."""
        if self._sensors.world.holds_load(self._id):
            return Outcome(Done.STOPPED, fault_code=FAULT_COLLISION)
        return Outcome(Done.SOURCE_EMPTY)

    def _drop(self, block: CommandBlock) -> Script:
        yield from self._ride_to(block.target)
        target = self._places[block.target].id
        match self._on_board(), self._sensors.full(target):
            case Reading.EMPTY, _:
                return Outcome(Done.LOAD_MISSING)
            case Reading.LOADED, Reading.LOADED:
                return Outcome(Done.DESTINATION_OCCUPIED)
            case Reading.LOADED, Reading.EMPTY:
                pass
            case _:
                return Outcome(Done.STOPPED, fault_code=FAULT_SENSOR)
        yield self._motion.handling
        try:
            self._sensors.world.move(self._id, target, str(block.job_id))
        except Impossible:
            return self._after_futile_drop()
        self._sensors.troubles.reached(Point.MOVED)
        yield 0.0
        return self._after_drop(block)

    def _after_drop(self, block: CommandBlock) -> Outcome:
        """The load is no longer on board: is it at the target? Only a carrier that stands there can see."""
        target = self._places[block.target].id
        if self._stands_at != block.target:
            return Outcome(Done.LOAD_MISSING)
        match self._sensors.load(target):
            case Reading.LOADED:
                return Outcome(Done.DONE)
            case Reading.EMPTY:
                return Outcome(Done.LOAD_MISSING)
            case Reading.UNCLEAR:
                return Outcome(Done.STOPPED, fault_code=FAULT_SENSOR)

    def _after_futile_drop(self) -> Outcome:
        """The load could not be put down: it is gone, or it hit what the sensor did not see."""
        if self._sensors.world.holds_load(self._id):
            return Outcome(Done.STOPPED, fault_code=FAULT_COLLISION)
        return Outcome(Done.LOAD_MISSING)

    def _ride_to(self, place: int) -> Generator[float, None, None]:
        if place != self._stands_at:
            self._ride = Ride(self._stand, Stand.of(self._places[place]), self._motion)
            self._stands_at = 0
            yield self._ride.duration
            self._stand, self._stands_at, self._ride = self._ride.end, place, None

    def _on_board(self) -> Reading:
        return self._sensors.load(self._id)
