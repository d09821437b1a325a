"""Webhooks: order per subject, retries, dead letters, replay, and what survives a restart. The receiver is a function."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.contract.events import Event, EventType
from gateway.contract.faults import Refusal, RefusalKind
from gateway.contract.subscriptions import (
    DeliveryStatus,
    ReplayRequest,
    SubscriptionRequest,
    SubscriptionStatus,
)
from gateway.delivery import endpoint as endpoints
from gateway.delivery import ledger as ledgers
from gateway.delivery import webhooks as webhooks_room
from gateway.delivery.sender import Answer
from gateway.delivery.webhooks import Webhooks
from gateway.kernel.kernel import Guard
from gateway.kernel.ports import Store, StoreFull, Tx
from gateway.store.inline import open_inline
from tests.unit.feeding import Feeding, StandingClock, nobody_else, start_feeding

pytestmark = pytest.mark.unit

OK = Answer(200)
FAILED = Answer(500)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "PAUSES_S", (0.001,) * 9)
    monkeypatch.setattr(ledgers, "GATHER_S", 0.001)
    monkeypatch.setattr(ledgers, "CURSOR_PERIOD_S", 0.01)


@dataclass
class Receiver:
    """Takes deliveries, answers as it is told, and remembers what it took."""

    answer: Callable[[Event], Answer] = lambda _: OK
    tried: list[Event] = field(default_factory=list[Event])
    taken: list[Event] = field(default_factory=list[Event])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    bodies: list[str] = field(default_factory=list[str])
    in_flight: dict[str, int] = field(default_factory=dict[str, int])
    most_in_flight: int = 0

    async def objection(self, url: str) -> str | None:
        await asyncio.sleep(0)
        return "the test forbids it" if "forbidden" in url else None

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        event = Event.model_validate_json(body)
        self.tried.append(event)
        self.headers.append(headers)
        self.bodies.append(body)
        assert self.in_flight.get(event.subject, 0) == 0, "two deliveries of one subject at a time"
        self.in_flight[event.subject] = 1
        self.most_in_flight = max(self.most_in_flight, sum(self.in_flight.values()))
        await asyncio.sleep(0.001)
        self.in_flight[event.subject] = 0
        answer = self.answer(event)
        if answer.status == 200:
            self.taken.append(event)
        return answer

    def seqs(self, subject: str | None = None) -> list[int]:
        return [event.seq for event in self.taken if subject in (None, event.subject)]


@dataclass
class Disk:
    """Where the database is; while it is full nothing can be committed."""

    is_full: bool = False

    async def has_room(self, tx: Tx) -> None:
        if self.is_full:
            raise StoreFull("no room")


@dataclass
class Scene:
    """A feed, its webhooks, and a receiver; `restart` is what a new process finds."""

    store: Store
    feeding: Feeding
    receiver: Receiver
    webhooks: Webhooks

    async def subscribe(self, *types: EventType, after: int | None = None) -> str:
        request = SubscriptionRequest(url="http://receiver/hook", types=types, after=after)
        return (await self.webhooks.create(request)).subscription_id

    async def statuses(self, subscription_id: str) -> dict[int, DeliveryStatus]:
        await self.webhooks._ledger.flush()
        return {
            view.seq: view.status
            for view in await self.webhooks.deliveries(subscription_id, None, None, 1000)
        }


@asynccontextmanager
async def running(store: Store, receiver: Receiver, guard: Guard = nobody_else) -> AsyncGenerator[Scene]:
    """Run webhooks on a database; leaving is like a kill: nothing more is written."""
    feeding = await start_feeding(store)
    webhooks = Webhooks(
        store=store,
        guard=guard,
        feed=feeding.feed,
        sender=receiver,
        clock=StandingClock(),
        rng=random.Random(5),
    )
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(webhooks.run())
        await asyncio.sleep(0)
        yield Scene(store, feeding, receiver, webhooks)
        work.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_events_of_a_subject_come_in_order_and_subjects_side_by_side() -> None:
    async with open_inline() as store, running(store, Receiver()) as scene:
        await scene.subscribe()
        for _ in range(20):
            await scene.feeding.happen(*(f"S{n}" for n in range(10)))
        await until(lambda: len(scene.receiver.taken) == 200)
        for n in range(10):
            assert scene.receiver.seqs(f"S{n}") == list(range(n + 1, 201, 10))
        assert 1 < scene.receiver.most_in_flight <= endpoints.PARALLEL


async def test_only_wanted_types_are_delivered() -> None:
    async with open_inline() as store, running(store, Receiver()) as scene:
        await scene.subscribe(EventType.ALARM_RAISED)
        await scene.feeding.happen("a")
        await scene.feeding.happen("b", kind=EventType.ALARM_RAISED)
        await until(lambda: len(scene.receiver.taken) == 1)
        await asyncio.sleep(0.02)
        assert scene.receiver.seqs() == [2]


async def test_a_subscription_may_start_in_the_past() -> None:
    async with open_inline() as store, running(store, Receiver()) as scene:
        await scene.feeding.happen("a", "b", "c")
        await scene.subscribe(after=1)
        await until(lambda: scene.receiver.seqs() == [2, 3])


def fails_for(subject: str, times: int, answer: Answer = FAILED) -> Callable[[Event], Answer]:
    """Refuse a subject's events some times."""
    left = times

    def decide(event: Event) -> Answer:
        nonlocal left
        if event.subject != subject or left == 0:
            return OK
        left -= 1
        return answer

    return decide


async def test_a_failed_delivery_is_tried_again_and_holds_up_its_own_subject_only() -> None:
    async with open_inline() as store, running(store, Receiver(fails_for("bad", 4))) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("bad", "good", "bad", "good")
        await until(lambda: len(scene.receiver.taken) == 4)
        assert scene.receiver.seqs("bad") == [1, 3]
        assert scene.receiver.seqs("good") == [2, 4]
        assert [event.seq for event in scene.receiver.tried if event.subject == "bad"] == [1] * 5 + [3]
        assert set((await scene.statuses(subscription)).values()) == {DeliveryStatus.DELIVERED}


async def test_the_receiver_may_ask_to_be_left_alone_for_a_while() -> None:
    busy = Answer(429, retry_after_s=0.08)
    async with open_inline() as store, running(store, Receiver(fails_for("a", 1, busy))) as scene:
        await scene.subscribe()
        await scene.feeding.happen("a")
        loop = asyncio.get_running_loop()
        started = loop.time()
        await until(lambda: scene.receiver.seqs() == [1])
        assert loop.time() - started >= 0.08


async def test_a_dead_letter_blocks_its_subject_until_it_is_skipped() -> None:
    async with open_inline() as store, running(store, Receiver(fails_for("bad", 10))) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("bad", "good", "bad")
        await until(lambda: scene.webhooks.view(subscription).dead_letters == 1)
        await scene.feeding.happen("bad", "good")
        await until(lambda: scene.receiver.seqs() == [2, 5])
        await asyncio.sleep(0.02)
        assert await scene.statuses(subscription) == {
            1: DeliveryStatus.DEAD,
            2: DeliveryStatus.DELIVERED,
            3: DeliveryStatus.WAITING,
            4: DeliveryStatus.WAITING,
            5: DeliveryStatus.DELIVERED,
        }
        with pytest.raises(Refusal, match="no dead letter"):
            await scene.webhooks.skip(subscription, 3)
        await scene.webhooks.skip(subscription, 1)
        await until(lambda: scene.receiver.seqs("bad") == [3, 4])
        assert (await scene.statuses(subscription))[1] is DeliveryStatus.SKIPPED


async def test_replaying_a_dead_letter_frees_its_subject() -> None:
    async with open_inline() as store, running(store, Receiver(fails_for("bad", 10))) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("bad", "good", "bad")
        await until(lambda: scene.webhooks.view(subscription).dead_letters == 1)
        await scene.webhooks.replay(subscription, ReplayRequest(from_seq=1, to_seq=1))
        await until(lambda: scene.receiver.seqs("bad") == [1, 3])
        assert scene.webhooks.view(subscription).dead_letters == 0


async def test_a_range_is_delivered_again_in_order() -> None:
    async with open_inline() as store, running(store, Receiver()) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen(*("ab" * 150))
        await until(lambda: len(scene.receiver.taken) == 300)
        scene.receiver.taken.clear()
        await scene.webhooks.replay(subscription, ReplayRequest(from_seq=51))
        await until(lambda: len(scene.receiver.taken) == 250)
        assert scene.receiver.seqs("a") == list(range(51, 301, 2))
        assert scene.receiver.seqs("b") == list(range(52, 301, 2))
        await until(lambda: scene.webhooks.view(subscription).replaying_until is None)
        with pytest.raises(Refusal, match="the feed holds"):
            await scene.webhooks.replay(subscription, ReplayRequest(from_seq=301))


async def test_410_disables_and_enabling_goes_on_where_it_stopped() -> None:
    async with open_inline() as store, running(store, Receiver(fails_for("b", 1, Answer(410)))) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("a")
        await until(lambda: scene.receiver.seqs() == [1])
        await scene.feeding.happen("b", "c")
        await until(lambda: scene.webhooks.view(subscription).status is SubscriptionStatus.DISABLED)
        assert scene.webhooks.view(subscription).reason == "the receiver answered 410 Gone"
        await scene.feeding.happen("d")
        await scene.webhooks.enable(subscription)
        await until(lambda: set(scene.receiver.seqs()) == {1, 2, 3, 4})


async def test_what_waited_for_an_answer_when_the_subscription_was_disabled_is_delivered_once_it_is_enabled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a subject whose receiver did not answer, when another subject's 410 disables and somebody enables."""
    monkeypatch.setattr(endpoints, "PAUSES_S", (100_000,) * 9)

    def decide(event: Event) -> Answer:
        return Answer(None, "refused") if event.subject == "quiet" else Answer(410)

    async with open_inline() as store, running(store, Receiver(decide)) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("quiet")
        await until(lambda: len(scene.receiver.tried) == 1)
        await scene.feeding.happen("gone")
        await until(lambda: scene.webhooks.view(subscription).status is SubscriptionStatus.DISABLED)
        scene.receiver.answer = lambda _: OK
        await scene.webhooks.enable(subscription)
        await until(lambda: set(scene.receiver.seqs()) == {1, 2})
        await scene.feeding.happen("later")
        await until(lambda: set(scene.receiver.seqs()) == {1, 2, 3})


async def test_an_enabling_that_found_the_disk_full_can_be_repeated() -> None:
    disk = Disk()
    receiver = Receiver(lambda _: Answer(410))
    async with open_inline() as store, running(store, receiver, disk.has_room) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("a")
        await until(lambda: scene.webhooks.view(subscription).status is SubscriptionStatus.DISABLED)
        receiver.answer = lambda _: OK
        disk.is_full = True
        with pytest.raises(StoreFull):
            await scene.webhooks.enable(subscription)
        assert scene.webhooks.view(subscription).status is SubscriptionStatus.DISABLED
        disk.is_full = False
        await scene.webhooks.enable(subscription)
        await until(lambda: receiver.seqs() == [1])


async def test_a_skip_that_found_the_disk_full_has_skipped_nothing() -> None:
    disk = Disk()
    receiver = Receiver(fails_for("bad", 10))
    async with open_inline() as store, running(store, receiver, disk.has_room) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("bad", "bad")
        await until(lambda: scene.webhooks.view(subscription).dead_letters == 1)
        disk.is_full = True
        with pytest.raises(StoreFull):
            await scene.webhooks.skip(subscription, 1)
        disk.is_full = False
        assert (await scene.statuses(subscription))[1] is DeliveryStatus.DEAD
        await asyncio.sleep(0.02)
        assert receiver.seqs() == []
        await scene.webhooks.skip(subscription, 1)
        await until(lambda: receiver.seqs() == [2])


async def test_a_replay_that_found_the_disk_full_repeats_nothing() -> None:
    disk = Disk()
    receiver = Receiver(fails_for("bad", 10))
    async with open_inline() as store, running(store, receiver, disk.has_room) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("good", "bad")
        await until(lambda: scene.webhooks.view(subscription).dead_letters == 1)
        disk.is_full = True
        with pytest.raises(StoreFull):
            await scene.webhooks.replay(subscription, ReplayRequest(from_seq=1))
        disk.is_full = False
        assert (await scene.statuses(subscription))[2] is DeliveryStatus.DEAD
        assert scene.webhooks.view(subscription).replaying_until is None
        await asyncio.sleep(0.02)
        assert receiver.seqs() == [1]
        await scene.webhooks.replay(subscription, ReplayRequest(from_seq=1))
        await until(lambda: sorted(receiver.seqs()) == [1, 1, 2])


async def test_what_somebody_decided_outlives_a_kill_and_what_was_not_decided_does_not_happen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given two dead letters, when one is skipped and one replayed, and nothing else is written before the kill."""
    receiver = Receiver(lambda _: FAILED)
    async with open_inline() as store:
        async with running(store, receiver) as scene:
            subscription = await scene.subscribe()
            await scene.feeding.happen("a", "b", "c")
            await until(lambda: scene.webhooks.view(subscription).dead_letters == 3)
            await scene.statuses(subscription)
            monkeypatch.setattr(ledgers, "GATHER_S", 60)
            await asyncio.sleep(0.02)
            await scene.webhooks.skip(subscription, 1)
            await scene.webhooks.replay(subscription, ReplayRequest(from_seq=2, to_seq=2))
        receiver.in_flight.clear()
        receiver.answer = lambda _: OK
        async with running(store, receiver) as scene:
            await until(lambda: receiver.seqs() == [2])
            assert await scene.statuses(subscription) == {
                1: DeliveryStatus.SKIPPED,
                2: DeliveryStatus.DELIVERED,
                3: DeliveryStatus.DEAD,
            }


async def test_one_that_was_disabled_for_so_long_that_events_are_forgotten_does_not_pass_over_them() -> None:
    async with open_inline() as store, running(store, Receiver(lambda _: Answer(410))) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("a")
        await until(lambda: scene.webhooks.view(subscription).status is SubscriptionStatus.DISABLED)
        await scene.feeding.happen("b", "c")
        scene.feeding.feed.forget_before(2)
        with pytest.raises(Refusal, match="stopped at event 0") as refused:
            await scene.webhooks.enable(subscription)
        assert refused.value.kind is RefusalKind.CONFLICT
        assert scene.webhooks.view(subscription).status is SubscriptionStatus.DISABLED


async def test_two_who_delete_one_subscription_at_once_hear_that_it_is_gone() -> None:
    async with open_inline() as store, running(store, Receiver()) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("a")
        first, second = await asyncio.gather(
            scene.webhooks.delete(subscription), scene.webhooks.delete(subscription), return_exceptions=True
        )
        assert first is None
        assert isinstance(second, Refusal)
        assert second.kind is RefusalKind.NOT_FOUND


async def test_there_are_never_more_subscriptions_than_the_most_however_many_are_asked_for_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhooks_room, "SUBSCRIPTIONS_MAX", 2)
    async with open_inline() as store, running(store, Receiver()) as scene:
        answers = await asyncio.gather(*(scene.subscribe() for _ in range(4)), return_exceptions=True)
        assert [isinstance(answer, Refusal) for answer in answers] == [False, False, True, True]


async def test_who_wants_all_types_wants_those_of_a_newer_release_too() -> None:
    async with open_inline() as store, running(store, Receiver()) as scene:
        await scene.subscribe()
        await scene.subscribe(EventType.ALARM_RAISED)

        async def job(tx: Tx) -> list[str]:
            return [types for (types,) in await tx.fetch("SELECT types FROM subscriptions ORDER BY types")]

        assert await store.read(job) == ['["alarm.raised"]', "[]"]


async def test_a_subscription_that_cannot_move_any_more_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "WINDOW", 4)
    async with open_inline() as store, running(store, Receiver(lambda _: Answer(500))) as scene:
        subscription = await scene.subscribe()
        await scene.feeding.happen("a", "a", "b", "b", "c")
        await until(lambda: scene.webhooks.view(subscription).status is SubscriptionStatus.DISABLED)
        assert "2 dead letters" in (scene.webhooks.view(subscription).reason or "")
        scene.receiver.answer = lambda _: OK
        await scene.webhooks.replay(subscription, ReplayRequest(from_seq=1, to_seq=4))
        await scene.webhooks.enable(subscription)
        await until(lambda: set(scene.receiver.seqs()) == {1, 2, 3, 4, 5})


async def test_after_an_outage_nobody_waits_for_the_end_of_a_long_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoints, "PAUSES_S", (100_000,) * 9)
    async with open_inline() as store, running(store, Receiver(lambda _: Answer(None, "refused"))) as scene:
        await scene.subscribe()
        await scene.feeding.happen(*(f"S{n}" for n in range(30)))
        await until(lambda: len(scene.receiver.tried) == 30)
        scene.receiver.answer = lambda _: OK
        await scene.feeding.happen("T")
        await until(lambda: len(scene.receiver.taken) == 31)


async def test_what_is_deleted_is_forgotten() -> None:
    async with open_inline() as store:
        async with running(store, Receiver()) as scene:
            subscription = await scene.subscribe()
            await scene.feeding.happen("a")
            await until(lambda: scene.receiver.seqs() == [1])
            await scene.webhooks.delete(subscription)
            assert scene.webhooks.views() == []
            await scene.feeding.happen("a")
        async with running(store, Receiver()) as scene:
            await asyncio.sleep(0.01)
            assert scene.webhooks.views() == []
            assert scene.receiver.tried == []


async def test_wrong_subscriptions_are_refused() -> None:
    async with open_inline() as store, running(store, Receiver()) as scene:
        with pytest.raises(Refusal, match="the test forbids it") as refused:
            await scene.webhooks.create(SubscriptionRequest(url="http://forbidden/"))
        assert refused.value.kind is RefusalKind.INVALID
        with pytest.raises(Refusal, match="the feed holds"):
            await scene.subscribe(after=7)
        with pytest.raises(Refusal) as unknown:
            scene.webhooks.view("sub-unknown")
        assert unknown.value.kind is RefusalKind.NOT_FOUND


@pytest.mark.parametrize("seed", range(8), ids=str)
async def test_however_often_it_is_killed_every_event_arrives_and_subjects_keep_their_order(
    seed: int,
) -> None:
    chance = random.Random(seed)
    receiver = Receiver(lambda _: Answer(500) if chance.random() < 0.3 else OK)
    total = 0
    async with open_inline() as store:
        async with running(store, receiver) as scene:
            await scene.subscribe()
        for _ in range(12):
            async with running(store, receiver) as scene:
                receiver.in_flight.clear()
                for _ in range(chance.randint(0, 8)):
                    subjects = [f"S{chance.randint(0, 5)}" for _ in range(chance.randint(1, 8))]
                    await scene.feeding.happen(*subjects)
                    total += len(subjects)
                    await asyncio.sleep(chance.choice((0, 0.001, 0.004)))
        receiver.in_flight.clear()
        async with running(store, receiver):
            await until(lambda: set(receiver.seqs()) == set(range(1, total + 1)))
    for n in range(6):
        first_arrivals = list(dict.fromkeys(receiver.seqs(f"S{n}")))
        assert first_arrivals == sorted(first_arrivals)


async def test_a_delivery_that_was_not_noted_before_the_kill_comes_again_with_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledgers, "GATHER_S", 60)
    receiver = Receiver()
    async with open_inline() as store:
        async with running(store, receiver) as scene:
            await scene.subscribe()
            await scene.feeding.happen("a")
            await until(lambda: receiver.seqs() == [1])
        async with running(store, receiver):
            await until(lambda: receiver.seqs() == [1, 1])
    assert [headers["webhook-id"] for headers in receiver.headers] == ["1", "1"]
    assert receiver.bodies[0] == receiver.bodies[1]
