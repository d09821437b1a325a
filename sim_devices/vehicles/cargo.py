"""How a vehicle touches the world: it takes loads on board and puts them down, as its sensors and scanner allow."""

from sim_devices.sensors import NO_READ, Reading, Sensors
from sim_devices.vehicles.refusal import ErrorType


class Mishap(Exception):  # noqa: N818 - a result of the action, not an error of the program
    """The load stays where it is; the vehicle tells why."""

    def __init__(self, error_type: ErrorType, description: str) -> None:
        super().__init__(description)
        self.error_type = error_type


class Cargo:
    """The load handling of one vehicle, which holds one load; in the world its spot is the vehicle's id."""

    def __init__(self, sensors: Sensors) -> None:
        self._sensors = sensors
        self._world = sensors.world
        self._spot = sensors.device_id

    @property
    def loads(self) -> tuple[str, ...] | None:
        """Barcodes of what is on board as the sensor shows it, empty where unknown; None: it cannot tell."""
        match self._sensors.load(self._spot):
            case Reading.EMPTY:
                return ()
            case Reading.UNCLEAR:
                return None
            case Reading.LOADED:
                return tuple(map(self._world.label, self._world.contents(self._spot))) or ("",)

    def pick(self, station: str, wanted: str | None, job: str) -> None:
        """Take a load from a station, the wanted one if the order names it.

        Raises:
            Mishap: there is none, it is another one or cannot be read, or the vehicle is loaded already.
        """
        if self._sensors.load(self._spot) is not Reading.EMPTY or self._world.is_full(self._spot):
            raise Mishap(ErrorType.LOAD_ON_BOARD, "a load is on board already")
        if self._sensors.load(station) is not Reading.LOADED or not self._world.holds_load(station):
            raise Mishap(ErrorType.SOURCE_EMPTY, f"nothing is at {station}")
        self._world.move(station, self._spot, job, self._find(station, wanted) if wanted else None)

    def drop(self, station: str, job: str) -> None:
        """Put the load down at a station.

        Raises:
            Mishap: no load is on board, or the station is occupied.
        """
        if self._sensors.load(self._spot) is Reading.EMPTY or not self._world.holds_load(self._spot):
            raise Mishap(ErrorType.LOAD_MISSING, "no load is on board")
        if self._sensors.full(station) is not Reading.EMPTY or self._world.is_full(station):
            raise Mishap(ErrorType.DESTINATION_OCCUPIED, f"{station} is occupied")
        self._world.move(self._spot, station, job)

    def _find(self, station: str, wanted: str) -> str:
        """Return the container whose label the scanner reads as the wanted one."""
        read = {self._sensors.scan(container): container for container in self._world.contents(station)}
        if wanted in read:
            return read[wanted]
        if NO_READ in read:
            raise Mishap(ErrorType.NO_READ, f"the label at {station} cannot be read")
        raise Mishap(ErrorType.WRONG_CONTAINER, f"{station} holds {', '.join(read)}, not {wanted}")
