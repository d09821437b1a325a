"""`gateway wes counts`: what is being counted, how far it is, and what it has found."""

import asyncio
import json

import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_counts import count_routes
from gateway.wes.core import WesCore
from tests.cli_bench import Ended, served, typed
from tests.unit.test_wes_counts import Desk, desk, warehouse

pytestmark = pytest.mark.unit


async def show(there: Desk, *arguments: str) -> Ended:
    core = WesCore(store=there.line.store, context=there.line.core.context, numbers=there.line.core.numbers)
    app = FastAPI()
    app.include_router(count_routes(core))
    add_problem_handlers(app)
    async with served(app) as url:
        return await asyncio.to_thread(typed, "wes", "counts", *arguments, "--url", url)


def rows(ended: Ended) -> list[str]:
    assert ended.code == 0, ended.err
    return [" ".join(row.split()) for row in ended.out.splitlines()]


async def test_counts_are_listed_with_what_they_have_found() -> None:
    async with desk() as there:
        assert rows(await show(there)) == ["no counts"]
        await warehouse(there)
        await there.order(scope={"kind": "locations", "pattern": "A1-1-*"}, sample={"share": 0.5, "seed": 1})
        places = await there.places()
        for person in ("Ann", "Ben"):
            await there.counted(person, places["T-1", "A"], 9)
        (row,) = [each for each in rows(await show(there)) if each.startswith("N-1")]
        assert row.startswith("N-1 open locations A1-1-* 50% 1/2 1 1 10.0% Olga")
        assert row.endswith("year end")
        shown = json.loads((await show(there, "--json")).out)
        assert [each["countId"] for each in shown["items"]] == ["N-1"]


async def test_the_lines_of_a_count_are_listed_with_who_counted_what() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order(scope={"kind": "locations", "pattern": "A1-1-*"})
        line = (await there.places())["T-1", "A"]
        for person in ("Ann", "Ben"):
            await there.counted(person, line, 9)
        told = rows(await show(there, "N-1"))
        assert f"{line} T-1 A1-1-L-05 A A-1 10 9 (Ann), 9 (Ben) -1 differs" in told
        await there.approve(line, code="other", reason="mice")
        told = rows(await show(there, "N-1"))
        assert f"{line} T-1 A1-1-L-05 A A-1 9 (Ann), 9 (Ben) -1 approved Olga other: mice" in told


async def test_a_count_that_nobody_knows_is_told() -> None:
    async with desk() as there:
        ended = await show(there, "N-9")
        assert ended.code == 1
        assert "no count N-9" in ended.err
