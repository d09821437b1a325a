"""The one composition root: every room of a running gateway, put together, and the tasks that keep it running."""

import asyncio
import gc
import os
import socket
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Final, Protocol, TypeVar, assert_never

import httpx
import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from drivers.links.modbus import TcpModbus
from drivers.links.modbus_port import ModbusPort
from drivers.links.mqtt import BrokerAccess, connect_mqtt
from drivers.links.mqtt_port import Connect as MqttConnect
from drivers.links.nats_server import HOST, EmbeddedBroker, PortTaken
from drivers.links.opcua import connect_opcua
from drivers.links.opcua_port import Connect as OpcUaConnect
from drivers.modbus.link import ModbusLinkRunner
from drivers.modbus.mailbox import ModbusMailboxDriver
from drivers.modbus.putwall import ModbusPutWallDriver
from drivers.opcua.link import OpcUaLinkRunner
from drivers.opcua.mailbox import OpcUaMailboxDriver
from drivers.vda5050.driver import Vda5050Driver
from gateway.api.app import create_api, create_wes_api
from gateway.api.deps import ApiDeps
from gateway.contract.clock import Clock
from gateway.contract.driver import CommandDriver, Driver, DriverContext, PutWallDriver, VehicleDriver
from gateway.contract.faults import Refusal
from gateway.contract.reports import Report
from gateway.contract.wiring import Link, ModbusLink, MqttLink, OpcUaLink
from gateway.delivery.brokers import Broker, open_broker
from gateway.delivery.chain import Bells, chain_works
from gateway.delivery.feed import Feed
from gateway.delivery.gateway_client import GatewayClient
from gateway.delivery.positions import Positions
from gateway.delivery.sender import EVERYWHERE, LOOPBACK, HttpSender, Network, Sender
from gateway.delivery.upstream import Courier, HttpCourier
from gateway.delivery.webhooks import Webhooks
from gateway.delivery.wes import upstream_works
from gateway.fleet.effects import CancelOrder, LocaliseVehicle, ResetVehicle, SendOrder
from gateway.fleet.fleet import Engine as FleetEngine
from gateway.fleet.messages import FleetTick
from gateway.fleet.room import FleetRoom
from gateway.kernel.books import Books, Effect
from gateway.kernel.clock import SystemClock
from gateway.kernel.kernel import Kernel
from gateway.kernel.ports import Store
from gateway.kernel.supervise import keep_running
from gateway.site.model import Carrier, Conveyor, Device, PutWall, Site
from gateway.site.wes import Wes
from gateway.site.wiring import fleet_wiring, mailbox_wiring, putwall_wiring
from gateway.store.ownership import Ownership, claim
from gateway.store.retention import Retention
from gateway.store.sqlite import open_sqlite
from gateway.transport.effects import Abandon, Assign, Darken, Show
from gateway.transport.engine import TransportEngine
from gateway.transport.messages import Open, Tick
from gateway.transport.tables import TransportTables
from gateway.wes.allocation.greedy import Greedy
from gateway.wes.allocation.port import Allocator
from gateway.wes.core import WesCore, open_core
from gateway.wes.floor.operations import push
from gateway.wes.floor.wall import PUT_HANDLERS
from gateway.wes.layout import lay_out
from gateway.wes.planning.hearing import Hearing
from gateway.wes.schema import MIGRATIONS
from gateway.wes.upstream.monitors import Monitors

log = structlog.get_logger()

TICK_S: Final = 1.0
ASK_AGAIN_S: Final = 1.0
GOODBYE_S: Final = 2
"""Open streams are cut off this long after the gateway was told to stop."""
BACKLOG: Final = 2048

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one gateway is run.

    Attributes:
        data: folder of everything durable.
        token: what callers of the API must show; None only where nobody else can reach the port.
        webhook_networks: private networks to which webhooks may be posted, besides public addresses and this machine.
    """

    site: Site
    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    webhook_networks: tuple[Network, ...] = ()


class Runnable(Protocol):
    """Something that works until it is cancelled."""

    async def run(self) -> None:
        """Work until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class WesSurroundings:
    """All that is outside a WES core.

    Attributes:
        store: opens its database for as long as its context lasts.
        courier: brings messages to upstream; None where nobody listens.
        allocator: decides who picks what from which container.
    """

    store: Callable[[], AbstractAsyncContextManager[Store]]
    courier: Courier | Broker | None
    allocator: Allocator = field(default_factory=Greedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All that is outside a gateway: time, chance, storage and wires. Sockets and threads here; memory and virtual time in tests.

    Attributes:
        store: opens the database for as long as its context lasts.
        modbus: makes the wire of a Modbus link.
        opcua: makes an OPC UA session.
        mqtt: returns how to connect to a link's broker under a client id.
        sender: posts webhooks.
        runners: what has to run besides the gateway, such as an embedded broker, by a name for people.
        wes: what is outside the bundled WES core; None where the site has none.
    """

    clock: Clock
    rng: Random
    store: Callable[[], AbstractAsyncContextManager[Store]]
    modbus: Callable[[ModbusLink], ModbusPort]
    opcua: OpcUaConnect
    mqtt: Callable[[MqttLink, str], MqttConnect]
    sender: Sender
    runners: Mapping[str, Runnable]
    wes: WesSurroundings | None = None


@asynccontextmanager
async def real_surroundings(settings: Settings) -> AsyncGenerator[Surroundings]:
    """Return sockets, threads, files and the system's clock.

    Raises:
        PortRefused: another program has the port of an embedded broker.
    """
    clock = SystemClock()
    sender = HttpSender(clock, (*LOOPBACK, *settings.webhook_networks))
    upstream = HttpSender(clock, EVERYWHERE)
    settings.data.mkdir(parents=True, exist_ok=True)
    brokers = {
        link.id: embedded_broker(link, settings.data)
        for link in settings.site.links
        if isinstance(link, MqttLink) and link.url == "embedded"
    }
    await check_ports(brokers.values())
    try:
        yield Surroundings(
            clock=clock,
            rng=SystemRandom(),
            store=partial(open_sqlite, settings.data / "gateway.db"),
            modbus=TcpModbus,
            opcua=connect_opcua,
            mqtt=lambda link, client_id: partial(
                connect_mqtt, _access(link, client_id, brokers.get(link.id))
            ),
            sender=sender,
            runners=brokers,
            wes=_wes_around(settings, upstream, clock),
        )
    finally:
        await sender.close()
        await upstream.close()


def _wes_around(settings: Settings, upstream: Sender, clock: Clock) -> WesSurroundings | None:
    wes = settings.site.wes
    if wes is None:
        return None
    return WesSurroundings(
        partial(open_sqlite, settings.data / "wes.db", MIGRATIONS), _courier(wes, upstream, clock)
    )


def _courier(wes: Wes, sender: Sender, clock: Clock) -> Courier | Broker | None:
    """Return the way to upstream that the site names.

    Raises:
        UpstreamRefused: the broker's client is not installed.
    """
    http, broker = wes.upstream.http, wes.upstream.broker
    if http is not None:
        secret = None if http.secret_file is None else http.secret_file.read_text(encoding="utf-8").strip()
        return HttpCourier(sender, http.url, secret, clock)
    try:
        return None if broker is None else open_broker(broker, wes.warehouse_id)
    except ImportError as error:
        mend = 'pip install "warehouse-gateway[broker]"'
        raise UpstreamRefused(f"the client of upstream's broker is not installed: {mend}") from error


def embedded_broker(link: MqttLink, data: Path) -> EmbeddedBroker:
    """Return the broker that runs as a child of this process, or of another one that was first on its port."""
    return EmbeddedBroker(data / link.id, link.port)


async def check_ports(brokers: Iterable[EmbeddedBroker]) -> None:
    """Look at the ports of embedded brokers before anything begins.

    Raises:
        PortRefused: another program has one of them.
    """
    for broker in brokers:
        try:
            await broker.check()
        except PortTaken as taken:
            raise PortRefused(str(taken)) from taken


def _access(link: MqttLink, client_id: str, broker: EmbeddedBroker | None) -> BrokerAccess:
    if broker is None:
        return BrokerAccess.of_link(link, client_id)
    return BrokerAccess(
        host=HOST, port=link.port, client_id=client_id, username=broker.username, password=broker.password
    )


class Wires:
    """The links and drivers of a site.

    Attributes:
        runners: whatever has to run, by a name for people.
        drivers: by device; the vehicles of a fleet share one.
    """

    def __init__(self, site: Site, around: Surroundings, context: DriverContext) -> None:
        self.runners: dict[str, Runnable] = {}
        self.drivers: dict[str, Driver] = {}
        self._site = site
        self._around = around
        self._context = context
        for link in site.links:
            self._connect(link)

    def _connect(self, link: Link) -> None:
        devices = [device for device in self._site.devices if device.link == link.id]
        match link:
            case OpcUaLink():
                session = OpcUaLinkRunner(link, self._around.opcua)
                self.runners[link.id] = session
                for device in devices:
                    wiring = mailbox_wiring(self._site, _with_mailbox(device))
                    self._add(OpcUaMailboxDriver(session, wiring, self._context))
            case ModbusLink():
                connection = ModbusLinkRunner(link, self._around.modbus(link))
                self.runners[link.id] = connection
                for device in devices:
                    if isinstance(device, PutWall):
                        wall = putwall_wiring(self._site, device)
                        self._add(ModbusPutWallDriver(connection, wall, self._context))
                    else:
                        wiring = mailbox_wiring(self._site, device)
                        self._add(ModbusMailboxDriver(connection, wiring, self._context))
            case MqttLink():
                self._connect_fleets(link)
            case _:
                assert_never(link)

    def _connect_fleets(self, link: MqttLink) -> None:
        for fleet in self._site.fleets:
            if fleet.link == link.id:
                connect = self._around.mqtt(link, f"gateway-{self._context.run}-{fleet.id}")
                self._add(Vda5050Driver(connect, fleet_wiring(fleet), self._context))

    def _add(self, driver: Driver) -> None:
        self.runners[", ".join(driver.device_ids)] = driver
        self.drivers |= dict.fromkeys(driver.device_ids, driver)


def _with_mailbox(device: Device) -> Carrier | Conveyor:
    if isinstance(device, PutWall):
        raise TypeError(f"{device.id}: no put wall speaks OPC UA")
    return device


class Gateway:
    """One running gateway.

    Attributes:
        tables: the books of transports; to be read only through `kernel.read`.
        wes: the bundled WES core; None where the site has none.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        kernel: Kernel,
        tables: TransportTables,
        engine: TransportEngine,
        feed: Feed,
        positions: Positions,
        webhooks: Webhooks,
        wires: Wires,
        store: Store,
        wes: "RunningWes | None",
    ) -> None:
        self.settings = settings
        self.kernel = kernel
        self.tables = tables
        self.engine = engine
        self.feed = feed
        self.positions = positions
        self.wires = wires
        self.wes = wes
        self._webhooks = webhooks
        self._store = store

    async def serve(self, port: socket.socket, *routers: APIRouter) -> None:
        """Answer HTTP on a port until the process is told to stop (SIGINT, SIGTERM), with more routes if there are any."""
        closing = asyncio.Event()
        api = self.api(closing)
        for router in routers:
            api.include_router(router)
        await serve_http(api, port, closing)

    def api(self, closing: asyncio.Event) -> FastAPI:
        """Return the HTTP interface; its streams end when `closing` is set."""
        return create_api(
            ApiDeps(
                site=self.settings.site,
                tables=self.tables,
                kernel=self.kernel,
                store=self._store,
                feed=self.feed,
                webhooks=self._webhooks,
                positions=self.positions,
                drivers=self.wires.drivers,
                explain=self.engine.explain,
                token=self.settings.token,
                wes=None if self.wes is None else self.wes.core,
                monitors=None if self.wes is None else self.wes.monitors,
                closing=closing,
            )
        )


@dataclass(frozen=True, slots=True)
class RunningWes:
    """The bundled WES core and what runs around it.

    Attributes:
        allocator: decides who picks what from which container.
        hearing: turns the gateway's events into what they mean.
        bells: wake the chain's rounds.
        works: what runs around orders and upstream.
    """

    core: WesCore
    monitors: Monitors
    allocator: Allocator
    hearing: Hearing
    bells: Bells
    works: Mapping[str, Runnable]

    def chain(self, gateway: GatewayClient) -> Mapping[str, Runnable]:
        """Return what runs between work orders and containers at stations."""
        return chain_works(self.core, gateway, self.allocator, self.hearing, self.bells)


@asynccontextmanager
async def open_wes(
    site: Site, clock: Clock, rng: Random, around: WesSurroundings | None
) -> AsyncGenerator[RunningWes | None]:
    """Open the WES core of a site, if it has one, for as long as the context lasts."""
    if site.wes is None or around is None:
        yield None
        return
    async with around.store() as store:
        bells = Bells()
        opened = await open_core(store, site.wes, clock, lay_out(site, site.wes.stations.boxes))
        core = replace(opened, stir=bells.ring)
        monitors = Monitors(core)
        works = upstream_works(core, monitors, around.courier, rng)
        hearing = Hearing(core.context, push, PUT_HANDLERS)
        yield RunningWes(core, monitors, around.allocator, hearing, bells, works)


@asynccontextmanager
async def own_client(gateway: Gateway) -> AsyncGenerator[GatewayClient]:
    """Return the gateway of this process as a WES sees it: the requests of everybody, without a socket."""
    application = httpx.ASGITransport(gateway.api(asyncio.Event()), raise_app_exceptions=False)
    headers = authorization(gateway.settings.token)
    async with httpx.AsyncClient(transport=application, base_url="http://gateway", headers=headers) as http:
        yield GatewayClient(http, gateway.feed.beyond)


def authorization(token: str | None) -> dict[str, str]:
    """Return the headers that show a token."""
    return {} if token is None else {"authorization": f"Bearer {token}"}


@asynccontextmanager
async def open_gateway(settings: Settings, around: Surroundings) -> AsyncGenerator[Gateway]:
    """Run a gateway, all but its HTTP interface, for as long as the context lasts.

    Raises:
        StoreRefused: another process uses the data, or they are newer than this program.
        ExceptionGroup: of StoreBroken or Fenced: the process must stop.
    """
    clock = around.clock
    async with (
        around.store() as store,
        open_wes(settings.site, clock, around.rng, around.wes) as wes,
    ):
        ownership = Ownership(await claim(store, clock.now_us()))
        books = Books()
        tables = TransportTables(books)
        fleets = FleetRoom(
            books,
            settings.site,
            FleetEngine(
                usable=lambda vehicle_id: engine.is_enabled(vehicle_id),
                laden=lambda vehicle_id: vehicle_id in tables.loads,
                report=lambda report: engine.hear(report),
                next_job_id=lambda: engine.journal.next_job_id(),
            ),
        )
        engine = TransportEngine(tables, settings.site, fleets.fleets)
        feed = Feed(store, settings.site.id)
        await feed.open()
        drivers: dict[str, Driver] = {}
        kernel = Kernel(
            store=store,
            books=books,
            rooms=[engine, fleets],
            clock=clock,
            guard=ownership,
            publish=feed.publish,
            perform=partial(perform, drivers),
        )
        positions = Positions()
        context = DriverContext(
            clock=clock,
            epoch=ownership.epoch,
            run=f"{settings.site.id}-{ownership.epoch}-{around.rng.getrandbits(32):08x}",
            report=partial(tell, kernel),
            observe=positions.observe,
        )
        wires = Wires(settings.site, around, context)
        drivers |= wires.drivers
        webhooks = Webhooks(
            store=store, guard=ownership, feed=feed, sender=around.sender, clock=clock, rng=around.rng
        )
        retention = Retention(store=store, guard=ownership, clock=clock, forgotten=feed.forget_before)
        await store.read(books.load)
        works: dict[str, Runnable] = {
            "webhooks": webhooks,
            "retention": retention,
            **around.runners,
            **wires.runners,
        }
        gateway = Gateway(
            settings,
            kernel=kernel,
            tables=tables,
            engine=engine,
            feed=feed,
            positions=positions,
            webhooks=webhooks,
            wires=wires,
            store=store,
            wes=wes,
        )
        async with _works_of(wes, gateway) as wes_works, asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(kernel.run())]
            await kernel.ask(Open())
            running += [
                tasks.create_task(keep_running(name, work.run)) for name, work in (works | wes_works).items()
            ]
            running.append(tasks.create_task(_tick(kernel)))
            yield gateway
            for task in running:
                task.cancel()


@asynccontextmanager
async def _works_of(wes: "RunningWes | None", gateway: Gateway) -> AsyncGenerator[dict[str, Runnable]]:
    """Return what the WES core of a gateway's own process has to run."""
    if wes is None:
        yield {}
        return
    async with own_client(gateway) as client:
        yield {**wes.works, **wes.chain(client)}


async def run_gateway(settings: Settings) -> None:
    """Run a gateway until the process is told to stop.

    Whoever starts the process may have switched garbage collection off: what a start makes lives as long as the process,
    and looking through it again and again takes a fifth of the start, and long pauses later.
    """
    with http_port(settings.host, settings.port) as port:
        async with real_surroundings(settings) as around, open_gateway(settings, around) as gateway:
            gc.freeze()
            gc.enable()
            log.info("the gateway runs", url=f"http://{settings.host}:{settings.port}", site=settings.site.id)
            await gateway.serve(port)


async def run_wes(settings: Settings, gateway_url: str) -> None:
    """Run the WES core of a site in a process of its own, beside a gateway that runs none, until the process is told to stop.

    Args:
        settings: of the WES; the token is the one that the gateway wants, and that the WES wants to be shown.
        gateway_url: where the gateway listens.

    Raises:
        StoreRefused: another process uses the data, or they are newer than this program.
    """
    clock, rng = SystemClock(), SystemRandom()
    settings.data.mkdir(parents=True, exist_ok=True)
    upstream = HttpSender(clock, EVERYWHERE)
    headers = authorization(settings.token)
    around = _wes_around(settings, upstream, clock)
    with http_port(settings.host, settings.port) as port:
        try:
            async with (
                open_wes(settings.site, clock, rng, around) as wes,
                httpx.AsyncClient(base_url=gateway_url, headers=headers, trust_env=False) as http,
                asyncio.TaskGroup() as tasks,
            ):
                assert wes is not None
                works = {**wes.works, **wes.chain(GatewayClient(http))}
                running = [tasks.create_task(keep_running(name, work.run)) for name, work in works.items()]
                log.info("the WES runs", url=f"http://{settings.host}:{settings.port}", gateway=gateway_url)
                api = create_wes_api(wes.core, wes.monitors, settings.token)
                await serve_http(api, port, asyncio.Event())
                for task in running:
                    task.cancel()
        finally:
            await upstream.close()


class UpstreamRefused(Exception):  # noqa: N818 - an answer to an operator
    """The way to upstream that the site names cannot be gone; the text says what would mend it."""


class PortRefused(Exception):  # noqa: N818 - an answer to an operator
    """A port cannot be had; the text says which one, why, and what to do."""


@contextmanager
def http_port(host: str, port: int) -> Generator[socket.socket]:
    """Have a port before anything else begins; nobody can connect until it is served.

    Raises:
        PortRefused: it is taken, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        if os.name == "posix":  # elsewhere this option would let two programs have one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            text = (
                f"port {port} on {host} cannot be had ({error.strerror}):"
                " stop the program that has it, or choose another one with --port"
            )
            raise PortRefused(text) from error
        yield bound


class _Server(uvicorn.Server):
    """Lets open streams end before it waits for them."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)


async def serve_http(api: FastAPI, port: socket.socket, closing: asyncio.Event) -> None:
    """Answer HTTP until the process is told to stop; `closing` is set then."""
    config = uvicorn.Config(
        api,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GOODBYE_S,
    )
    await _Server(config, closing).serve(sockets=[port])


async def tell(kernel: Kernel, report: Report) -> None:
    """Give a driver's report to the kernel, again and again if need be, until it is durable."""
    while True:
        try:
            await kernel.ask(report)
        except Refusal:  # busy, or no room: the kernel tells the latter, once
            await asyncio.sleep(ASK_AGAIN_S)
        else:
            return


def perform(drivers: Mapping[str, Driver], effect: Effect) -> None:
    """Hand an effect to the driver whose matter it is."""
    match effect:
        case Assign(command):
            _speaking(drivers, command.device_id, CommandDriver).assign(command)
        case Abandon(device_id, job_id):
            _speaking(drivers, device_id, CommandDriver).abandon(job_id)
        case Show(order):
            _speaking(drivers, order.wall, PutWallDriver).show(order)
        case Darken(wall, put_id):
            _speaking(drivers, wall, PutWallDriver).darken(put_id)
        case SendOrder(order):
            _speaking(drivers, order.vehicle_id, VehicleDriver).send(order)
        case CancelOrder(vehicle_id, order_id):
            _speaking(drivers, vehicle_id, VehicleDriver).cancel(vehicle_id, order_id)
        case LocaliseVehicle(pose):
            _speaking(drivers, pose.vehicle_id, VehicleDriver).localise(pose)
        case ResetVehicle(vehicle_id):
            _speaking(drivers, vehicle_id, VehicleDriver).reset(vehicle_id)
        case _:
            raise TypeError(f"nobody carries out {effect!r}")


def _speaking(drivers: Mapping[str, Driver], device_id: str, kind: type[T]) -> T:
    driver = drivers[device_id]
    if not isinstance(driver, kind):
        raise TypeError(f"{device_id} has no {kind.__name__}")
    return driver


async def _tick(kernel: Kernel) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        for message in (Tick(), FleetTick()):
            with suppress(Refusal):
                await kernel.ask(message)
