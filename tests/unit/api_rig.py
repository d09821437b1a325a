"""The HTTP interface over the real engine, kernel, store and feed, in one process and without a socket."""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from gateway.api.app import ApiDeps, create_api
from gateway.contract.clock import Clock
from gateway.contract.driver import Driver, Health, Telegram
from gateway.contract.reports import ChannelOnline, Load, Sensors
from gateway.delivery.feed import Feed
from gateway.delivery.positions import Positions
from gateway.delivery.sender import Answer
from gateway.delivery.webhooks import Webhooks
from gateway.kernel.books import Books, Effect
from gateway.kernel.kernel import Kernel
from gateway.kernel.ports import Store
from gateway.people.passwords import Cost, at_once
from gateway.people.people import People
from gateway.site.model import Site
from gateway.store.inline import open_inline
from gateway.store.ownership import Ownership, claim
from gateway.transport.engine import TransportEngine
from gateway.transport.messages import Open
from gateway.transport.tables import TransportTables
from gateway.wes.core import WesCore
from tests.unit.feeding import START_US
from tests.unit.floor import shuttle_site

CHEAP = Cost(4, 1, 1)
"""Of passwords in tests."""
WALL = {
    "kind": "putwall",
    "id": "wall",
    "link": "plc",
    "profile": "p",
    "base": 0,
    "slot": "W-{n:02}",
    "slots": 3,
}


@dataclass
class SteppingClock:
    """A wall clock that goes on by a millisecond each time it is looked at."""

    at_us: int = START_US

    def now_us(self) -> int:
        self.at_us += 1000
        return self.at_us


class Nobody:
    """A receiver of webhooks that takes everything."""

    async def objection(self, url: str) -> str | None:
        return "not an allowed address" if "169.254" in url else None

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        return Answer(200)


@dataclass
class SilentDriver:
    """A driver whose device says nothing; its diagnosis is what the test puts in."""

    device_ids: tuple[str, ...]
    ring: list[Telegram] = field(default_factory=list[Telegram])

    async def run(self) -> None:
        await asyncio.Event().wait()

    def health(self, device_id: str) -> Health:
        return Health(connected=True, latency_ms=2.5, last_heard_us=START_US, errors={"timeout": 1})

    def telegrams(self, device_id: str) -> list[Telegram]:
        return self.ring


@dataclass
class Rig:
    """One gateway without wires."""

    app: FastAPI
    http: httpx.AsyncClient
    kernel: Kernel
    store: Store
    feed: Feed
    tables: TransportTables
    positions: Positions
    webhooks: Webhooks
    people: People
    drivers: dict[str, Driver]
    effects: list[Effect]

    async def submit(self, transport_id: str = "T-1", **changes: Any) -> httpx.Response:
        body: dict[str, Any] = {"transportId": transport_id, "containerId": "T1", "destination": "ST-1"}
        return await self.http.post("/v1/transports", json=body | changes)

    async def state(self) -> dict[str, object]:
        """All that a request could have changed, as the API shows it."""
        paths = ("transports", "containers", "locations", "devices", "alarms", "subscriptions", "events")
        answers = [await self.http.get(f"/v1/{path}", params={}) for path in paths]
        return {path: answer.json() for path, answer in zip(paths, answers, strict=True)}


def floor_site() -> Site:
    """The floor of the engine's tests, its conveyors in zones, and a put wall."""
    site = shuttle_site().model_dump()
    zones = {"conveyor": "dock", "station": "hall"}
    locations = [each | {"zone": zones.get(each["kind"])} for each in site["locations"]]
    return Site.model_validate(site | {"locations": locations, "devices": [*site["devices"], WALL]})


@asynccontextmanager
async def gateway_in(
    store: Store,
    *,
    token: str | None = None,
    names: frozenset[str] = frozenset(),
    clock: Clock | None = None,
    raise_faults: bool = True,
    wes: WesCore | None = None,
) -> AsyncGenerator[Rig]:
    """Run a gateway on a store; leaving is like a kill."""
    clock = clock or SteppingClock()
    site = floor_site()
    books = Books()
    tables = TransportTables(books)
    engine = TransportEngine(tables, site, {})
    guard = Ownership(await claim(store, site.id, clock.now_us()))
    feed = Feed(store, site.id)
    await feed.open()
    await store.read(books.load)
    effects: list[Effect] = []
    kernel = Kernel(
        store=store,
        books=books,
        rooms=[engine],
        clock=clock,
        guard=guard,
        publish=feed.publish,
        perform=effects.append,
    )
    webhooks = Webhooks(
        store=store, guard=guard, feed=feed, sender=Nobody(), clock=clock, rng=random.Random(1)
    )
    people = People(
        store=store,
        guard=guard,
        clock=clock,
        rng=random.Random(2),
        rules=site.people,
        zones=site.zones,
        compute=at_once,
        cost=CHEAP,
    )
    await people.open()
    positions = Positions()
    drivers: dict[str, Driver] = {"lift": SilentDriver(("lift",))}
    app = create_api(
        ApiDeps(
            site=site,
            tables=tables,
            kernel=kernel,
            store=store,
            feed=feed,
            webhooks=webhooks,
            positions=positions,
            drivers=drivers,
            explain=engine.explain,
            people=people,
            token=token,
            names=names,
            wes=wes,
        )
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=raise_faults)
    async with (
        asyncio.TaskGroup() as tasks,
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        running = [tasks.create_task(kernel.run()), tasks.create_task(webhooks.run())]
        await kernel.ask(Open())
        for device, channel in [("shuttle-1", "main"), ("shuttle-2", "main"), ("lift", "main")]:
            sensors = Sensors(load=Load.EMPTY)
            await kernel.ask(
                ChannelOnline(device_id=device, channel=channel, boot_id=7, ack_seq=0, sensors=sensors)
            )
        yield Rig(app, http, kernel, store, feed, tables, positions, webhooks, people, drivers, effects)
        for task in running:
            task.cancel()


@asynccontextmanager
async def gateway(
    *,
    token: str | None = None,
    names: frozenset[str] = frozenset(),
    raise_faults: bool = True,
    wes: WesCore | None = None,
) -> AsyncGenerator[Rig]:
    """Run a gateway on a database in memory."""
    async with (
        open_inline() as store,
        gateway_in(store, token=token, names=names, raise_faults=raise_faults, wes=wes) as rig,
    ):
        yield rig
