"""The WES core as whoever stands around it is given it: its database, and what its acts need."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from gateway.contract.clock import Clock, Micros
from gateway.contract.wms import AcceptedView
from gateway.kernel.ports import Store
from gateway.site.wes import Wes
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.floor.cancelling import WITHDRAWALS
from gateway.wes.ids import take_ids
from gateway.wes.layout import Layout
from gateway.wes.numbers import Numbers
from gateway.wes.orders.cancel import Withdrawal
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.intake import submit
from gateway.wes.rules import Rulebook
from gateway.wes.stock.opening import open_warehouse

OUTCOMES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of something that upstream and the WES exchanged."""

    at_us: Micros
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WesCore:
    """One running core.

    Attributes:
        numbers: of outbound orders.
        withdrawals: how an order is cancelled, by the furthest code of its lines and work.
        stir: wakes whatever goes on by itself, after a person has done something.
        commands: what became of the last commands, oldest first, since the start.
        callbacks: what became of the last callbacks that upstream answered.
    """

    store: Store
    context: WesContext
    numbers: Numbers
    withdrawals: Mapping[Code, Withdrawal] = field(default_factory=lambda: WITHDRAWALS)
    stir: Callable[[], None] = lambda: None
    commands: deque[Outcome] = field(default_factory=lambda: deque(maxlen=OUTCOMES_MAX))
    callbacks: deque[Outcome] = field(default_factory=lambda: deque(maxlen=OUTCOMES_MAX))

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
        numbers=Numbers(store, "O", ZoneInfo(wes.timezone)),
    )
