"""Conveyors: a line of segments, each with a sensor; every pair of neighbours is a mailbox of its own.

A load leaves its segment only when the next one is free, and of several on one segment the first that came; all pairs may work
at once. Where a scanner stands at the target, the load is read as it arrives.
"""

from gateway.site.model import Conveyor, ConveyorChannel, Location, Site
from sim_devices.faults.kinds import Point
from sim_devices.kinematics import conveyance
from sim_devices.mailbox import CONTAINER_LENGTH, Accept, CommandBlock, Done, Op
from sim_devices.plc import FAULT_COLLISION, FAULT_SENSOR, Outcome, Readings, Script
from sim_devices.sensors import NO_READ, Reading, Sensors
from sim_devices.world import Impossible


class ConveyorMachine:
    """The mechanics between two neighbouring segments."""

    def __init__(self, site: Site, conveyor: Conveyor, channel: ConveyorChannel, sensors: Sensors) -> None:
        self._source: Location = site.all_locations[channel.source]
        self._target: Location = site.all_locations[channel.target]
        self._travel = conveyance(self._source, self._target, conveyor.motion)
        self._handling = conveyor.motion.handling
        self._scanner = channel.scanner
        self._sensors = sensors

    def judge(self, block: CommandBlock) -> Accept:
        """Check operation and places."""
        if block.op != Op.TRANSFER:
            return Accept.NOT_POSSIBLE
        if (block.source, block.target) != (self._source.place, self._target.place):
            return Accept.UNKNOWN_PLACE
        return Accept.TAKEN

    def script(self, block: CommandBlock) -> Script:
        """Check both ends (rule 6), then pass the load on."""
        yield 0.0
        match self._sensors.load(self._source.id), self._sensors.full(self._target.id):
            case Reading.EMPTY, _:
                return Outcome(Done.SOURCE_EMPTY)
            case Reading.LOADED, Reading.LOADED:
                return Outcome(Done.DESTINATION_OCCUPIED)
            case Reading.LOADED, Reading.EMPTY:
                return (yield from self._pass_on(block))
            case _:
                return Outcome(Done.STOPPED, fault_code=FAULT_SENSOR)

    def resume(self, block: CommandBlock) -> Script:
        """Power has returned: the load is at one end, or somebody else must tell."""
        yield 0.0
        match self._ends():
            case Reading.EMPTY, Reading.LOADED:
                return self._arrived(block)
            case Reading.LOADED, Reading.EMPTY:
                return (yield from self._pass_on(block))
            case Reading.EMPTY, Reading.EMPTY:
                return Outcome(Done.LOAD_MISSING)
            case _:
                return Outcome(Done.STOPPED)

    def halt(self, remaining: float) -> None:
        """The belt stands; a load that has not arrived counts as at the source."""

    def readings(self) -> Readings:
        """Return the occupancy of both ends."""
        source, target = self._ends()
        return Readings(source_load=source, target_load=target)

    def _pass_on(self, block: CommandBlock) -> Script:
        yield self._handling + self._travel.duration
        try:
            self._sensors.world.move(self._source.id, self._target.id, str(block.job_id))
        except Impossible:
            return self._blocked()
        self._sensors.troubles.reached(Point.MOVED)
        yield 0.0
        return self._arrived(block)

    def _arrived(self, block: CommandBlock) -> Outcome:
        """The load should be at the target: read it, if there is a scanner."""
        match self._sensors.load(self._target.id):
            case Reading.EMPTY:
                return Outcome(Done.LOAD_MISSING)
            case Reading.UNCLEAR:
                return Outcome(Done.STOPPED, fault_code=FAULT_SENSOR)
            case Reading.LOADED:
                return self._scanned(block)

    def _scanned(self, block: CommandBlock) -> Outcome:
        if not self._scanner:
            return Outcome(Done.DONE)
        passing = self._sensors.world.contents(self._target.id)
        barcode = self._sensors.scan(passing[-1])[:CONTAINER_LENGTH] if passing else NO_READ
        if barcode == NO_READ:
            return Outcome(Done.NO_READ, barcode)
        if block.container and barcode != block.container:
            return Outcome(Done.WRONG_BARCODE, barcode)
        return Outcome(Done.DONE, barcode)

    def _blocked(self) -> Outcome:
        """Nothing arrived: it is gone, or it ran into what the sensor did not see."""
        if self._sensors.world.holds_load(self._source.id):
            return Outcome(Done.STOPPED, fault_code=FAULT_COLLISION)
        return Outcome(Done.LOAD_MISSING)

    def _ends(self) -> tuple[Reading, Reading]:
        return self._sensors.load(self._source.id), self._sensors.load(self._target.id)
