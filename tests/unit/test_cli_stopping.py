"""A demo that is told to stop: by what, with which status, and what a second one on its data finds."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli.earlier import containers_in
from gateway.cli.stopping import Stop, stop_signals
from gateway.kernel.ports import StoreBroken

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_cancels_what_runs_and_is_known_by_name(how: signal.Signals, status: int) -> None:
    async def program() -> Stop:
        with stop_signals() as stop:
            os.kill(os.getpid(), how)
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                return stop
        raise AssertionError("it was not stopped")

    before = signal.getsignal(how)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(program())
    stop = running.result()
    assert (stop.by, stop.status) == (how, status)
    assert signal.getsignal(how) is before


def test_where_no_demo_has_run_there_are_no_containers_of_one(tmp_path: Path) -> None:
    assert containers_in(tmp_path) is None


def test_containers_stand_where_the_last_demo_left_them_on_a_device_too(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as books, books:
        books.execute("CREATE TABLE containers (key TEXT PRIMARY KEY, location_id TEXT, device_id TEXT)")
        rows = [("TOTE-1", "A-1", None), ("TOTE-2", None, "agv-1"), ("TOTE-3", None, None)]
        books.executemany("INSERT INTO containers VALUES (?, ?, ?)", rows)
    assert containers_in(tmp_path) == [("TOTE-1", "A-1"), ("TOTE-2", "agv-1")]


def test_a_damaged_database_of_the_last_demo_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreBroken, match="not a database"):
        containers_in(tmp_path)
