"""The automatic picker: a pair of hands that does at a put wall what the lights ask for, one slot at a time."""

from dataclasses import dataclass, replace

from sim_devices.clock import Random
from sim_devices.faults.kinds import FaultBase, ShortPick
from sim_devices.putwall import Button, PutWallDevice, SlotState


@dataclass(frozen=True, slots=True)
class Habits:
    """How a picker works.

    Attributes:
        fastest, slowest: seconds of simulated time that one put takes, evenly distributed between them.
        short_share: share of the puts (0 … 1) that find one piece too few.
    """

    fastest: float = 2.0
    slowest: float = 5.0
    short_share: float = 0.0

    def at(self, pace: float) -> "Habits":
        """Return the habits of hands that are so many times as fast."""
        return replace(self, fastest=self.fastest / pace, slowest=self.slowest / pace)


class Picker:
    """A wall and the hands before it.

    They see lights, not orders: they may come too late for a withdrawn put, and press nevertheless.
    """

    FAULTS: frozenset[type[FaultBase]] = frozenset({ShortPick})

    def __init__(self, wall: PutWallDevice, habits: Habits, chance: Random) -> None:
        self._wall = wall
        self._habits = habits
        self._chance = chance
        self._slot: int | None = None
        self._due = 0.0

    def step(self, now: float) -> float | None:
        """Let the wall step, put what is due; return when the hands will be at a button next; None: nothing is lit."""
        self._wall.step(now)
        if self._slot is not None and self._due <= now:
            self._put(self._slot)
            self._slot = None
        if self._slot is None:
            self._slot = self._next()
            self._due = now + self._chance.uniform(self._habits.fastest, self._habits.slowest)
        return None if self._slot is None else self._due

    def _next(self) -> int | None:
        """Choose the slot that has been lit longest: job numbers rise."""
        lit = [index for index, slot in enumerate(self._wall.slots) if slot.state is SlotState.LIT]
        return min(lit, key=lambda index: self._wall.slots[index].job_id, default=None)

    def _put(self, slot: int) -> None:
        self._wall.press(slot, Button.CURTAIN)
        if self._wall.troubles.spend(ShortPick) or self._chance.random() < self._habits.short_share:
            self._wall.press(slot, Button.SHORT)
        self._wall.press(slot, Button.CONFIRM)
