"""What is forgotten: only what everybody has passed and nothing needs, in small steps."""

from dataclasses import dataclass

import pytest

from gateway.contract.subscriptions import DeliveryStatus
from gateway.delivery.rows import Delivery, Subscription, insert_subscription, upsert_deliveries
from gateway.kernel.feed import ALL_TYPES
from gateway.kernel.ports import Store, Tx
from gateway.store import retention
from gateway.store.inline import open_inline
from gateway.store.retention import DAY_S, Retention
from tests.unit.feeding import START_US, Feeding, nobody_else, start_feeding

pytestmark = pytest.mark.unit


@dataclass
class Later:
    """A clock that is some days ahead of the events."""

    days: float

    def now_us(self) -> int:
        return START_US + round(self.days * DAY_S * 1e6)


def retention_after(days: float, store: Store, feeding: Feeding) -> Retention:
    return Retention(
        store=store,
        guard=nobody_else,
        clock=Later(days),
        forgotten=feeding.feed.forget_before,
        keep_events_s=30 * DAY_S,
    )


async def kept(store: Store) -> list[int]:
    async def job(tx: Tx) -> list[int]:
        return [row[0] for row in await tx.fetch("SELECT seq FROM events ORDER BY seq")]

    return await store.read(job)


async def subscribe(store: Store, cursor: int, disabled: str | None = None) -> None:
    async def job(tx: Tx) -> None:
        await insert_subscription(
            tx,
            Subscription(
                subscription_id=f"sub-{cursor}",
                url="http://x/",
                types=ALL_TYPES,
                secret="",
                created_us=0,
                cursor=cursor,
                disabled=disabled,
            ),
        )

    await store.write(job)


async def test_old_events_go_but_the_newest_stays_so_that_numbers_go_on() -> None:
    async with open_inline() as store:
        feeding = await start_feeding(store)
        await feeding.happen(*"abcde")
        assert not await retention_after(29, store, feeding).step()
        assert await kept(store) == [1, 2, 3, 4, 5]
        await retention_after(31, store, feeding).step()
        assert await kept(store) == [5]
        assert feeding.feed.first_seq == 5
        assert (await start_feeding(store)).feed.first_seq == 5


async def test_events_that_a_subscription_has_not_passed_stay() -> None:
    async with open_inline() as store:
        feeding = await start_feeding(store)
        await feeding.happen(*"abcde")
        await subscribe(store, cursor=3)
        await subscribe(store, cursor=1, disabled="gone")
        await retention_after(31, store, feeding).step()
        assert await kept(store) == [4, 5]


async def test_the_event_of_a_dead_letter_stays_until_that_has_ended() -> None:
    def letter(status: DeliveryStatus) -> Delivery:
        return Delivery(
            subscription_id="sub-5",
            seq=2,
            subject="b",
            status=status,
            attempts=10,
            http_status=500,
            error="",
            updated_us=START_US,
        )

    async with open_inline() as store:
        feeding = await start_feeding(store)
        await feeding.happen(*"abcde")
        await subscribe(store, cursor=5)
        await store.write(lambda tx: upsert_deliveries(tx, [letter(DeliveryStatus.DEAD)]))
        await retention_after(31, store, feeding).step()
        assert await kept(store) == [2, 5]
        assert feeding.feed.first_seq == 5
        await store.write(lambda tx: upsert_deliveries(tx, [letter(DeliveryStatus.SKIPPED)]))
        await retention_after(31, store, feeding).step()
        assert await kept(store) == [5]


async def test_a_step_is_bounded_and_tells_that_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 3)
    async with open_inline() as store:
        feeding = await start_feeding(store)
        await feeding.happen(*"abcdefgh")
        sweeper = retention_after(31, store, feeding)
        assert [await sweeper.step() for _ in range(4)] == [True, True, False, False]
        assert await kept(store) == [8]


async def test_ended_transports_commands_and_puts_go_open_ones_stay() -> None:
    async with open_inline() as store:
        feeding = await start_feeding(store)

        async def fill(tx: Tx) -> None:
            for key, status in (("T1", "completed"), ("T2", "failed"), ("T3", "cancelled")):
                await tx.execute(
                    "INSERT INTO transports (key, status, container_id, updated_us, number, doc)"
                    " VALUES (:key, :status, 'C', :at, :number, '{}')",
                    {"key": key, "status": status, "at": START_US, "number": int(key[1:])},
                )
            for key, ended in ((1, START_US), (2, None)):
                await tx.execute(
                    "INSERT INTO commands (key, transport_id, status, ended_us, doc)"
                    " VALUES (:key, 'T', 'x', :ended, '{}')",
                    {"key": key, "ended": ended},
                )
            for key, status in (("P1", "short"), ("P2", "lit")):
                await tx.execute(
                    "INSERT INTO puts (key, status, wall, updated_us, number, doc)"
                    " VALUES (:key, :status, 'W', :at, 1, '{}')",
                    {"key": key, "status": status, "at": START_US},
                )

        async def left(tx: Tx) -> list[list[object]]:
            tables = ("transports", "commands", "puts")
            return [[row[0] for row in await tx.fetch(f"SELECT key FROM {table}")] for table in tables]

        await store.write(fill)
        await retention_after(89, store, feeding).step()
        assert await store.read(left) == [["T1", "T2", "T3"], [1, 2], ["P1", "P2"]]
        await retention_after(91, store, feeding).step()
        assert await store.read(left) == [["T2"], [2], ["P2"]]
