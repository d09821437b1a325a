"""Whoever shows what a store holds learns of commits that may have changed it, and of no others."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from gateway.kernel.news import TellingStore
from gateway.kernel.ports import Tx
from gateway.store.inline import open_inline
from gateway.wes.schema import MIGRATIONS

pytestmark = pytest.mark.unit

INSERT = "INSERT INTO cursors (name, seq) VALUES (:name, 1)"
UPDATE = "UPDATE cursors SET seq = 2 WHERE name = :name"


@asynccontextmanager
async def telling() -> AsyncGenerator[TellingStore]:
    async with open_inline(None, MIGRATIONS) as store:
        yield TellingStore(store)


async def look(tx: Tx) -> None:
    assert await tx.execute(UPDATE, {"name": "nobody"}) == 0
    await tx.execute_many(UPDATE, [])
    await tx.fetch("SELECT name FROM cursors")


async def test_a_job_that_changes_nothing_is_no_news() -> None:
    async with telling() as store:
        await store.write(lambda tx: tx.execute(INSERT, {"name": "a"}))
        await store.write(look)
        await store.read(look)
        assert store.news.seq == 1


@pytest.mark.parametrize("way", ["execute", "execute_many", "fetch", "fetch_many", "attempt"])
async def test_every_way_to_change_something_is_news(way: str) -> None:
    row = {"name": "a"}

    async def job(tx: Tx) -> None:
        match way:
            case "execute":
                await tx.execute(INSERT, row)
            case "execute_many":
                await tx.execute_many(INSERT, [row])
            case "fetch":
                await tx.fetch(f"{INSERT} RETURNING name", row)
            case "fetch_many":
                await tx.fetch_many(f"{INSERT} RETURNING name", [row])
            case _:
                await tx.attempt(lambda part: part.execute(INSERT, row))

    async with telling() as store:
        await store.write(job)
        assert store.news.seq == 1


async def test_who_waits_is_woken_by_the_next_commit_and_a_failed_one_is_no_news() -> None:
    async def fail(tx: Tx) -> None:
        await tx.execute(INSERT, {"name": "a"})
        raise ValueError

    async with telling() as store, asyncio.timeout(5):
        waiting = asyncio.ensure_future(store.news.beyond(0))
        with pytest.raises(ValueError, match=r"^$"):
            await store.write(fail)
        await asyncio.sleep(0)
        assert not waiting.done()
        await store.write(lambda tx: tx.execute(INSERT, {"name": "a"}))
        await waiting
