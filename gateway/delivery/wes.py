"""Everything of a WES core that runs by itself around orders and upstream: rounds, deliveries and the broker."""

import random  # noqa: TID251 - the type only; the source is injected
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from gateway.delivery.brokers import Broker
from gateway.delivery.inbound import Inbound
from gateway.delivery.reports import Reports
from gateway.delivery.rounds import Rounds
from gateway.delivery.upstream import Courier, UpstreamDelivery
from gateway.kernel.clock import SteadyClock
from gateway.wes.core import WesCore
from gateway.wes.counting.cycle import order_cycle_count
from gateway.wes.counting.views import put_counts_away
from gateway.wes.counting.watch import CountWatch
from gateway.wes.floor.overtaken import Overtaken
from gateway.wes.orders.history import carry_over
from gateway.wes.orders.lateness import watch
from gateway.wes.outbox import is_told
from gateway.wes.recall import go_on
from gateway.wes.stock.watch import StockWatch
from gateway.wes.timers import (
    ShortOrders,
    Verification,
    calibrate,
    expire,
    forget,
    tell_what_just_changed,
)
from gateway.wes.transfers.views import put_transfers_away
from gateway.wes.upstream.monitors import look
from gateway.wes.upstream.sync import sync_changed, sync_scheduled

REAL_TIME_S: Final = 1.0
RECALL_S: Final = 5.0
CALENDAR_S: Final = 60.0
FORGET_S: Final = 3600.0


class Runnable(Protocol):
    """Something that works until it is cancelled."""

    async def run(self) -> None:
        """Work until cancelled."""
        ...


class _Listening:
    """The broker with what takes its messages."""

    def __init__(self, broker: Broker, inbound: Inbound) -> None:
        self._broker = broker
        self._inbound = inbound

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await self._broker.run(self._inbound.take)


def upstream_works(
    core: WesCore, courier: Courier | Broker | None, rng: random.Random
) -> dict[str, Runnable]:
    """Return what has to run, by a name for people.

    Args:
        core: the core.
        courier: brings messages to upstream; None where nobody listens.
        rng: makes pauses.
    """
    wes = core.context.wes
    works: dict[str, Runnable] = {
        "short orders": Rounds("short orders", wes.timers.reservation.period_s, ShortOrders(core).work),
        "lots that expire": _round(core, "lots that expire", CALENDAR_S, expire),
        "recalls": _round(core, "recalls", RECALL_S, go_on),
        "forgetting": _round(core, "forgetting", FORGET_S, forget),
        "verification": Rounds("verification", CALENDAR_S, Verification(core).work),
        "history": Rounds("history", CALENDAR_S, lambda: carry_over(core.store, core.context)),
        "cycle counts": Rounds(
            "cycle counts", CALENDAR_S, lambda: order_cycle_count(core.store, core.context)
        ),
        "ended counts": Rounds("ended counts", CALENDAR_S, lambda: put_counts_away(core.store, core.context)),
        "ended transfers": Rounds(
            "ended transfers", CALENDAR_S, lambda: put_transfers_away(core.store, core.context)
        ),
        "what counts find": Rounds(
            "what counts find", wes.monitors.period_s, CountWatch(core.store, core.context, core.alarms).work
        ),
        "late orders": Rounds("late orders", wes.monitors.period_s, lambda: watch(core.store, core.context)),
        "monitors": _round(core, "monitors", wes.monitors.period_s, look),
        "overtaken lots": Rounds(
            "overtaken lots", wes.monitors.period_s, Overtaken(core.store, core.context, core.alarms).work
        ),
        "stock alarms": Rounds(
            "stock alarms", wes.monitors.period_s, StockWatch(core.store, core.context, core.alarms).work
        ),
    }
    if wes.report is not None:
        works["reports"] = Rounds("reports", CALENDAR_S, Reports(core, wes.report).work)
    if courier is None or not is_told(core.context):
        return works
    sync = wes.upstream.sync
    works |= {
        "stock that just changed": _round(
            core, "stock that just changed", REAL_TIME_S, tell_what_just_changed
        ),
        "stock that has changed": Rounds(
            "stock that has changed", sync.incremental_s, lambda: sync_changed(core.store, core.context)
        ),
        "stock by schedule": Rounds(
            "stock by schedule", sync.scheduled_s, lambda: sync_scheduled(core.store, core.context)
        ),
        "whole stock": _round(core, "whole stock", CALENDAR_S, calibrate),
        "messages to upstream": UpstreamDelivery(
            store=core.store,
            courier=courier,
            clock=core.context.clock,
            steady=SteadyClock(core.context.clock),
            rng=rng,
            callbacks=core.callbacks,
        ),
    }
    if isinstance(courier, Broker) and wes.upstream.broker is not None:
        works["upstream's broker"] = _Listening(courier, Inbound(core, wes.upstream.broker))
    return works


def _round(core: WesCore, name: str, period_s: float, work: Callable[[WesCore], Awaitable[None]]) -> Rounds:
    return Rounds(name, period_s, lambda: work(core))
