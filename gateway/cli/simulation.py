"""What `gateway sim` runs: the simulated devices of a site, and their HTTP interface."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from gateway.api.problems import add_problem_handlers
from gateway.app import EmbeddedBroker, check_ports, embedded_broker, http_port, serve_http, start_is_over
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.options import SimOptions
from gateway.contract.wiring import MqttLink
from gateway.kernel.clock import SystemClock
from gateway.kernel.supervise import keep_running
from sim_devices.api import sim_router
from sim_devices.clock import SimClock
from sim_devices.faces.mqtt import BrokerAccess, MqttBroker
from sim_devices.faults.file import FaultFile, misfits, read_fault_file
from sim_devices.picker import Habits
from sim_devices.places import Places
from sim_devices.site import SimulatedSite
from sim_devices.vehicles.fleet import Vehicles
from sim_devices.world import Impossible

log = structlog.get_logger()


class Simulation:
    """The simulated devices of a whole site, vehicles included.

    Attributes:
        site: the devices, their world and their faults.
        vehicles: what drives on the roads.
    """

    def __init__(
        self,
        options: SimOptions,
        folder: Path,
        stock: Sequence[tuple[str, str]] | None = None,
        hands: Habits | None = None,
    ) -> None:
        """Prepare; nothing listens yet.

        Args:
            options: what to simulate, and how fast.
            folder: where an embedded broker keeps what it needs.
            stock: (container, spot) of the beginning; None: what the site file says.
            hands: of those who stand at the put walls, if anybody does; None: as usual.

        Raises:
            Failure: the file of faults cannot be read, or asks for what cannot happen; all of it is told. Or the site has no
                such spots.
        """
        faults = FaultFile() if options.faults is None else _read(options.faults)
        self.clock = SimClock(options.speed)
        try:
            self.site = SimulatedSite(
                options.site,
                self.clock,
                options.seed,
                habits=(hands or Habits()) if options.hands else None,
                fault_file=faults,
                birth=SystemClock().now_us(),
                stock=stock,
            )
        except Impossible as reason:
            raise Failure(
                REFUSED,
                f"the site has no place for what an earlier run has left there: {reason}",
                ("what to do", "run the site as it was, or begin with another folder of data"),
            ) from reason
        self._embedded: list[EmbeddedBroker] = []
        brokers = {
            link.id: MqttBroker(self._access(link, options.site.root, folder))
            for link in options.site.links
            if isinstance(link, MqttLink)
        }
        self.vehicles = Vehicles(
            options.site, self.site.world, self.clock, self.site.faults, SystemClock(), brokers
        )
        self.site.add(self.vehicles)
        if findings := [*misfits(faults, self.site.faults)]:
            raise _wrong(options.faults, findings)

    def _access(self, link: MqttLink, root: Path, folder: Path) -> BrokerAccess:
        if link.url != "embedded":
            return BrokerAccess.of_link(link, root)
        broker = embedded_broker(link, folder)
        self._embedded.append(broker)
        return BrokerAccess(
            host="127.0.0.1", port=link.port, username=broker.username, password=broker.password
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run it for as long as the context lasts; it begins when the PLC devices listen.

        Raises:
            PortRefused: another program has the port of an embedded broker.
        """
        await check_ports(self._embedded)
        async with asyncio.TaskGroup() as brokers:
            serving = [
                brokers.create_task(keep_running("embedded broker", broker.run)) for broker in self._embedded
            ]
            for broker in self._embedded:
                await broker.ready()
            # The devices end first: vehicles say goodbye through the broker.
            async with asyncio.TaskGroup() as devices:
                site = devices.create_task(self.site.run())
                await self.site.listening.wait()
                yield
                site.cancel()
            for task in serving:
                task.cancel()


def _read(faults: Path) -> FaultFile:
    try:
        return read_fault_file(faults)
    except ValueError as error:
        raise _wrong(faults, str(error).splitlines()) from error


def _wrong(faults: Path | None, findings: Sequence[str]) -> Failure:
    title = f"the file of faults {faults} has {len(findings)} finding(s)"
    return Failure(REFUSED, title, *(("", finding) for finding in findings))


def simulation_api(site: SimulatedSite, vehicles: Vehicles) -> FastAPI:
    """Return the HTTP interface of simulated devices that run alone."""
    api = FastAPIOffline(redoc_url=None, title="Simulated devices", version="1")
    api.include_router(sim_router(site, vehicles))
    add_problem_handlers(api)

    @api.get("/livez")
    async def livez() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        """Tell that the simulated devices run."""
        return {"status": "ok"}

    return api


def keep_places(site: SimulatedSite, file: Path) -> bool:
    """Let loads stand where they did when an earlier run ended, and keep that from now on; tell whether there was one.

    Raises:
        Failure: what is kept does not fit the site.
    """
    places = Places(file, site.site.id)
    try:
        restored = places.restore(site.world)
    except ValueError as error:
        raise Failure(
            REFUSED,
            f"the loads cannot stand where {file} has them: {error}",
            (
                "what to do",
                "move the file away: the site begins with its first stock, and so must the data of its gateway",
            ),
        ) from error
    places.follow(site.world)
    return restored


async def run_simulation(options: SimOptions) -> None:
    """Serve the simulated devices of a site until the process is told to stop."""
    with http_port("127.0.0.1", options.port) as port, TemporaryDirectory(prefix="gateway-sim-") as folder:
        simulation = Simulation(options, Path(folder))
        restored = options.state is not None and keep_places(simulation.site, options.state)
        api = simulation_api(simulation.site, simulation.vehicles)
        async with simulation.running():
            start_is_over()
            log.info(
                "the simulated devices run",
                site=options.site.id,
                speed=options.speed,
                loads="where they were" if restored else "where the site file has them",
                url=f"http://127.0.0.1:{options.port}/v1/sim/world",
            )
            await serve_http(api, port, asyncio.Event())
