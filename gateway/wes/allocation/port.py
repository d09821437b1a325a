"""The allocation port of the live chain: what waits and what there is in, who picks what from which tote where out.

Everything is frozen and free of the database: an answer is made on a snapshot and validated again when it is written (S0-28).
The same classes are the JSON of the external algorithm service: camelCase, unknown fields refused (docs/allocation.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Protocol

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

WIRE: Final = ConfigDict(alias_generator=to_camel, extra="forbid")
UNITS_MAX: Final = 10**12
"""Of one pick in JSON: more digits could be sent than can be added up and told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a work order wants of one SKU.

    Attributes:
        line_id: unique within the problem.
        sku: what is wanted.
        quantity: units, at least 1.
        lots: lots that will do; empty: any.
    """

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    line_id: int
    sku: str
    quantity: int
    lots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A work order that waits for a station, or for more totes at the one it has.

    Attributes:
        lines: what is not allocated yet.
        priority: 0 to 9, the higher the sooner.
        due_s: seconds until it is due; negative: it is late; None: it has no due time.
        station_id: the only station that may do it; None: any.
        slot: the put slot it already has there; None: it needs one.
    """

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    work_id: int
    lines: tuple[Line, ...]
    priority: int = 0
    due_s: float | None = None
    station_id: str | None = None
    slot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Stock of one lot in a tote.

    Attributes:
        available: units that nobody has been given.
    """

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    position_id: int
    sku: str
    available: int
    lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tote:
    """A tote that may be brought.

    Attributes:
        cost: of bringing it to a station, 0 to 1: 0 is at hand, 1 is the farthest.
        station_id: the station that it is at or coming to, the only one it may be picked at; None: it is in storage.
    """

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    tote_id: str
    positions: tuple[Position, ...]
    cost: float = 0.0
    station_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A workplace that takes orders now.

    Attributes:
        slots: free put slots, in the order of use.
        totes: so many more may be sent to it; the work order with which it has them may need more.
        load: units that wait to be picked at it.
        load_max: when so many wait, it gets no more work; None: no limit.
    """

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    station_id: str
    slots: tuple[str, ...]
    totes: int
    load: int = 0
    load_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A snapshot.

    Attributes:
        partial: whether a work order may be allocated in part (shortage mode B); else all of it or nothing.
    """

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    works: tuple[Work, ...]
    totes: tuple[Tote, ...]
    stations: tuple[Station, ...]
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A work order goes to a put slot of a station."""

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    work_id: int
    station_id: str
    slot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """So many units of a line come from a position."""

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    work_id: int
    line_id: int
    position_id: int
    quantity: Annotated[int, Field(ge=1, le=UNITS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """A tote is picked at a station."""

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    tote_id: str
    station_id: str
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An answer: what is not in it waits on."""

    __pydantic_config__: ClassVar[ConfigDict] = WIRE
    assignments: tuple[Assignment, ...] = ()
    presentations: tuple[Presentation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A plan that `check` found sound.

    Attributes:
        by: who made it: `greedy`, `solver` or `external`.
        remarks: why another one made it than was asked, each for an operator.
    """

    plan: Plan
    by: str
    remarks: Sequence[str] = ()


class Allocator(Protocol):
    """Makes plans."""

    async def plan(self, problem: Problem) -> Answer:
        """Return a sound plan; an empty one where nothing can be done."""
        ...


PROBLEM_JSON: Final = TypeAdapter(Problem)
PLAN_JSON: Final = TypeAdapter(Plan)
