"""`gateway demo --orders N --exit`: customers order, totes come, people pick, boxes leave; all accounts agree in the end."""

import asyncio
import re
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.wire.processes import DEMO, GATEWAY, ROOT, free_ports

pytestmark = [pytest.mark.wire, pytest.mark.timeout(400)]

UNTIL_S = 170.0


class RunningDemo:
    """A demo in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._told = ""

    async def until(self, words: str) -> None:
        """Wait until it has said what fits this pattern."""
        assert self._process.stdout
        while not re.search(words, self._told):
            line = await self._process.stdout.readline()
            assert line, self._told
            self._told += line.decode()

    def stop(self, how: signal.Signals) -> None:
        """Tell it to stop."""
        self._process.send_signal(how)

    async def ended(self) -> tuple[int, str, str]:
        """Return its status, its last line, and everything for when it is not as expected."""
        async with asyncio.timeout(UNTIL_S):
            out, err = await self._process.communicate()
        told = self._told + out.decode()
        assert self._process.returncode is not None
        return self._process.returncode, told.splitlines()[-1], told + err.decode()


@asynccontextmanager
async def demo(folder: Path, *words: str) -> AsyncGenerator[RunningDemo]:
    """Run a demo on the data of a folder."""
    ports = free_ports(16)
    process = await asyncio.create_subprocess_exec(
        *(*GATEWAY, "demo", *words, "--exit", "--data", str(folder / "data")),
        *("--port", str(ports), "--ports-from", str(ports + 1)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield RunningDemo(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_five_orders_are_shipped_and_every_account_agrees(tmp_path: Path) -> None:
    async with demo(tmp_path, "--orders", "5", "--speed", "20") as running:
        status, last, told = await running.ended()
    assert (status, last) == (0, "demo: 5 orders shipped, 0 failed, stock verified"), told


async def test_one_that_is_stopped_tells_how_far_it_was_and_the_next_on_its_data_goes_on(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path, "--orders", "2", "--speed", "30") as running:
        await running.until(r"released \d|shipped \d")
        running.stop(signal.SIGTERM)
        status, last, told = await running.ended()
    assert status == 128 + signal.SIGTERM, told
    stopped = re.fullmatch(
        r"demo: stopped by SIGTERM after (\d) of 2 orders shipped, (\d) not ended, stock not verified", last
    )
    assert stopped, told
    taken_up = f", {stopped[2]} of an earlier run taken up" if stopped[2] != "0" else ""

    everybody_leaves = ("--short-share", "1")
    async with demo(tmp_path, "--orders", "1", "--speed", "30", *everybody_leaves) as running:
        status, last, told = await running.ended()
    expected = f"demo: 0 orders shipped, 1 cancelled{taken_up}, 0 failed, stock verified"
    assert (status, last) == (0, expected), told


async def test_one_in_which_nothing_goes_on_any_more_ends_and_tells_what_waits_for_what(
    tmp_path: Path,
) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("faults: [{kind: manualMode, device: lift-1}]\n")
    async with demo(tmp_path, "--orders", "1", "--speed", "50", "--faults", str(faults)) as running:
        status, last, told = await running.ended()
    assert (status, last) == (1, "demo: 0 orders shipped, 1 failed, stock not verified"), told
    (why,) = re.findall(r"It did not end well: nothing goes on any more; (.*)", told)
    assert re.search(r"demo-\d+-1 is RECEIVED", why)
    assert re.search(r"TOTE-\d+ on its way to S\d-\d is executing \(.*lift-1: .* not in automatic mode", why)


@pytest.mark.parametrize(
    ("totes", "status", "words"),
    [
        (1, 0, "demo: 3 transports completed, 0 failed, 0 unknown"),
        (0, 1, "only 0 of 3 transports could be asked for"),
    ],
)
async def test_a_hall_with_fewer_totes_than_there_is_work_for_keeps_them_busy_or_says_so(
    tmp_path: Path, totes: int, status: int, words: str
) -> None:
    shutil.copytree(DEMO.parent, tmp_path / "config")
    site = tmp_path / "config" / DEMO.name
    stock = (
        f'fill:\n  - {{rack: A1, count: {totes}, container: "TOTE-{{n:04}}"}}\n' if totes else "stock: []\n"
    )
    (site / "stock.yaml").write_text(stock)
    async with demo(tmp_path, "--site", str(site), "--transports", "3", "--speed", "50") as running:
        ended, _, told = await running.ended()
    assert ended == status, told
    assert words in told
