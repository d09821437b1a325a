"""How the exchange with upstream does (S4-48…54): measured every minute, an alarm where a threshold is passed.

Orders that are late (S4-38) are measured with it: they are what upstream waits for.

Shares are those of the last hour since the start; without traffic there is no share and no alarm (S4-64). A delay is the age
of the oldest message that waits, and "last sync" counts only while stock messages wait: a quiet night is no fault (S4-65).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx
from gateway.site.wes import Monitors
from gateway.wes.alarms import Alarm
from gateway.wes.core import Outcome, Reading, WesCore
from gateway.wes.orders.lateness import count_late
from gateway.wes.outbox import Topic

HOUR_US: Final = 3_600_000_000

_WAITING: Final = (
    "SELECT topic, COUNT(*), MIN(created_at) FROM outbox WHERE state <> 'delivered' GROUP BY topic"
)
_SYNCED: Final = (
    f"SELECT ended_at FROM outbox WHERE state = 'delivered' AND topic <> '{Topic.STATUS_CALLBACK}'"
    " ORDER BY ended_at DESC LIMIT 1"
)


class Monitor(StrEnum):
    """What is measured."""

    COMMAND_SUCCESS = "commandSuccess"
    STOCK_DELAY = "stockDelay"
    CALLBACK_DELAY = "callbackDelay"
    BACKLOG = "backlog"
    LAST_SYNC = "lastSync"
    CALLBACK_FAILURES = "callbackFailures"
    LATE_ORDERS = "lateOrders"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an alarm of one monitor tells people.

    Attributes:
        text: with the value.
        advice: what to do.
    """

    text: str
    advice: str


_ADVICE_GONE: Final = "See whether upstream answers, and what was given up: gateway wes messages list."
MEANINGS: Final[Mapping[Monitor, Meaning]] = {
    Monitor.COMMAND_SUCCESS: Meaning(
        "{:.1%} of the last hour's commands were taken",
        "Look into the log for what was declined, and have upstream mend it.",
    ),
    Monitor.STOCK_DELAY: Meaning("A stock message has waited for {:.0f} s", _ADVICE_GONE),
    Monitor.CALLBACK_DELAY: Meaning("A callback has waited for {:.0f} s", _ADVICE_GONE),
    Monitor.BACKLOG: Meaning("{:.0f} messages wait for upstream", _ADVICE_GONE),
    Monitor.LAST_SYNC: Meaning("No stock message was taken for {:.0f} s", _ADVICE_GONE),
    Monitor.CALLBACK_FAILURES: Meaning("{:.1%} of the last hour's callbacks were refused", _ADVICE_GONE),
    Monitor.LATE_ORDERS: Meaning(
        "Orders that are late: {:.0f}", "See which, and why they wait: gateway wes exceptions list."
    ),
}


async def look(core: WesCore) -> None:
    """Measure; raise and clear alarms."""
    now = core.context.clock.now_us()
    limits = core.context.wes.monitors
    readings = {
        **await core.store.read(partial(_of_the_database, limits=limits, now=now)),
        **_of_the_last_hour(core, limits, now),
    }
    core.tally.readings = readings
    for monitor in Monitor:
        reading = readings.get(monitor)
        if reading is not None and reading.alarm:
            core.alarms.raise_alarm(_alarm(monitor, reading.value, now))
        else:
            core.alarms.clear(monitor)


async def _of_the_database(tx: Tx, limits: Monitors, now: Micros) -> Mapping[str, Reading]:
    """Return what waits, and for how long."""
    waiting = {Topic(topic): (count, oldest) for topic, count, oldest in await tx.fetch(_WAITING)}
    synced = await tx.fetch(_SYNCED)
    stock = _age_s(
        now, (oldest for topic, (_, oldest) in waiting.items() if topic is not Topic.STATUS_CALLBACK)
    )
    callback = _age_s(
        now, (oldest for topic, (_, oldest) in waiting.items() if topic is Topic.STATUS_CALLBACK)
    )
    last_sync = _age_s(now, (row[0] for row in synced)) if stock else 0.0
    late = await count_late(tx)
    backlog = sum(count for count, _ in waiting.values())
    return {
        Monitor.STOCK_DELAY: Reading(stock, stock > limits.stock_delay_s),
        Monitor.CALLBACK_DELAY: Reading(callback, callback > limits.callback_delay_s),
        Monitor.BACKLOG: Reading(backlog, backlog > limits.backlog),
        Monitor.LAST_SYNC: Reading(last_sync, last_sync > limits.last_sync_s),
        Monitor.LATE_ORDERS: Reading(late, late > limits.late_orders),
    }


def _of_the_last_hour(core: WesCore, limits: Monitors, now: Micros) -> Mapping[str, Reading]:
    """Return shares of what was exchanged; none without traffic. Not for a job: it is noted while jobs run."""
    readings: dict[str, Reading] = {}
    success = _share(core.commands, now)
    if success is not None:
        readings[Monitor.COMMAND_SUCCESS] = Reading(success, success < limits.command_success_min)
    delivered = _share(core.callbacks, now)
    if delivered is not None:
        failed = 1 - delivered
        readings[Monitor.CALLBACK_FAILURES] = Reading(failed, failed > limits.callback_failures_max)
    return readings


def _alarm(monitor: Monitor, value: float, now: Micros) -> Alarm:
    meaning = MEANINGS[monitor]
    text = meaning.text.format(value)
    return Alarm(subject="upstream", code=monitor, text=text, advice=meaning.advice, raised_at=now)


def _age_s(now: Micros, moments: Iterable[Micros]) -> float:
    """Return the age of the oldest; 0 if there is none."""
    return max(((now - at) / 1e6 for at in moments), default=0.0)


def _share(outcomes: Iterable[Outcome], now: Micros) -> float | None:
    """Return the share of good ones in the last hour; None without any."""
    good = [each.good for each in outcomes if each.at_us > now - HOUR_US]
    return sum(good) / len(good) if good else None
