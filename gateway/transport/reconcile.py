"""Where is the load after a command that did not end well? Told by sensors, or not at all: nothing is guessed (law 3)."""

from enum import StrEnum

from gateway.contract.commands import Command, Op
from gateway.contract.reports import Load, Sensors


class Whereabouts(StrEnum):
    """Where the load of a command is."""

    SOURCE = "source"
    ON_BOARD = "onBoard"
    TARGET = "target"
    UNKNOWN = "unknown"


def whereabouts(command: Command, sensors: Sensors) -> Whereabouts:
    """Judge by the sensors; the device was empty before a PICK and loaded before a DROP."""
    match command.op:
        case Op.PICK:
            return {Load.LOADED: Whereabouts.ON_BOARD, Load.EMPTY: Whereabouts.SOURCE}.get(
                sensors.load, Whereabouts.UNKNOWN
            )
        case Op.DROP:
            return _after_drop(command, sensors)
        case Op.TRANSFER:
            match (sensors.source, sensors.target):
                case (Load.LOADED, Load.EMPTY):
                    return Whereabouts.SOURCE
                case (Load.EMPTY, Load.LOADED):
                    return Whereabouts.TARGET
                case _:
                    return Whereabouts.UNKNOWN
        case Op.MOVE | Op.RESET:
            return Whereabouts.UNKNOWN


def _after_drop(command: Command, sensors: Sensors) -> Whereabouts:
    if sensors.load is Load.LOADED:
        return Whereabouts.ON_BOARD
    at_target = command.target is not None and sensors.place == command.target.number
    # An empty device elsewhere may have lost its load on the way: only at the target does empty mean put down there.
    return Whereabouts.TARGET if sensors.load is Load.EMPTY and at_target else Whereabouts.UNKNOWN
