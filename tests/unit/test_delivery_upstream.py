"""Messages to upstream: in order within their lane, again until they are taken, and nothing given up while nobody answers."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from gateway.delivery import upstream as room
from gateway.delivery.endpoint import PAUSES_S
from gateway.delivery.sender import Answer
from gateway.delivery.upstream import HttpCourier, UpstreamDelivery
from gateway.delivery.wes import upstream_works
from gateway.kernel.clock import to_datetime
from gateway.wes.core import WesCore
from gateway.wes.outbox import Message, send_again, skip_message
from gateway.wes.upstream.monitors import Monitor, look
from gateway.wes.upstream.sync import sync_changed
from tests.unit.wes_rig import Core, command, core, settings

pytestmark = pytest.mark.unit

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOUR_US = 3_600_000_000


@dataclass
class Receiver:
    """Answers as it is told and remembers what it took; the last answer counts on."""

    answers: list[Answer] = field(default_factory=lambda: [Answer(200)])
    tried: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    taken: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    async def deliver(self, message: Message) -> Answer:
        body = json.loads(message.body)
        self.tried.append(body)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if answer.status == 200:
            self.taken.append((message.lane, message.sequence))
        return answer


def delivery_of(opened: Core, receiver: Receiver, parts: WesCore | None = None) -> UpstreamDelivery:
    parts = parts or WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
    return UpstreamDelivery(
        store=opened.store,
        courier=receiver,
        clock=opened.clock,
        steady=opened.clock,
        rng=Random(1),
        callbacks=parts.callbacks,
    )


async def states(opened: Core) -> list[tuple[str, int]]:
    return [(*row,) for row in await opened.rows("SELECT state, attempts FROM outbox ORDER BY message_id")]


async def two_messages(opened: Core) -> None:
    await opened.stock("A", 1)
    await opened.submit(command("C-1", ("A", 1)))
    await opened.cancel("ORD-C-1")


async def test_messages_about_one_order_go_out_one_after_the_other() -> None:
    async with core() as opened:
        await two_messages(opened)
        receiver = Receiver()
        delivery = delivery_of(opened, receiver)
        for _ in range(3):
            await delivery.step()
        assert receiver.taken == [("order:ORD-C-1", 1), ("order:ORD-C-1", 2)]
        assert await states(opened) == [("delivered", 1), ("delivered", 1)]


async def test_a_message_that_is_refused_is_tried_again_and_the_next_one_waits_for_it() -> None:
    async with core() as opened:
        await two_messages(opened)
        receiver = Receiver([Answer(400), Answer(200)])
        delivery = delivery_of(opened, receiver)
        await delivery.step()
        await delivery.step()
        assert await states(opened) == [("pending", 1), ("pending", 0)]
        opened.clock.at_us += 100 * HOUR_US
        await delivery.step()
        await delivery.step()
        assert [each["status"] for each in receiver.tried] == ["RECEIVED", "RECEIVED", "CANCELLED"]
        assert receiver.tried[0] == receiver.tried[1], "the same message has the same id"


async def test_a_message_that_is_never_taken_is_dead_and_blocks_its_lane_until_somebody_decides() -> None:
    async with core() as opened:
        await two_messages(opened)
        receiver = Receiver([Answer(400)])
        delivery = delivery_of(opened, receiver)
        for _ in range(len(PAUSES_S) + 3):
            await delivery.step()
            opened.clock.at_us += 100 * HOUR_US
        assert await states(opened) == [("dead", 10), ("pending", 0)]
        ((message_id,),) = await opened.rows("SELECT message_id FROM outbox WHERE state = 'dead'")
        write, context = opened.store.write, opened.context
        assert await write(lambda tx: send_again(tx, context, message_id))
        assert not await write(lambda tx: send_again(tx, context, message_id))
        await delivery.step()
        assert await states(opened) == [("pending", 1), ("pending", 0)]
        await opened.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'dead' WHERE attempts = 1"))
        assert await write(lambda tx: skip_message(tx, context, message_id))
        receiver.answers = [Answer(200)]
        await delivery.step()
        assert receiver.taken == [("order:ORD-C-1", 2)]


@pytest.mark.parametrize("down", [Answer(None, "refused"), Answer(503)], ids=["no answer", "503"])
async def test_while_nobody_answers_one_message_probes_and_nothing_is_counted(down: Answer) -> None:
    async with core() as opened:
        await opened.stock("A", 9)
        for n in range(5):
            await opened.submit(command(f"C-{n}", ("A", 1)))
        receiver = Receiver([down])
        delivery = delivery_of(opened, receiver)
        for _ in range(20):
            await delivery.step()
        assert len(receiver.tried) == 5 + 19
        assert await states(opened) == [("pending", 0)] * 5
        receiver.answers = [Answer(200)]
        await delivery.step()
        await delivery.step()
        assert len(receiver.taken) == 5


async def test_a_message_that_the_receiver_fails_at_holds_up_no_others() -> None:
    """Given a message that is always answered with 502, when it was the only one, then others still get through."""

    class Fragile(Receiver):
        async def deliver(self, message: Message) -> Answer:
            self.answers = [Answer(502) if message.lane == "order:ORD-C-0" else Answer(200)]
            return await super().deliver(message)

    async with core() as opened:
        await opened.stock("A", 9)
        await opened.submit(command("C-0", ("A", 1)))
        receiver = Fragile()
        delivery = delivery_of(opened, receiver)
        await delivery.step()
        await delivery.step()
        await opened.submit(command("C-1", ("A", 1)))
        for _ in range(30):
            await delivery.step()
        assert receiver.taken == [("order:ORD-C-1", 1)]
        assert await states(opened) == [("pending", 0), ("delivered", 1)]


@pytest.mark.parametrize(
    ("first", "messages"), [(Answer(503), 1), (Answer(200), 2)], ids=["down before", "some taken"]
)
async def test_a_receiver_that_wants_to_be_left_alone_is_so_whatever_it_answered_before(
    first: Answer, messages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "DOWN_FIRST_S", 0.001)
    monkeypatch.setattr(room, "DOWN_MAX_S", 0.001)
    monkeypatch.setattr(room, "PERIOD_S", 0.001)
    async with core() as opened:
        await opened.stock("A", 9)
        for n in range(messages):
            await opened.submit(command(f"C-{n}", ("A", 1)))
        receiver = Receiver([first, Answer(429, retry_after_s=100_000)])
        async with asyncio.TaskGroup() as tasks:
            delivering = tasks.create_task(delivery_of(opened, receiver).run())
            await asyncio.sleep(0.2)
            assert len(receiver.tried) == 2
            delivering.cancel()


async def test_a_stock_message_that_was_replaced_while_it_was_under_way_is_followed_by_the_newer_one() -> (
    None
):
    async with core() as opened:
        await opened.stock("A", 9)
        await sync_changed(opened.store, opened.context)

        class Slow(Receiver):
            async def deliver(self, message: Message) -> Answer:
                if not self.tried:
                    await opened.submit(command("C-1", ("A", 1)))
                    await sync_changed(opened.store, opened.context)
                return await super().deliver(message)

        receiver = Slow()
        delivery = delivery_of(opened, receiver)
        for _ in range(3):
            await delivery.step()
        told = [(each["availableQty"], each["version"]) for each in receiver.tried if "skuId" in each]
        assert told == [(9, 1), (8, 2)]


@dataclass
class Wire:
    posted: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list[Any])

    async def objection(self, url: str) -> str | None:
        return None

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        self.posted.append((url, headers, body))
        return Answer(200)


async def test_a_post_goes_to_the_path_of_the_interface_and_its_signature_holds() -> None:
    async with core() as opened:
        await opened.stock("A", 1)
        await opened.submit(command("C-1", ("A", 1)))
        await sync_changed(opened.store, opened.context)
        wire = Wire()
        courier = HttpCourier(wire, "http://oms/base/", SECRET, opened.clock)
        callbacks = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers).callbacks
        delivery = UpstreamDelivery(
            store=opened.store,
            courier=courier,
            clock=opened.clock,
            steady=opened.clock,
            rng=Random(1),
            callbacks=callbacks,
        )
        await delivery.step()
        paths = ["/base/api/wms/callback/status", "/base/api/wms/inventory/sync"]
        assert [url for url, _, _ in wire.posted] == [f"http://oms{path}" for path in paths]
        for _, headers, body in wire.posted:
            signer = Webhook(SECRET)
            at = to_datetime(int(headers["webhook-timestamp"]) * 1_000_000)
            assert signer.sign(headers["webhook-id"], at, body) == headers["webhook-signature"]
        assert json.loads(wire.posted[0][2])["callbackId"] == wire.posted[0][1]["webhook-id"]


@given(st.lists(st.sampled_from([200, 200, 400, 500, 503, None]), max_size=30))
async def test_whatever_it_answers_each_message_is_taken_once_and_in_order(answers: list[int | None]) -> None:
    async with core() as opened:
        await opened.stock("A", 9)
        for n in range(3):
            await opened.submit(command(f"C-{n}", ("A", 1)))
            await opened.cancel(f"ORD-C-{n}")
        receiver = Receiver([*(Answer(status) for status in answers), Answer(200)])
        delivery = delivery_of(opened, receiver)
        for _ in range(60):
            await delivery.step()
            opened.clock.at_us += 30 * HOUR_US
        for n in range(3):
            lane = f"order:ORD-C-{n}"
            assert [each for each in receiver.taken if each[0] == lane] == [(lane, 1), (lane, 2)]


# ── monitors ──────────────────────────────────────────────────────────────────────────────────────────


async def test_without_traffic_there_is_nothing_to_divide_and_no_alarm() -> None:
    async with core() as opened:
        parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        await look(parts)
        assert Monitor.COMMAND_SUCCESS not in parts.tally.readings
        assert Monitor.CALLBACK_FAILURES not in parts.tally.readings
        assert not any(reading.alarm for reading in parts.tally.readings.values())


async def test_each_threshold_raises_its_alarm_and_ends_it() -> None:
    limits = {"backlog": 1}
    async with core(monitors=limits) as opened:
        parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        await opened.stock("A", 9)
        await parts.submit(command("C-1", ("A", 1)))
        await sync_changed(opened.store, opened.context)
        receiver = Receiver([Answer(400), Answer(400), Answer(200)])
        delivery = delivery_of(opened, receiver, parts)
        await delivery.step()
        opened.clock.at_us += 400_000_000
        for _ in range(9):
            parts.note_command(taken=False)
        await look(parts)
        standing = parts.alarms.standing
        assert standing.keys() == set(Monitor) - {Monitor.LAST_SYNC, Monitor.LATE_ORDERS}
        first = dict(standing)
        await look(parts)
        assert [alarm.raised_at for alarm in standing.values()] == [
            alarm.raised_at for alarm in first.values()
        ], "an alarm that stands is as old as it is"
        opened.clock.at_us += 30 * HOUR_US
        await delivery.step()
        await parts.submit(command("C-2", ("A", 1)))
        await delivery.step()
        await look(parts)
        assert not standing


async def test_the_monitors_look_in_every_round() -> None:
    async with core(monitors={"period_s": 0.001, "backlog": 1}) as opened:
        parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        works = upstream_works(parts, Receiver(), Random(1))
        await opened.stock("A", 9)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(works["monitors"].run())
            while not parts.tally.readings:
                await asyncio.sleep(0.001)
            assert not parts.alarms.standing
            await two_messages(opened)
            while Monitor.BACKLOG not in parts.alarms.standing:
                await asyncio.sleep(0.001)
            looking.cancel()


def test_the_monitors_look_every_minute_unless_the_site_says_otherwise() -> None:
    assert settings().monitors.period_s == 60


def test_the_thresholds_are_those_of_the_source_unless_the_site_says_otherwise() -> None:
    limits = settings().monitors
    assert (limits.command_success_min, limits.callback_failures_max) == (0.99, 0.01)
    assert (limits.stock_delay_s, limits.callback_delay_s, limits.last_sync_s) == (5, 10, 300)
    assert limits.backlog == 1000


async def test_a_sync_is_old_only_while_something_waits() -> None:
    async with core() as opened:
        parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        await opened.stock("A", 9)
        await sync_changed(opened.store, opened.context)
        await delivery_of(opened, Receiver()).step()
        opened.clock.at_us += HOUR_US
        await look(parts)
        assert parts.tally.readings[Monitor.LAST_SYNC].value == 0
        await opened.stock("B", 9)
        await sync_changed(opened.store, opened.context)
        await look(parts)
        assert parts.tally.readings[Monitor.LAST_SYNC].alarm
