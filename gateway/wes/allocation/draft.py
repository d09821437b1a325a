"""A plan in the making: works are placed at stations and taken off again, while stock, slots and totes are kept count of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.wes.allocation.plans import price, worth
from gateway.wes.allocation.port import (
    Assignment,
    Line,
    Pick,
    Plan,
    Position,
    Presentation,
    Problem,
    Station,
    Tote,
    Work,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A problem with what is looked up in it all the time.

    Attributes:
        holders: for each SKU the totes with units of it, cheapest first.
        positions: of a tote, by tote and SKU.
        prices: of bringing each tote.
        worths: of serving all of each work order.
    """

    problem: Problem
    totes: Mapping[str, Tote]
    holders: Mapping[str, Sequence[str]]
    positions: Mapping[tuple[str, str], Sequence[Position]]
    prices: Mapping[str, float]
    worths: Mapping[int, float]


def snapshot(problem: Problem) -> Snapshot:
    """Return a problem with its indices."""
    holders: dict[str, list[str]] = defaultdict(list)
    positions: dict[tuple[str, str], list[Position]] = defaultdict(list)
    for tote in sorted(problem.totes, key=lambda tote: (price(tote), tote.tote_id)):
        for sku in dict.fromkeys(position.sku for position in tote.positions if position.available > 0):
            holders[sku].append(tote.tote_id)
        for position in tote.positions:
            positions[tote.tote_id, position.sku].append(position)
    return Snapshot(
        problem,
        {tote.tote_id: tote for tote in problem.totes},
        dict(holders),
        dict(positions),
        {tote.tote_id: price(tote) for tote in problem.totes},
        {work.work_id: worth(work) for work in problem.works},
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """A work order at a station.

    Attributes:
        picks: (tote, pick).
        value: what its part that is served is worth.
    """

    work: Work
    station_id: str
    slot: str
    picks: Sequence[tuple[str, Pick]]
    value: float


class Draft:
    """What is placed, and what is left.

    Attributes:
        placed: by work order.
        score: of what is placed (`plans.score`).
        open: by station the totes that are picked there or come anyway.
        taken: units by position.
        uses: picks by tote.
        at: where totes are, or go to.
        slots: free ones by station.
        totes: how many more each station takes.
        load: units that wait at each station.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.placed: dict[int, Placed] = {}
        self.score = 0.0
        self.taken: dict[int, int] = defaultdict(int)
        self.uses: dict[str, int] = defaultdict(int)
        self.at: dict[str, str] = {
            tote.tote_id: tote.station_id for tote in snapshot.problem.totes if tote.station_id is not None
        }
        self.open: dict[str, dict[str, None]] = {s.station_id: {} for s in snapshot.problem.stations}
        for tote_id, station_id in self.at.items():
            if station_id in self.open:
                self.open[station_id][tote_id] = None
        self.slots = {station.station_id: list(station.slots) for station in snapshot.problem.stations}
        self.totes = {station.station_id: station.totes for station in snapshot.problem.stations}
        self.load = {station.station_id: station.load for station in snapshot.problem.stations}

    def copy(self) -> "Draft":
        """Return a draft that goes its own way from here."""
        twin = Draft.__new__(Draft)
        twin.snapshot, twin.score, twin.placed = self.snapshot, self.score, self.placed.copy()
        twin.taken, twin.uses, twin.at = self.taken.copy(), self.uses.copy(), self.at.copy()
        twin.open = {station_id: totes.copy() for station_id, totes in self.open.items()}
        twin.slots = {station_id: slots.copy() for station_id, slots in self.slots.items()}
        twin.totes, twin.load = self.totes.copy(), self.load.copy()
        return twin

    def may_have(self, work: Work, station: Station) -> bool:
        """Return whether a station has a slot for a work order that may go there."""
        if work.work_id in self.placed or work.station_id not in {None, station.station_id}:
            return False
        return (work.slot is not None or self.has_slot(station)) and self._room(station) > 0

    def has_slot(self, station: Station) -> bool:
        """Return whether a station has a free slot."""
        return bool(self.slots[station.station_id])

    def may_send(self, tote_id: str, station_id: str) -> bool:
        """Return whether a tote is in storage and can still be sent to a station."""
        return tote_id not in self.at and self.totes[station_id] > 0

    def is_beyond(self, station: Station) -> bool:
        """Return whether the last work order has gone beyond what a station takes."""
        return self.totes[station.station_id] < 0 or self._room(station) < 0

    def left(self, tote_id: str, line: Line) -> int:
        """Return the units in a tote that a line may have."""
        return sum(
            position.available - self.taken[position.position_id]
            for position in self.snapshot.positions.get((tote_id, line.sku), ())
            if _fits(position, line)
        )

    def stock_at(self, station_id: str) -> dict[str, int]:
        """Return the units left by SKU in the open totes of a station, of whatever lot."""
        stock: dict[str, int] = defaultdict(int)
        for tote_id in self.open[station_id]:
            for position in self.snapshot.totes[tote_id].positions:
                stock[position.sku] += position.available - self.taken[position.position_id]
        return stock

    def lacking(self, work: Work, totes: Iterable[str]) -> dict[int, int]:
        """Return the units of each line that some totes do not have for it; lines that they cover are left out."""
        totes = list(totes)
        wanted: dict[int, int] = {}
        for line in work.lines:
            short = line.quantity
            for tote_id in totes:
                short -= self.left(tote_id, line)
                if short <= 0:
                    break
            if short > 0:
                wanted[line.line_id] = short
        return wanted

    def place(self, work: Work, station: Station, extra: Sequence[str]) -> bool:
        """Place a work order with what the open and some further totes hold, if the problem allows it; returns whether it does."""
        picks = self._picks(work, [*self.open[station.station_id], *extra])
        units = sum(pick.quantity for _, pick in picks)
        wanted = sum(line.quantity for line in work.lines)
        new = {tote_id for tote_id, _ in picks if self.at.get(tote_id) is None}
        if work.slot is None and not self.has_slot(station):
            return False
        if not units or (units < wanted and not self.snapshot.problem.partial):
            return False
        if (new and self.totes[station.station_id] <= 0) or self._room(station) <= 0:
            return False
        served = sum(
            pick.quantity / line.quantity
            for line in work.lines
            for _, pick in picks
            if pick.line_id == line.line_id
        )
        value = self.snapshot.worths[work.work_id] * served / len(work.lines)
        slot = work.slot if work.slot is not None else self.slots[station.station_id].pop(0)
        for tote_id in sorted(new):
            self.at[tote_id] = station.station_id
            self.open[station.station_id][tote_id] = None
            self.totes[station.station_id] -= 1
            self.score -= self.snapshot.prices[tote_id]
        for tote_id, pick in picks:
            self.taken[pick.position_id] += pick.quantity
            self.uses[tote_id] += 1
        self.load[station.station_id] += units
        self.score += value
        self.placed[work.work_id] = Placed(work, station.station_id, slot, picks, value)
        return True

    def take_off(self, work_id: int) -> None:
        """Take a placed work order off, and totes that nobody else uses with it."""
        placed = self.placed.pop(work_id)
        station_id = placed.station_id
        if placed.work.slot is None:
            self.slots[station_id].insert(0, placed.slot)
        self.score -= placed.value
        for tote_id, pick in placed.picks:
            self.taken[pick.position_id] -= pick.quantity
            self.load[station_id] -= pick.quantity
            self.uses[tote_id] -= 1
            if not self.uses[tote_id] and self.snapshot.totes[tote_id].station_id is None:
                del self.at[tote_id], self.open[station_id][tote_id]
                self.totes[station_id] += 1
                self.score += self.snapshot.prices[tote_id]

    def plan(self) -> Plan:
        """Return what is placed as a plan."""
        picks: dict[str, list[Pick]] = defaultdict(list)
        for placed in self.placed.values():
            for tote_id, pick in placed.picks:
                picks[tote_id].append(pick)
        return Plan(
            assignments=tuple(
                Assignment(work_id=placed.work.work_id, station_id=placed.station_id, slot=placed.slot)
                for placed in self.placed.values()
            ),
            presentations=tuple(
                Presentation(tote_id=tote_id, station_id=self.at[tote_id], picks=tuple(of_tote))
                for tote_id, of_tote in picks.items()
            ),
        )

    def _room(self, station: Station) -> float:
        limit = station.load_max
        return float("inf") if limit is None else limit - self.load[station.station_id]

    def _picks(self, work: Work, totes: Sequence[str]) -> list[tuple[str, Pick]]:
        picks: list[tuple[str, Pick]] = []
        taken: dict[int, int] = defaultdict(int)
        for line in work.lines:
            short = line.quantity
            for tote_id in totes:
                for position in self.snapshot.positions.get((tote_id, line.sku), ()):
                    if short <= 0:
                        break
                    if not _fits(position, line):
                        continue
                    left = position.available - self.taken[position.position_id] - taken[position.position_id]
                    units = min(short, left)
                    if units > 0:
                        taken[position.position_id] += units
                        short -= units
                        picks.append(
                            (
                                tote_id,
                                Pick(
                                    work_id=work.work_id,
                                    line_id=line.line_id,
                                    position_id=position.position_id,
                                    quantity=units,
                                ),
                            )
                        )
        return picks


def _fits(position: Position, line: Line) -> bool:
    return not line.lots or position.lot in line.lots
