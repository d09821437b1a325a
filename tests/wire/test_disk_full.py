"""A disk that runs full, or fails, under a running gateway.

Full is made by the operating system: a limit on the size of the process's files, which the test can lower and lift while it runs.
"""

import asyncio
import resource
import signal
import sqlite3
import sys
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.cli.failure import REFUSED
from gateway.site.load import load_site
from tests.unit.wes_rig import command
from tests.wire.demo import RunningDemo, meet
from tests.wire.processes import (
    DEMO,
    GATEWAY,
    ROOT,
    Program,
    SiteProcesses,
    all_events,
    free_ports,
    running_site,
)

pytestmark = [pytest.mark.wire, pytest.mark.fault]

ROOM_BYTES = 100_000
"""Less than the database has by then."""
RESUMED_S = 5.0
FAILING = (sys.executable, "-m", "tests.disk.failing")
ORDER = command("C-1", ("A", 1), warehouseId="WH1")


@contextmanager
def full_disk(pid: int) -> Generator[None]:
    """Let no file of a process grow, and let nothing be written beyond the first bytes of one."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@asynccontextmanager
async def demo_on_a_disk(folder: Path) -> AsyncGenerator[tuple[SiteProcesses, RunningDemo]]:
    async with running_site(folder) as site, meet(site) as demo:
        yield site, demo


async def test_on_a_full_disk_nothing_is_commanded_and_with_room_all_goes_on(tmp_path: Path) -> None:
    async with (
        demo_on_a_disk(tmp_path) as (site, demo),
        httpx.AsyncClient(base_url=site.run_url, timeout=5) as http,
    ):
        bodies = await moves_within_the_rack(demo)
        for _ in range(6):
            assert (await http.post("/v1/transports", json=next(bodies))).status_code == 202
        with full_disk(site.run.pid):
            while (
                answer := await http.post("/v1/transports", json=(body := next(bodies)))
            ).status_code == 202:
                pass
            assert answer.status_code == 507, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
            assert [reason["code"] for reason in answer.json()["reasons"]] == ["storageFull"]
            webhook = await http.post("/v1/subscriptions", json={"url": "http://127.0.0.1:9/hook"})
            assert webhook.status_code == 507, webhook.text

            await asyncio.sleep(2)  # what was commanded before ends
            moves = (await demo.world())["moves"]
            assert {int(job) for job in moves} <= journal(tmp_path)
            await asyncio.sleep(1)
            assert (await demo.world())["moves"] == moves, "something moves without a durable command"

            assert len((await http.get("/v1/transports")).json()["items"]) >= 6
            assert len(await all_events(http)) > 0
            assert (await http.get("/v1/transports/unheard-of")).status_code == 404
            assert (await http.get("/livez")).status_code == 200
            not_ready = await http.get("/readyz")
            assert not_ready.status_code == 503
            assert [reason["code"] for reason in not_ready.json()["reasons"]] == ["storageFull"]
        async with asyncio.timeout(RESUMED_S):
            while (await http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.1)
        assert (await http.post("/v1/transports", json=body)).status_code == 202
        for view in (await http.get("/v1/transports", params={"limit": 500})).json()["items"]:
            await demo.completed(view["transportId"])
        assert {int(job) for job in (await demo.world())["moves"]} == journal(tmp_path)
        log = (tmp_path / "run.log").read_text()
        assert log.count("nothing can be made durable") == 1
        assert log.count("can be made durable again") == 1
        assert "Traceback" not in log


async def moves_within_the_rack(demo: RunningDemo) -> Iterator[dict[str, str]]:
    """Return requests for transports, each to a slot that is free."""
    taken = await demo.books()
    slots = [place.id for place in load_site(DEMO).all_locations.values() if place.kind == "storage"]
    free = [slot for slot in slots if slot not in taken.values()]
    return (
        {"transportId": f"move-{container}", "containerId": container, "destination": slot}
        for container, slot in zip(taken, free, strict=False)
    )


def journal(folder: Path) -> set[int]:
    """Return the job ids of all commands that are durable."""
    with closing(sqlite3.connect(folder / "data" / "gateway.db")) as connection:
        return {row[0] for row in connection.execute("SELECT key FROM commands")}


async def test_a_start_without_room_says_so_and_ends(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "run", "--site", str(DEMO), "--data", str(tmp_path)),
        *("--port", "1", "--ports-from", str(free_ports(8))),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    output, _ = await process.communicate()
    assert process.returncode == REFUSED
    assert "there is no room for the data" in output.decode()
    assert "Traceback" not in output.decode()


@asynccontextmanager
async def gateway_alone(
    folder: Path, log: Path, command: Sequence[str] = GATEWAY
) -> AsyncGenerator[tuple[Program, httpx.AsyncClient]]:
    """Run a gateway without devices."""
    port = free_ports(16)
    words = (
        "--site",
        str(DEMO),
        "--no-wes",
        "--data",
        str(folder / "data"),
        "--port",
        str(port),
        "--ports-from",
        str(port + 1),
    )
    program = Program("run", *command, "run", *words, log=log)
    await program.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
            await answering(http)
            yield program, http
    finally:
        await program.stop(signal.SIGKILL)


async def answering(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if (await http.get("/livez")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_a_failed_sync_stops_the_process_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = tmp_path / "failing"
    monkeypatch.setenv("FAILING_SYNCS", str(trouble))
    log = tmp_path / "run.log"
    body = {"transportId": "before", "containerId": "TOTE-0001", "destination": "OUT-4"}
    async with gateway_alone(tmp_path, log, FAILING) as (program, http):
        assert (await http.post("/v1/transports", json=body)).status_code == 202
        trouble.write_text(".db-wal")
        try:
            answer = await http.post(
                "/v1/transports", json=body | {"transportId": "lost", "containerId": "TOTE-0002"}
            )
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
        except httpx.TransportError:
            pass
        async with asyncio.timeout(10):
            assert await program.ended() == REFUSED
    told, advice = log.read_text().splitlines()[-2:]
    assert told == "the storage cannot be trusted any more: disk I/O error (SQLITE_IOERR_FSYNC)"
    assert "start again once it is sound" in advice

    trouble.unlink()
    async with gateway_alone(tmp_path, log) as (_, http):
        assert (await http.get("/v1/transports/before")).status_code == 200
        answer = await http.post("/v1/transports", json=body)
        assert answer.status_code == 200, "what was acknowledged is known"


@asynccontextmanager
async def wes_on(
    folder: Path, *words: str, command: Sequence[str] = FAILING
) -> AsyncGenerator[tuple[Program, httpx.AsyncClient]]:
    """Run a program of the demo site in which there is a WES; none of its devices is there."""
    port = free_ports(16)
    place = ("--site", str(DEMO), "--data", str(folder / "data"), "--port", str(port))
    program = Program("wes", *command, *words, *place, log=folder / "wes.log")
    await program.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
            await answering(http)
            yield program, http
    finally:
        await program.stop(signal.SIGKILL)


@pytest.mark.parametrize("alone", [False, True], ids=["inside the gateway", "in a process of its own"])
async def test_a_wes_whose_database_breaks_ends_the_process_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    trouble = tmp_path / "failing"
    monkeypatch.setenv("FAILING_SYNCS", str(trouble))
    ports = free_ports(16)
    words = ("wes", "run", "--gateway", f"http://127.0.0.1:{ports}")
    if not alone:
        words = ("run", "--ports-from", str(ports))
    products = {"items": [{"skuId": "A", "skuName": "A", "version": 1}]}
    async with wes_on(tmp_path, *words) as (program, http):
        assert (await http.post("/api/wms/product/sync", json=products)).is_success
        trouble.write_text("wes.db-wal")
        try:
            answer = await http.post("/api/wms/outbound/command", json=ORDER)
            assert answer.status_code == 503, answer.text
        except httpx.TransportError:
            pass
        async with asyncio.timeout(20):
            assert await program.ended() == REFUSED
    log = (tmp_path / "wes.log").read_text()
    assert (
        "the storage cannot be trusted any more: disk I/O error (SQLITE_IOERR_FSYNC)" in log.splitlines()[-2]
    )
    assert "started again" not in log

    trouble.unlink()
    async with wes_on(tmp_path, *words, command=GATEWAY) as (_, http):
        answer = await http.post("/api/wms/outbound/command", json=ORDER)
        assert answer.is_success, answer.text


async def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    async with gateway_alone(tmp_path, Path("/dev/full")) as (_, http):
        body = {"transportId": "t", "containerId": "TOTE-0001", "destination": "OUT-4"}
        assert (await http.post("/v1/transports", json=body)).status_code == 202
        assert (await http.get("/readyz")).status_code == 200
