"""A program that cannot begin says in a sentence why, and what to do: no stack trace for what an operator can mend."""

import asyncio
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.site.load import load_site
from gateway.store.database import open_lock
from tests.wire.processes import DEMO, ROOT, free_ports
from tests.wire.serving import stranger

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


PROGRAMS = {
    "run": ("run", "--site", str(DEMO)),
    "sim": ("sim", "--site", str(DEMO)),
    "demo": ("demo", "--exit", "--transports", "1"),
}


def words(program: str, data: Path, port: int, ports_from: int) -> tuple[str, ...]:
    own = () if program == "sim" else ("--data", str(data))
    return (*PROGRAMS[program], *own, "--port", str(port), "--ports-from", str(ports_from))


@pytest.mark.parametrize("program", PROGRAMS)
async def test_an_http_port_that_is_taken_is_told_before_anything_begins(
    program: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told = await ended(*words(program, data, port, free_ports(8)))
    assert status == 1
    assert f"port {port} on 127.0.0.1 cannot be had (Address already in use)" in told
    assert "choose another one with --port" in told
    assert told.count("\n") == 1
    assert not data.exists()


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_broker_port_that_is_taken_is_told_in_a_sentence(program: str, tmp_path: Path) -> None:
    ports = free_ports(8)
    broker = ports + [link.kind for link in load_site(DEMO).links].index("mqtt")
    async with stranger(broker):
        status, told = await ended(*words(program, tmp_path, free_ports(1), ports))
    assert status == 1
    assert f"port {broker} on 127.0.0.1, which the embedded broker needs, is taken by another program" in told
    assert "--ports-from" in told
    assert "Traceback" not in told


async def test_a_plc_port_that_is_taken_is_told(tmp_path: Path) -> None:
    ports = free_ports(8)
    with socket.create_server(("127.0.0.1", ports)):
        status, told = await ended(*words("sim", tmp_path, free_ports(1), ports))
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
