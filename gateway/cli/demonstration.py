"""What `gateway demo` runs: simulated devices, the gateway, whoever works with it over HTTP, and the view."""

import asyncio
import socket
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TextIO

import httpx
from rich.console import Console

from gateway.app import (
    Gateway,
    Settings,
    http_port,
    make_data_folder,
    open_gateway,
    real_surroundings,
    start_is_over,
)
from gateway.cli.appearance import stdout
from gateway.cli.earlier import containers_in
from gateway.cli.logs import LogFormat, configure_logs
from gateway.cli.options import DemoOptions, SimOptions
from gateway.cli.plays import Play, completed_site, play_of
from gateway.cli.simulation import Simulation
from gateway.cli.snapshot import DeviceState, ShownDevice, ShownTransport, Snapshot, device_state
from gateway.cli.stopping import stop_signals
from gateway.cli.view import DemoView
from gateway.contract.transports import TransportStatus
from gateway.kernel.clock import SystemClock
from gateway.transport.rows import Device, Transport
from gateway.transport.transitions import ENDED, HALTED
from sim_devices.api import sim_router
from sim_devices.picker import Habits

READY_S: Final = 30.0
"""All devices should be online this long after the start."""
DECIDE_S: Final = 5.0
"""How long a halted transport waits for its late answer before the headless demo gives up on it."""
QUIET_S: Final = 60.0
"""How long totes that go back are waited for in the end."""
SHOWN_MAX: Final = 50
LOOK_S: Final = 0.1


class Demo:
    """A running demo, as the view asks for it."""

    def __init__(self, gateway: Gateway, simulation: Simulation, play: Play) -> None:
        self._gateway = gateway
        self._simulation = simulation
        self._play = play
        self._clock = SystemClock()
        self._began_us = self._clock.now_us()

    async def serve(self, port: socket.socket) -> None:
        """Answer HTTP on a port, for the simulated devices too, until the process is told to stop."""
        sim = sim_router(self._simulation.site, self._simulation.vehicles)
        await self._gateway.serve(port, sim, *self._play.routes())

    async def work(self, *, give_up: bool) -> str:
        """Let the play go on to its end; return what went wrong, if anything.

        Args:
            give_up: end when it has been waiting for somebody's decision for too long; else wait for that person.
        """
        await self._until_ready()
        given_up = False
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(self._play.run())
            halted_s = 0.0
            while not working.done() and not given_up:
                await asyncio.wait({working}, timeout=LOOK_S)
                halted_s = halted_s + LOOK_S if self._play.is_stuck() else 0.0
                given_up = give_up and halted_s > DECIDE_S
            working.cancel()
        if given_up:
            return "; ".join(["nothing goes on any more", await self._play.problems(), *self._obstacles()])
        await self._until_quiet()
        return await self._verdict()

    def _obstacles(self) -> Iterator[str]:
        """Return which devices cannot work, and what each transport that has not ended waits for."""
        tables = self._gateway.tables
        for device in map(self._device, tables.devices.values()):
            if device.state is not DeviceState.ONLINE:
                yield f"{device.device_id} is {device.state}{f' ({device.note})' if device.note else ''}"
        for row in tables.transports.values():
            if row.status not in ENDED:
                why = self._why(row)
                yield f"{row.container_id} on its way to {row.goal} is {row.status}{f' ({why})' if why else ''}"

    async def _until_ready(self) -> None:
        devices = self._gateway.tables.devices
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_S):
                while not all(device.online for device in devices.values()):  # noqa: ASYNC110 - the books have no such event
                    await asyncio.sleep(LOOK_S)

    async def _until_quiet(self) -> None:
        """Wait until totes that go back have come home."""
        transports, still = self._gateway.tables.transports, ENDED | HALTED
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                while any(row.status not in still for row in transports.values()):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(LOOK_S)

    async def _verdict(self) -> str:
        """Compare what was promised, what the books say and what is true in the world."""
        if problems := await self._play.problems():
            return problems
        if self._simulation.vehicles.collisions:
            return f"vehicles collided: {self._simulation.vehicles.collisions[0]}"
        world = self._simulation.site.world
        if world.moved_twice:
            return f"loads were moved twice by the jobs {', '.join(world.moved_twice)}"
        books = await self._gateway.kernel.read(self._booked)
        wrong = sorted(name for name, place in world.spots.items() if books.get(name) != place)
        return f"the books are wrong about {', '.join(wrong)}" if wrong else ""

    def _booked(self) -> dict[str, str | None]:
        rows = self._gateway.tables.containers.values()
        return {row.container_id: row.location_id or row.device_id for row in rows}

    def snapshot(self) -> Snapshot:
        """Return the present picture."""
        tables = self._gateway.tables
        progress = self._play.progress()
        open_ones = [row for row in tables.transports.values() if row.status not in ENDED]
        counts = Counter(row.status for row in open_ones)
        if progress.orders is None:
            counts[TransportStatus.COMPLETED] = progress.done
        shown = sorted(open_ones, key=_order_of_interest)[:SHOWN_MAX]
        now_us = self._clock.now_us()
        return Snapshot(
            elapsed_s=(now_us - self._began_us) / 1e6,
            done=progress.done,
            total=progress.total,
            orders=progress.orders,
            counts=counts,
            devices=tuple(self._device(row) for row in tables.devices.values()),
            under_way=tuple(self._transport(row, now_us) for row in shown),
            occupied={place: next(iter(loads)) for place, loads in tables.occupants.items() if loads},
            lit=Counter(wall for (wall, _), puts in tables.slot_puts.items() if puts),
            events=self._gateway.feed.last_seq,
            moves=self._simulation.site.world.moves_made,
            url=f"http://{self._gateway.settings.host}:{self._gateway.settings.port}",
        )

    def _device(self, row: Device) -> ShownDevice:
        return ShownDevice(
            device_id=row.device_id,
            state=device_state(fault=row.fault, online=row.online, enabled=row.enabled),
            note=row.fault or row.offline_reason or "",
            position=self._gateway.positions.latest(row.device_id),
            load=self._gateway.tables.loads.get(row.device_id),
        )

    def _transport(self, row: Transport, now_us: int) -> ShownTransport:
        container = self._gateway.tables.containers[row.container_id]
        return ShownTransport(
            transport_id=row.transport_id,
            container_id=row.container_id,
            destination=row.goal,
            status=row.status,
            where=container.location_id or container.device_id or "",
            waiting=self._why(row),
            age_s=(now_us - row.created_us) / 1e6,
        )

    def _why(self, row: Transport) -> str | None:
        """Return what keeps a transport from going on; None if nothing does."""
        return row.problem.detail if row.problem else self._gateway.engine.explain(row)


def _order_of_interest(row: Transport) -> tuple[bool, bool, int]:
    return row.status not in HALTED, row.status is not TransportStatus.EXECUTING, row.number


async def run_demo(options: DemoOptions) -> int:
    """Run the demo until all that was wanted has ended, or the process is told to stop; return the exit status."""
    live = not options.leave and sys.stdout.isatty()
    temporary = (
        TemporaryDirectory(prefix="gateway-demo-") if options.data is None else nullcontext(options.data)
    )
    play: Play | None = None
    with (
        stop_signals() as stop,
        http_port("127.0.0.1", options.port) as port,
        temporary as folder,
        _log_stream(Path(folder), live=live) as logs,
    ):
        data = Path(folder)
        configure_logs(LogFormat.CONSOLE, logs)
        console = stdout()
        simulation = Simulation(
            SimOptions(
                site=options.site,
                port=options.port,
                speed=options.speed,
                seed=options.seed,
                faults=options.faults,
            ),
            data,
            containers_in(data),
            Habits().at(options.pace),
        )
        settings = Settings(site=completed_site(options, data), data=data, port=options.port)
        try:
            async with (
                simulation.running(),
                real_surroundings(settings) as around,
                open_gateway(settings, around) as gateway,
            ):
                start_is_over()
                url = f"http://127.0.0.1:{options.port}"
                console.print(
                    f"The demo site runs: {url} in a browser (its API: {url}/docs)."
                    f" Everything goes on at {options.speed:g} × speed.",
                    soft_wrap=True,
                )
                async with httpx.AsyncClient(base_url=url, timeout=10, headers=gateway.authorization) as http:
                    play = play_of(options, http, simulation.site, gateway, data)
                    demo = Demo(gateway, simulation, play)
                    why = await _until_it_ends(demo, port, options, console)
        except asyncio.CancelledError:
            if stop.by is None:
                raise
            so_far = "before it had begun" if play is None else f"after {play.standing()}"
            sys.stdout.write(f"demo: stopped by {stop.by.name} {so_far}\n")
            return stop.status if options.leave else 0
        if why:
            console.print(f"It did not end well: {why}", style="red", soft_wrap=True)
        sys.stdout.write(play.last_line() + "\n")
        return 1 if why else 0


@contextmanager
def _log_stream(data: Path, *, live: bool) -> Generator[TextIO]:
    """Return where log lines go: beside the data while the screen is taken by the view."""
    if not live:
        yield sys.stderr
        return
    make_data_folder(data)
    with (data / "gateway.log").open("a", encoding="utf-8") as file:
        yield file


async def _until_it_ends(demo: "Demo", port: socket.socket, options: DemoOptions, console: Console) -> str:
    """Serve, work and show until the work is done; return what went wrong, if anything."""
    async with asyncio.TaskGroup() as tasks:
        others = [
            tasks.create_task(demo.serve(port)),
            tasks.create_task(DemoView(options.site).watch(demo, console)),
        ]
        why = await demo.work(give_up=options.leave)
        for task in others:
            task.cancel()
    return why
