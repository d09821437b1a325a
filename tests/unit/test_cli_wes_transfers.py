"""`gateway wes transfers`: what is ordered to be moved, how far it is, and what a person decides about it."""

import asyncio
import csv
import json
from pathlib import Path

import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_transfers import transfer_routes
from tests.cli_bench import Ended, served, typed
from tests.unit.test_wes_transfers import PICK, RESERVE, Desk, desk

pytestmark = pytest.mark.unit


async def type_in(there: Desk, *arguments: str) -> Ended:
    app = FastAPI()
    app.include_router(transfer_routes(there.core))
    add_problem_handlers(app)
    async with served(app) as url:
        return await asyncio.to_thread(typed, "wes", "transfers", *arguments, "--url", url)


def rows(ended: Ended) -> list[str]:
    assert ended.code == 0, ended.err
    return [" ".join(row.split()) for row in ended.out.splitlines()]


async def test_transfers_are_listed_and_shown_with_who_did_what(tmp_path: Path) -> None:
    async with desk() as there:
        assert rows(await type_in(there, "list")) == ["no transfers"]
        assert rows(await type_in(there, "tasks")) == ["nothing is to be moved"]
        (task,) = await there.approved()
        await there.take(task, 3)
        (row,) = [each for each in rows(await type_in(there, "list", "--open")) if each.startswith("T-1")]
        assert row.startswith("T-1 executing relocate 4 3 Olga Boss")
        assert row.endswith("closer")
        assert rows(await type_in(there, "list", "--state", "done")) == ["no transfers"]
        told = rows(await type_in(there, "show", "T-1"))
        assert f"1 A A A-1 {RESERVE} {PICK} 4 3" in told
        assert f"{task} T-1 A A-1 {RESERVE} {RESERVE} {PICK} 1 3" in told
        (out,) = [each for each in told if each.startswith("out Ann")]
        assert out.endswith(f"{task} A A-1 {RESERVE} 3")
        shown = json.loads((await type_in(there, "show", "T-1", "--json")).out)
        assert [each["step"] for each in shown["log"]] == ["ordered", "approved", "out"]
        file = tmp_path / "transfers.csv"
        assert (await type_in(there, "list", "--csv", str(file))).code == 0
        (written,) = csv.DictReader(file.read_text("utf-8-sig").splitlines())
        assert (written["transferId"], written["state"], written["taken"]) == ("T-1", "executing", "3")


async def test_a_transfer_is_approved_aborted_and_deleted_from_a_terminal() -> None:
    async with desk() as there:
        await there.order()
        await there.order("T-2")
        told = rows(await type_in(there, "approve", "T-1", "--operator", "Boss"))
        assert told == [
            "T-1 is approved: its goods are bound; see what is to be moved: gateway wes transfers tasks"
        ]
        (task,) = await there.tasks()
        await there.take(task, 1)
        told = rows(await type_in(there, "abort", "T-1", "--reason", "not needed", "--operator", "Boss"))
        assert told[0].startswith("T-1 is aborting: what is out of its place is still to be put down")
        await there.put(task, 1)
        assert rows(await type_in(there, "delete", "T-2", "--reason", "a mistake")) == ["T-2 is deleted."]
        again = await type_in(there, "approve", "T-1")
        assert again.code == 1
        assert "transfer T-1 is aborted: only a draft is approved" in " ".join(again.err.split())
