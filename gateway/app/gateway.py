"""One gateway, put together, and the tasks that keep it running."""

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import cached_property, partial
from typing import Final

import httpx
import structlog
from fastapi import APIRouter, FastAPI

from gateway.api.app import create_api
from gateway.api.deps import ApiDeps
from gateway.app.rooms import open_rooms
from gateway.app.serving import http_port, serve_http, start_is_over
from gateway.app.settings import Settings
from gateway.app.surroundings import Runnable, Surroundings, real_surroundings
from gateway.app.wes import RunningWes, open_wes
from gateway.app.wires import Wires, tell
from gateway.contract.driver import DriverContext
from gateway.contract.faults import Refusal
from gateway.delivery.feed import Feed
from gateway.delivery.gateway_client import GatewayClient
from gateway.delivery.positions import Positions
from gateway.delivery.webhooks import Webhooks
from gateway.fleet.messages import FleetTick
from gateway.kernel.kernel import Kernel
from gateway.kernel.ports import Store
from gateway.kernel.supervise import keep_running
from gateway.people.people import People
from gateway.store.ownership import Ownership, claim
from gateway.store.retention import Retention
from gateway.transport.engine import TransportEngine
from gateway.transport.messages import LookForRoom, Open, Tick
from gateway.transport.tables import TransportTables
from gateway.web.pages import add_pages

log = structlog.get_logger()

TICK_S: Final = 1.0


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
        people: People,
        wires: Wires,
        store: Store,
        wes: RunningWes | None,
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
        self._people = people
        self._store = store
        self._own_key = secrets.token_urlsafe(32)
        self._closing = asyncio.Event()

    async def serve(self, port: socket.socket, *routers: APIRouter) -> None:
        """Answer HTTP on a port, pages and more routes included, until the process is told to stop (SIGINT, SIGTERM)."""
        for router in routers:
            self.api.include_router(router)
        add_pages(self.api)
        await serve_http(self.api, port, self._closing)

    @property
    def authorization(self) -> dict[str, str]:
        """Return the headers by which parts of this process are known at its own door, whoever is kept."""
        return {"authorization": f"Bearer {self._own_key}"}

    @cached_property
    def api(self) -> FastAPI:
        """The HTTP interface; its streams end when the process is told to stop."""
        return create_api(self.deps)

    @cached_property
    def deps(self) -> ApiDeps:
        """What the HTTP interface works with."""
        return ApiDeps(
            site=self.settings.site,
            tables=self.tables,
            kernel=self.kernel,
            store=self._store,
            feed=self.feed,
            webhooks=self._webhooks,
            positions=self.positions,
            drivers=self.wires.drivers,
            explain=self.engine.explain,
            people=self._people,
            token=self.settings.token,
            own_key=self._own_key,
            names=self.settings.names,
            wes=None if self.wes is None else self.wes.core,
            closing=self._closing,
        )


@asynccontextmanager
async def _own_client(gateway: Gateway) -> AsyncGenerator[GatewayClient]:
    """Return the gateway of this process as a WES sees it: the requests of everybody, without a socket."""
    application = httpx.ASGITransport(gateway.api, raise_app_exceptions=False)
    headers = gateway.authorization
    async with httpx.AsyncClient(transport=application, base_url="http://localhost", headers=headers) as http:
        yield GatewayClient(http, gateway.feed.beyond)


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
        ownership = Ownership(await claim(store, settings.site.id, clock.now_us()))
        rooms = open_rooms(settings.site)
        feed = Feed(store, settings.site.id)
        await feed.open()
        kernel = Kernel(
            store=store,
            books=rooms.books,
            rooms=[rooms.engine, rooms.fleets],
            clock=clock,
            guard=ownership,
            publish=feed.publish,
            perform=lambda effect: wires.perform(effect),
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
        webhooks = Webhooks(
            store=store, guard=ownership, feed=feed, sender=around.sender, clock=clock, rng=around.rng
        )
        people = People(
            store=store,
            guard=ownership,
            clock=clock,
            rng=around.rng,
            rules=settings.site.people,
            zones=settings.site.zones,
            compute=around.compute,
        )
        retention = Retention(store=store, guard=ownership, clock=clock, forgotten=feed.forget_before)
        await store.read(rooms.books.load)
        await people.open()
        await webhooks.open()  # who asked before would be told that there are none, and subscribe once more
        rooms.check_site()
        works: dict[str, Runnable] = {
            "webhooks": webhooks,
            "people": people,
            "retention": retention,
            **around.runners,
            **wires.runners,
        }
        gateway = Gateway(
            settings,
            kernel=kernel,
            tables=rooms.tables,
            engine=rooms.engine,
            feed=feed,
            positions=positions,
            webhooks=webhooks,
            people=people,
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
            running.append(tasks.create_task(keep_running("clock", partial(_tick, kernel))))
            yield gateway
            for task in running:
                task.cancel()


@asynccontextmanager
async def _works_of(wes: RunningWes | None, gateway: Gateway) -> AsyncGenerator[dict[str, Runnable]]:
    """Return what the WES core of a gateway's own process has to run."""
    if wes is None:
        yield {}
        return
    async with _own_client(gateway) as client:
        yield {**wes.works, **wes.chain(client)}


async def run_gateway(settings: Settings) -> None:
    """Run a gateway until the process is told to stop."""
    with http_port(settings.host, settings.port) as port:
        async with real_surroundings(settings) as around, open_gateway(settings, around) as gateway:
            start_is_over()
            log.info("the gateway runs", url=settings.url, site=settings.site.id)
            await gateway.serve(port)


async def _tick(kernel: Kernel) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        for message in (Tick(), FleetTick(), *([] if kernel.no_room is None else [LookForRoom()])):
            with suppress(Refusal):
                await kernel.ask(message)
