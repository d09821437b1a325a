"""A program that cannot begin says in a sentence why, and what to do: no stack trace for what an operator can mend."""

import asyncio
import socket
import sys
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.site.load import load_site
from gateway.store.database import open_lock
from tests.cli_bench import loopback_socket, served
from tests.wire.processes import DEMO, ROOT, Program, free_ports
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


@pytest.mark.parametrize("host", ["192.0.2.1", "no..name"])
async def test_an_address_that_is_none_of_this_machine_is_no_matter_of_ports(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", "0123456789abcdef")
    status, told = await ended("run", "--site", str(DEMO), "--data", str(tmp_path), "--host", host)
    assert status == 1
    assert told.startswith(f"port 8080 on {host} cannot be had (")
    assert "name an address of this machine with --host" in told
    assert told.count("\n") == 1


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


WES_RUN = ("wes", "run", "--site", str(DEMO))


def plant() -> FastAPI:
    """A gateway with a WES core of its own, as far as it is asked about that."""
    app = FastAPI()
    app.add_api_route("/v1/wes/alarms", lambda: {"items": []})
    return app


async def test_a_wes_beside_a_gateway_that_has_one_is_refused(tmp_path: Path) -> None:
    async with served(plant()) as url:
        status, told = await ended(
            *WES_RUN, "--data", str(tmp_path), "--port", str(free_ports(1)), "--gateway", url
        )
    assert status == 1
    assert f"the gateway at {url} runs a WES core of its own, and two would undo each other's work" in told
    assert "start it with --no-wes, or stop this one" in told
    assert "Traceback" not in told


async def answers(url: str) -> None:
    async with httpx.AsyncClient() as http:
        while True:
            with suppress(httpx.TransportError):
                if (await http.get(url)).is_success:
                    return
            await asyncio.sleep(0.1)


async def test_a_wes_ends_when_its_gateway_comes_back_with_one_of_its_own(tmp_path: Path) -> None:
    own, gateway = (port := free_ports(2)), port + 1
    place = ("--data", str(tmp_path), "--port", str(own), "--gateway", f"http://127.0.0.1:{gateway}")
    program = Program("wes", sys.executable, "-m", "gateway", *WES_RUN, *place, log=tmp_path / "log")
    await program.start()
    try:
        await asyncio.wait_for(answers(f"http://127.0.0.1:{own}/v1/wes/alarms"), 60)
        async with served(plant(), loopback_socket(gateway)):
            assert await asyncio.wait_for(program.ended(), 60) == 1
    finally:
        await program.kill()
    assert "runs a WES core of its own" in program.tail()
    assert "Traceback" not in program.tail()
