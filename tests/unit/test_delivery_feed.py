"""The feed: no loss, nothing twice, the same text for everybody, wherever the events come from."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.events import Event, EventType
from gateway.kernel.feed import ALL_TYPES
from gateway.store.inline import open_inline
from tests.unit.feeding import start_feeding

pytestmark = pytest.mark.unit


async def test_an_event_reads_the_same_from_memory_and_from_the_database() -> None:
    async with open_inline() as store:
        feeding = await start_feeding(store)
        await feeding.happen("T1")
        from_memory = (await feeding.feed.read(0, 10)).events[0]
        later = await start_feeding(store)
        from_database = (await later.feed.read(0, 10)).events[0]
    assert from_memory == from_database
    event = Event.model_validate_json(from_memory.json)
    assert (event.id, event.seq, event.source, event.subject) == ("1", 1, "test-site", "T1")
    assert event.type is EventType.CONTAINER_LOCATED
    assert event.time == "2026-09-21T14:13:20.000000Z"
    assert event.data == {"locationId": "A-1", "note": '\u6599\u7bb1 "quoted"'}


@given(
    steps=st.lists(st.tuples(st.integers(1, 5), st.sampled_from([*EventType][:3])), max_size=30),
    ring_max=st.integers(1, 12),
    chunk=st.integers(1, 7),
    types=st.sets(st.sampled_from([*EventType][:3]), min_size=1) | st.just(ALL_TYPES),
    after=st.integers(0, 40),
)
def test_reading_on_gives_every_wanted_event_once_and_in_order(
    steps: list[tuple[int, EventType]], ring_max: int, chunk: int, types: set[EventType], after: int
) -> None:
    async def scenario() -> None:
        async with open_inline() as store:
            feeding = await start_feeding(store, ring_max)
            expected: list[int] = []
            got: list[int] = []
            reached = after
            for count, kind in steps:
                first = feeding.feed.last_seq + 1
                await feeding.happen(*(f"S{n}" for n in range(count)), kind=kind)
                expected += [seq for seq in range(first, first + count) if kind in types and seq > after]
                page = await feeding.feed.read(reached, chunk, types)
                assert len(page.events) <= chunk
                got += [event.seq for event in page.events]
                reached = page.last
            while (page := await feeding.feed.read(reached, chunk, types)).last != reached:
                got += [event.seq for event in page.events]
                reached = page.last
            assert got == expected

    asyncio.run(scenario())


async def test_followers_that_join_at_any_time_lose_nothing_while_events_keep_coming() -> None:
    total = 400
    async with open_inline() as store:
        feeding = await start_feeding(store, ring_max=16)

        async def follow(after: int) -> list[int]:
            got: list[int] = []
            async for events in feeding.feed.follow(after):
                got += [event.seq for event in events]
                if got[-1] == total:
                    break
            return got

        async with asyncio.TaskGroup() as tasks:
            chance = random.Random(3)
            followers: list[tuple[int, asyncio.Task[list[int]]]] = []
            while feeding.feed.last_seq < total:
                if chance.random() < 0.2:
                    after = chance.randint(0, feeding.feed.last_seq)
                    followers.append((after, tasks.create_task(follow(after))))
                count = min(chance.randint(1, 6), total - feeding.feed.last_seq)
                await feeding.happen(*("S" for _ in range(count)))
                await asyncio.sleep(0)
    assert len(followers) > 5
    for after, follower in followers:
        assert follower.result() == list(range(after + 1, total + 1))


async def test_numbers_go_on_after_a_restart() -> None:
    async with open_inline() as store:
        await (await start_feeding(store)).happen("a", "b")
        later = await start_feeding(store)
        assert later.feed.last_seq == 2
        await later.happen("c")
        assert [event.seq for event in (await later.feed.read(0, 10)).events] == [1, 2, 3]
