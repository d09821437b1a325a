"""Numbers that nobody else has had: within a run, across runs, and until there are none left."""

import pytest

from gateway.kernel.ports import Store
from gateway.wes.ids import NUMBER_MAX, Ids, take_ids

pytestmark = pytest.mark.unit


async def test_a_run_counts_on_behind_the_block_of_the_one_before(store: Store) -> None:
    first, second = await take_ids(store, 10), await take_ids(store, 10)
    assert [first.next() for _ in range(10)] == list(range(1, 11))
    assert second.next() == 11


async def test_a_used_up_block_gives_nothing(store: Store) -> None:
    ids = await take_ids(store, 1)
    ids.next()
    with pytest.raises(OverflowError, match="start again"):
        ids.next()


async def test_numbers_end_where_json_readers_would_round_them(store: Store) -> None:
    await take_ids(store, NUMBER_MAX - 1)
    with pytest.raises(OverflowError, match="new database"):
        await take_ids(store, 1)


def test_numbers_are_repeatable() -> None:
    assert [Ids(5, 7).next(), Ids(5, 7).next()] == [5, 5]
