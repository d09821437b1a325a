"""The rounds of the core that belong to orders, stock and upstream (S0-44); gateway/delivery/rounds.py lets them run."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.kernel.clock import last_due
from gateway.kernel.ports import Tx
from gateway.wes.alarms import Alarm
from gateway.wes.core import WesCore
from gateway.wes.floor.shortfall import promise_other_lots
from gateway.wes.orders.headers import SYSTEM
from gateway.wes.orders.reservation import list_short, reserve_again
from gateway.wes.planning.presentations import Overtaken
from gateway.wes.proof import prove
from gateway.wes.stock.model import Act, Lot, Quality
from gateway.wes.stock.quality import change_quality, due_to_expire
from gateway.wes.stock.refusal import StockRefused
from gateway.wes.stock.verify import Finding
from gateway.wes.transfers.freeing import free_lot
from gateway.wes.upstream.sync import sync_full, sync_just_now

WINDOW_US: Final = 10_000_000
"""How far back a look for changes goes: longer than a commit may take."""
KEEP_US: Final = 7 * 86_400_000_000
"""How long delivered messages are kept."""
STEP: Final = 1_000

CONTRADICTIONS: Final = "contradictions"
"""The alarm that stock, ledger and documents do not agree."""

_PROMISED: Final = (
    "SELECT DISTINCT l.order_id FROM lot_reservations r JOIN order_lines l ON l.line_id = r.line_id"
    " WHERE r.lot_id = :lot_id AND r.quantity > 0 ORDER BY l.order_id"
)
_FULL_SYNC: Final = "fullSync"
_VERIFIED: Final = "verified"
_LAST: Final = "SELECT seq FROM cursors WHERE name = :name"
_DONE: Final = (
    "INSERT INTO cursors (name, seq) VALUES (:name, :day) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"
)
_FORGET: Final = (
    "DELETE FROM outbox WHERE message_id IN (SELECT message_id FROM outbox WHERE state = 'delivered'"
    " AND ended_at < :before LIMIT :limit)",
    "DELETE FROM inbox WHERE (consumer, message_id) IN (SELECT consumer, message_id FROM inbox WHERE at_us < :before"
    " LIMIT :limit)",
    "DELETE FROM acts WHERE act_id IN (SELECT act_id FROM acts WHERE at_us < :before LIMIT :limit)",
    "DELETE FROM replies WHERE reply_key IN (SELECT reply_key FROM replies WHERE expires_at < :now LIMIT :limit)",
)


class ShortOrders:
    """Tries again to reserve for orders that were short, some in each round, and all in turn."""

    def __init__(self, core: WesCore) -> None:
        self._core = core
        self._after = 0

    async def work(self) -> None:
        """Try the next ones, each in a transaction of its own."""
        core, limit = self._core, self._core.context.wes.timers.reservation.batch
        found = await core.store.read(lambda tx: list_short(tx, self._after, limit))
        for order_id in found:
            await core.store.write(lambda tx, which=order_id: reserve_again(tx, core.context, which))
        self._after = found[-1] if len(found) == limit else 0


async def tell_what_just_changed(core: WesCore) -> None:
    """Tell upstream the changes of the last moment, of products that it wants to hear of at once."""
    await sync_just_now(core.store, core.context, core.context.clock.now_us() - WINDOW_US)


class Verification:
    """Proves every night that stock, ledger and documents agree (S3-30). What it finds is an alarm and a metric."""

    def __init__(self, core: WesCore) -> None:
        self._core = core
        self._day = date.min

    async def work(self) -> None:
        """Verify once a day; a night that was slept through is made up for, and one that found something is repeated at a start."""
        wes, now = self._core.context.wes, self._core.context.clock.now_us()
        if wes.verify_at is None:
            return
        day = last_due(now, wes.verify_at, ZoneInfo(wes.timezone))
        if day == self._day:
            return
        last = await self._core.store.read(lambda tx: tx.fetch(_LAST, {"name": _VERIFIED}))
        if last and last[0][0] >= day.toordinal():
            self._core.tally.findings = 0
        else:
            await self._verify(day, now)
        self._day = day

    async def _verify(self, day: date, now: Micros) -> None:
        findings = await self._core.store.read(lambda tx: prove(tx, now))
        self._tell(findings, now)
        if not findings:
            done = {"name": _VERIFIED, "day": day.toordinal()}
            await self._core.store.write(lambda tx: tx.execute(_DONE, done))

    def _tell(self, findings: Sequence[Finding], now: Micros) -> None:
        core = self._core
        core.tally.findings = len(findings)
        if not findings:
            core.alarms.clear(CONTRADICTIONS)
            return
        first = findings[0]
        core.alarms.raise_alarm(
            Alarm(
                subject="stock",
                code=CONTRADICTIONS,
                text=f"Verification found {len(findings)}: {first.place}: {first.problem}",
                advice="See all of them, and what to do: gateway wes verify.",
                raised_at=now,
            )
        )


async def calibrate(core: WesCore) -> None:
    """Tell upstream the whole stock once a day; a day that was slept through is made up for (S4-24)."""
    wes = core.context.wes
    if wes.upstream.sync.full_at is None:
        return
    day = last_due(core.context.clock.now_us(), wes.upstream.sync.full_at, ZoneInfo(wes.timezone))
    last = await core.store.read(lambda tx: tx.fetch(_LAST, {"name": _FULL_SYNC}))
    if last and last[0][0] >= day.toordinal():
        return
    await sync_full(core.store, core.context, f"FULL-{day:%Y%m%d}")
    await core.store.write(lambda tx: tx.execute(_DONE, {"name": _FULL_SYNC, "day": day.toordinal()}))


async def expire(core: WesCore) -> None:
    """Bar lots whose day has come, some in each round, so that upstream is not offered them (S3-27).

    Whom they are promised is promised others, and transfers leave them where they are. One of which something is allocated
    stays as it is until that is picked or released; nothing more is promised of it, for its day counts there as well.
    """
    due = await core.store.read(lambda tx: due_to_expire(tx, core.context.clock.now_us(), STEP))
    for lot in due:
        text = f"lot {lot.lot_no or lot.lot_id} has expired before it was picked"
        for (order_id,) in await core.store.read(
            lambda tx, lot=lot: tx.fetch(_PROMISED, {"lot_id": lot.lot_id})
        ):
            await core.store.write(
                partial(
                    promise_other_lots, context=core.context, order_id=order_id, lot_id=lot.lot_id, text=text
                )
            )
        with suppress(StockRefused, Overtaken):
            await free_lot(core.store, core.context, lot.lot_id, text)
            await core.store.write(partial(_expire, core=core, lot=lot))


async def forget(core: WesCore) -> None:
    """Forget what nobody will ask for any more, a bounded part at a time."""
    now = core.context.clock.now_us()
    params = {"now": now, "before": now - KEEP_US, "limit": STEP}

    async def job(tx: Tx) -> int:
        return max([await tx.execute(sql, params) for sql in _FORGET])

    while await core.store.write(job) == STEP:
        pass


async def _expire(tx: Tx, core: WesCore, lot: Lot) -> None:
    act = Act(
        event_id=f"expire-{core.context.ids.next()}",
        document_kind="lot",
        document_id=str(lot.lot_id),
        operator=SYSTEM,
        at=core.context.clock.now_us(),
        reason="its day has come",
    )
    await change_quality(tx, act, lot.lot_id, Quality.EXPIRED)
