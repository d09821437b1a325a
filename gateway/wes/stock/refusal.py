"""Why stock was not changed. A refusal is an answer: nothing of its event happened, and it names what stood against it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never, final

from gateway.wes.stock.model import Quality


class Level(StrEnum):
    """Where a balance belongs."""

    POOL = "pool"
    LOT = "lot"
    POSITION = "position"


class Figure(StrEnum):
    """What of a balance did not suffice."""

    QUANTITY = "quantity"
    AVAILABLE = "available"
    """Neither reserved nor held; at a position, neither allocated nor held."""
    RESERVED = "reserved"
    UNALLOCATED = "reserved and not allocated"
    ALLOCATED = "allocated"
    UNPLACED = "allocated without a position"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class NotEnough:
    """There is less than what was asked for.

    Attributes:
        key: pool id, lot id, or holder id and lot id.
    """

    level: Level
    key: tuple[str | int, ...]
    figure: Figure
    asked: int
    there: int


@dataclass(frozen=True, slots=True)
class Barred:
    """The lot may not be used, and something would have been promised of it."""

    lot_id: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class Outdated:
    """The lot's quality has changed since the event was made; made anew, it may be possible."""

    lot_id: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class Nowhere:
    """There is no such pool, lot or position, nor can there be: the holder is unknown or of another warehouse."""

    level: Level
    key: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Units are not where they were said to be, or not of that lot."""

    upns: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A lot is known by unit, and the units that were named are not as many as the goods that moved."""

    lot_id: int
    holder_id: str
    goods: int
    units: int


@dataclass(frozen=True, slots=True)
class Reused:
    """The event id belongs to an event that changed something else."""

    event_id: str


@dataclass(frozen=True, slots=True)
class Differs:
    """A lot of this number, or a holder of this id, is already there and is another one."""

    what: str
    key: str
    field: str
    asked: str
    there: str


Reason = NotEnough | Barred | Outdated | Nowhere | Elsewhere | Uncounted | Reused | Differs


@final
class StockRefused(Exception):  # noqa: N818 - a refusal is an answer, not an error of the program
    """Stock stays as it was."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(_told(reason))
        self.reason = reason


def _told(reason: Reason) -> str:
    match reason:
        case NotEnough(level, key, figure, asked, there):
            return f"{level} {_key(key)} has {there} {figure}, {asked} are asked for"
        case Barred(lot_id, quality):
            return f"lot {lot_id} is {quality}: all of it is held"
        case Outdated(lot_id, quality):
            return f"lot {lot_id} is {quality} by now"
        case Nowhere(Level.POSITION, key):
            return (
                f"nothing can be at {_key(key)}: no such holder, or it is of another warehouse than the lot"
            )
        case Nowhere(level, key):
            return f"there is no {level} {_key(key)}"
        case Elsewhere(upns, source):
            return f"{', '.join(upns)}: not at {source}, or not of this lot"
        case Uncounted(lot_id, holder_id, goods, units):
            return f"lot {lot_id} is known by unit: {goods} change at {holder_id}, and units that were named: {units}"
        case Reused(event_id):
            return f"event {event_id} has already changed something else"
        case Differs(what, key, field, asked, there):
            return f"{what} {key} has {field} {there}, not {asked}"
        case _:
            assert_never(reason)


def _key(key: tuple[str | int, ...]) -> str:
    return " of lot ".join(map(str, key))
