"""The gateway and the simulated site as processes of their own, as an engineer starts them; for tests that kill them."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from drivers.links.nats_server import server_binary

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "config" / "demo"
GATEWAY = (sys.executable, "-m", "gateway")
START_S = 60.0


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive ports that are free on the loopback interface.

    None of them is one that the system gives to outgoing connections: it would, while a server is away. Each
    worker of pytest-xdist looks in a range of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + 4_000 * (worker % 3) + os.getpid() % 4_000
    while True:
        with suppress(OSError):
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        first += count


class Program:
    """One process, its output kept for the moment when a test fails."""

    def __init__(self, name: str, *command: str, log: Path) -> None:
        self._command = command
        self._name = name
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def kill(self) -> None:
        """SIGKILL, as a power cut of the process alone."""
        await self.stop(signal.SIGKILL)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        with suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            async with asyncio.timeout(10):
                return await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"{self._name} does not stop; its log:\n{self.tail()}") from None

    async def ended(self) -> int:
        """Return the exit status of a process that ends by itself."""
        assert self._process is not None
        return await self._process.wait()

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])


class SiteProcesses:
    """`gateway sim` and `gateway run` of one site on ports of their own."""

    def __init__(
        self,
        folder: Path,
        site: Path = DEMO,
        *,
        speed: float = 50,
        faults: Path | None = None,
        sim_words: Sequence[str] = (),
        run_words: Sequence[str] = (),
    ) -> None:
        """Name them.

        Args:
            folder: of data and logs.
            site: what is run.
            speed: of simulated motion.
            faults: file of faults.
            sim_words, run_words: more of the command lines; they win over what is given anyhow.
        """
        base = free_ports(16)
        self.run_url = f"http://127.0.0.1:{base}"
        self.sim_url = f"http://127.0.0.1:{base + 1}"
        self.ports_from = base + 2
        meet = ("--site", str(site), "--ports-from", str(self.ports_from))
        plant = ("--no-wes",) if site == DEMO else ()  # a test is its WES
        pace = ("--speed", str(speed), *(("--faults", str(faults)) if faults else ()))
        sim = ("sim", *meet, "--port", str(base + 1), *pace, *sim_words)
        run = ("run", *meet, "--port", str(base), "--data", str(folder / "data"), *plant)
        self.run_arguments = (*run, *run_words)
        self.sim = Program("sim", *GATEWAY, *sim, log=folder / "sim.log")
        self.run = Program("run", *GATEWAY, *self.run_arguments, log=folder / "run.log")

    async def ready(self, url: str, program: Program) -> None:
        """Wait until a process answers over HTTP."""
        async with httpx.AsyncClient(base_url=url) as http:
            try:
                async with asyncio.timeout(START_S):
                    while True:
                        with suppress(httpx.HTTPError):
                            if (await http.get("/livez")).status_code == 200:
                                return
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise AssertionError(f"no answer at {url}; log:\n{program.tail()}") from None

    async def world(self) -> dict[str, Any]:
        """Return where every container truly is, and how often each job moved one."""
        async with httpx.AsyncClient(base_url=self.sim_url) as http:
            return (await http.get("/v1/sim/world")).raise_for_status().json()


@asynccontextmanager
async def running_site(
    folder: Path, site: Path = DEMO, *, speed: float = 50, faults: Path | None = None
) -> AsyncGenerator[SiteProcesses]:
    """Start both processes; stop them in the end, and show their logs if the test failed."""
    async with running(SiteProcesses(folder, site, speed=speed, faults=faults)) as processes:
        yield processes


@asynccontextmanager
async def running(site_processes: SiteProcesses) -> AsyncGenerator[SiteProcesses]:
    """The same, for processes that are named already."""
    try:
        await site_processes.sim.start()
        await site_processes.run.start()
        await site_processes.ready(site_processes.sim_url, site_processes.sim)
        await site_processes.ready(site_processes.run_url, site_processes.run)
        yield site_processes
    except BaseException:
        for program in (site_processes.run, site_processes.sim):
            print(f"--- {program.tail()}")
        raise
    finally:
        await site_processes.run.stop(signal.SIGKILL)
        await site_processes.sim.stop(signal.SIGKILL)


async def all_events(http: httpx.AsyncClient, after: int = 0) -> list[dict[str, Any]]:
    """Return the whole feed."""
    events: list[dict[str, Any]] = []
    while True:
        page = (
            (await http.get("/v1/events", params={"after": after, "limit": 1000})).raise_for_status().json()
        )
        if not page["items"]:
            return events
        events += page["items"]
        after = events[-1]["seq"]


def body_of(event: dict[str, Any]) -> str:
    """Return an event in one spelling, to compare it with itself later."""
    return json.dumps(event, sort_keys=True)


class Broker:
    """A broker that nobody supervises: a nats-server that takes everybody."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._folder = folder
        settings = {
            "server_name": "broker",
            "host": "127.0.0.1",
            "port": -1,
            "mqtt": {"host": "127.0.0.1", "port": port},
            "jetstream": {"store_dir": str(folder)},
        }
        (folder / "broker.conf").write_text(json.dumps(settings))
        command = (str(server_binary()), "-c", str(folder / "broker.conf"))
        self.program = Program("broker", *command, log=folder / "broker.log")

    async def start(self) -> None:
        """Start it; return when it takes connections."""
        await self.program.start()
        async with asyncio.timeout(START_S):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)
