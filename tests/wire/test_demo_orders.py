"""`gateway demo --orders N --exit`: customers order, totes come, people pick, boxes leave; all accounts agree in the end."""

import asyncio
from pathlib import Path

import pytest

from tests.wire.processes import GATEWAY, ROOT, free_ports

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

UNTIL_S = 170.0


async def demo(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a demo to its end; return its status, its last line, and everything for when it is not as expected."""
    ports = free_ports(16)
    process = await asyncio.create_subprocess_exec(
        *(*GATEWAY, "demo", *words, "--exit", "--data", str(folder / "data")),
        *("--port", str(ports), "--ports-from", str(ports + 1)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(UNTIL_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    told = out.decode() + err.decode()
    assert process.returncode is not None
    return process.returncode, out.decode().splitlines()[-1], told


async def test_five_orders_are_shipped_and_every_account_agrees(tmp_path: Path) -> None:
    status, last, told = await demo(tmp_path, "--orders", "5", "--speed", "20")
    assert (status, last) == (0, "demo: 5 orders shipped, 0 failed, stock verified"), told
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0, "secrets of webhooks are for their owner alone"
