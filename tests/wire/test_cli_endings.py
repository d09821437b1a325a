"""A program that cannot begin says in a sentence why, and what to do: no stack trace for what an operator can mend."""

import asyncio
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.database import open_lock
from tests.wire.processes import DEMO, ROOT, free_ports

pytestmark = pytest.mark.wire


async def ended(*words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *words),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_data_that_another_gateway_uses_are_left_alone(tmp_path: Path) -> None:
    with closing(open_lock(tmp_path / "gateway.lock")):
        status, told = await ended("run", "--site", str(DEMO), "--data", str(tmp_path), "--port", "1")
    assert status == 1
    assert "another gateway process uses" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("program", ["run", "sim"])
async def test_a_port_that_is_taken_is_told(program: str, tmp_path: Path) -> None:
    ports = str(free_ports(8))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        data = ("--data", str(tmp_path)) if program == "run" else ()
        status, told = await ended(program, "--site", str(DEMO), "--port", port, "--ports-from", ports, *data)
    assert status == 1
    assert "the port cannot be had" in told
    assert "--ports-from" in told
    assert "Traceback" not in told


async def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    status, told = await ended("run", "--site", str(DEMO), "--data", str(in_the_way / "data"))
    assert status == 1
    assert f"{in_the_way / 'data'} cannot be used" in told
    assert "Traceback" not in told
