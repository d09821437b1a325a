"""The WES core as whoever stands around it is given it: its database, and what its acts need."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from gateway.contract.clock import Clock, Micros
from gateway.contract.wms import AcceptedView
from gateway.kernel.news import News
from gateway.kernel.ports import Store
from gateway.site.wes import Wes
from gateway.wes.alarms import Alarm, Alarms
from gateway.wes.allocation.port import Answer
from gateway.wes.context import WesContext
from gateway.wes.ids import take_ids
from gateway.wes.layout import Layout
from gateway.wes.numbers import Numbers
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.intake import submit
from gateway.wes.rules import Rulebook
from gateway.wes.stock.opening import open_warehouse

OUTCOMES_MAX: Final = 100_000
ANOTHER_PLANS: Final = "anotherPlans"
"""The alarm that somebody stands in for the allocator that the site names."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of something that upstream and the WES exchanged."""

    at_us: Micros
    good: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value: a share, seconds or messages.

    Attributes:
        alarm: whether its threshold is passed.
    """

    value: float
    alarm: bool


@dataclass(slots=True)
class Tally:
    """What is counted from the start, for metrics.

    Attributes:
        plans: by who made them.
        findings: of the last verification of stock; None before the first.
        readings: of the last look at the monitors, by what is measured; one that cannot be told is not there.
    """

    plans: Counter[str] = field(default_factory=Counter[str])
    findings: int | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict[str, Reading])


@dataclass(frozen=True, slots=True, kw_only=True)
class WesCore:
    """One running core.

    Attributes:
        numbers: of outbound orders.
        stir: wakes whatever goes on by itself, after a person has done something.
        news: of commits, for whoever shows what is in the database.
        commands: what became of the last commands, oldest first, since the start.
        callbacks: what became of the last callbacks that upstream answered.
    """

    store: Store
    context: WesContext
    numbers: Numbers
    stir: Callable[[], None] = lambda: None
    news: News = field(default_factory=News)
    commands: deque[Outcome] = field(default_factory=lambda: deque(maxlen=OUTCOMES_MAX))
    callbacks: deque[Outcome] = field(default_factory=lambda: deque(maxlen=OUTCOMES_MAX))
    alarms: Alarms = field(default_factory=Alarms)
    tally: Tally = field(default_factory=Tally)

    async def submit(self, raw: JsonValue) -> AcceptedView:
        """Take an outbound command.

        Raises:
            Declined: it was not taken; with every reason.
        """
        try:
            view = await submit(self.store, self.context, self.numbers, raw)
        except Declined:
            self.note_command(taken=False)
            raise
        self.note_command(taken=True)
        return view

    def note_command(self, *, taken: bool) -> None:
        """Remember what became of a command, for the monitors."""
        self.commands.append(Outcome(self.context.clock.now_us(), taken))

    def note_plan(self, answer: Answer) -> None:
        """Remember who made a plan; while another one than the site names makes them, an alarm says why."""
        self.tally.plans[answer.by] += 1
        if not answer.remarks:
            self.alarms.clear(ANOTHER_PLANS)
            return
        self.alarms.raise_alarm(
            Alarm(
                subject="planning",
                code=ANOTHER_PLANS,
                text=f"{'; '.join(answer.remarks)}. Orders are planned by the {answer.by} allocator meanwhile",
                advice="Orders go on. See the log; docs/allocation.md says how an algorithm service has to answer.",
                raised_at=self.context.clock.now_us(),
            )
        )


async def open_core(store: Store, wes: Wes, clock: Clock, layout: Layout | None = None) -> WesCore:
    """Open the core of a site on its database.

    Args:
        store: its database.
        wes: its settings.
        clock: the time.
        layout: the site's places; None where only orders and stock are concerned.
    """
    context = WesContext(
        wes=wes, rules=Rulebook(wes.rules), ids=await take_ids(store), clock=clock, layout=layout or Layout()
    )
    await store.write(lambda tx: open_warehouse(tx, wes.warehouse_id))
    return WesCore(
        store=store,
        context=context,
        numbers=Numbers(store, wes.codes, ZoneInfo(wes.timezone)),
    )
