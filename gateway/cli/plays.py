"""What goes on at a demo site: a foreign WES that keeps transports going, or customers, an OMS, people and the bundled WES core."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import httpx
from fastapi import APIRouter

from gateway.app import Gateway, RunningWes, make_data_folder
from gateway.cli.options import DemoOptions
from gateway.cli.snapshot import ShownOrders
from gateway.kernel.clock import SystemClock
from gateway.site.model import Site
from gateway.site.wes import HttpUpstream
from gateway.wes.figures import read_figures
from gateway.wes.proof import prove
from sim_devices.clock import SimClock, seeded
from sim_devices.oms import Demand, SimulatedOms
from sim_devices.operators import Habits, Packer, Person, Picker, Receiver
from sim_devices.order_book import CANCELLED, LEFT, OrderBook
from sim_devices.site import SimulatedSite
from sim_devices.supplier import SimulatedSupplier
from sim_devices.wes import SimulatedWes

HEARS_AT: Final = "/v1/sim/oms"
"""Where the OMS listens: at the gateway's own port, as all that is simulated."""
SECRET_FILE: Final = "oms.secret"
BOOK_FILE: Final = "oms.jsonl"
"""What the OMS remembers of earlier runs on the same data."""
PAUSE_S: Final = 30.0
"""Between two orders on average, in simulated time: about what two stations and six vehicles can do."""
LOOK_S: Final = 0.5
SILENT_S: Final = 20.0
SILENT_SIMULATED_S: Final = 600.0
"""Nothing has been told of any order and no load has moved for so long, in the loop's time and in simulated time: it is stuck."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a play is.

    Attributes:
        total: None: it goes on until it is stopped.
        orders: how the WES core does; None where none plays.
    """

    done: int
    total: int | None
    orders: ShownOrders | None = None


class Play(Protocol):
    """What goes on at a demo site."""

    def routes(self) -> Sequence[APIRouter]:
        """Return what it serves at the gateway's port."""
        ...

    async def run(self) -> None:
        """Play to the end."""
        ...

    def is_stuck(self) -> bool:
        """Tell whether it waits for a person, or for what does not come."""
        ...

    async def problems(self) -> str:
        """Return what went wrong, if anything."""
        ...

    def progress(self) -> Progress:
        """Return how far it is."""
        ...

    def standing(self) -> str:
        """Return what has been done so far, for who stops it."""
        ...

    def last_line(self) -> str:
        """Return how it ended, for a script."""
        ...


class TransportPlay:
    """A foreign WES; the bundled one is not there."""

    def __init__(self, options: DemoOptions, http: httpx.AsyncClient) -> None:
        self._wes = SimulatedWes(
            options.site, http, seeded(options.seed, "wes"), prefix=_prefix(), transports=options.transports
        )

    def routes(self) -> Sequence[APIRouter]:
        """Return nothing."""
        return ()

    async def run(self) -> None:
        """Move totes until as many transports as wanted have ended."""
        await self._wes.run()

    def is_stuck(self) -> bool:
        """Tell whether transports wait for somebody's decision."""
        return bool(self._wes.tally.problems())

    async def problems(self) -> str:
        """Return the transports that have not ended well."""
        tally = self._wes.tally
        problems = tally.problems()
        if not problems and tally.wanted is not None and tally.accepted < tally.wanted:
            return f"only {tally.accepted} of {tally.wanted} transports could be asked for: no tote is free to move"
        names = ", ".join(f"{name} is {how}" for name, how in problems.items())
        return f"{names}; see `gateway transport show ID` while the demo runs" if problems else ""

    def progress(self) -> Progress:
        """Return how many transports have completed."""
        tally = self._wes.tally
        return Progress(tally.count("completed"), tally.wanted)

    def standing(self) -> str:
        """Return how many transports have completed, and how many go on."""
        tally = self._wes.tally
        return f"{_of(tally.count('completed'), tally.wanted)} transports completed"

    def last_line(self) -> str:
        """Return how all transports ended."""
        tally = self._wes.tally
        return (
            f"demo: {tally.count('completed')} transports completed,"
            f" {tally.count('failed')} failed, {tally.count('unknown')} unknown"
        )


class OrderPlay:
    """Customers order, totes come, people pick, boxes leave; the WES core of the site's own gateway does it."""

    def __init__(
        self,
        options: DemoOptions,
        http: httpx.AsyncClient,
        devices: SimulatedSite,
        wes: RunningWes,
        data: Path,
    ) -> None:
        clock = devices.clock
        self._core = wes.core
        self._site = options.site
        self._warehouse_id = wes.core.context.wes.warehouse_id
        self._supplier = SimulatedSupplier(http, seeded(options.seed, "supplier"))
        self._oms = SimulatedOms(
            http,
            seeded(options.seed, "oms"),
            Demand(
                orders=options.orders,
                pause_s=PAUSE_S / options.speed,
                cancelled=options.cancel_share,
                short=options.short_share,
                returned=options.return_share,
            ),
            warehouse_id=self._warehouse_id,
            prefix=_prefix(),
            secret=(data / SECRET_FILE).read_text(encoding="utf-8"),
            book=OrderBook(data / BOOK_FILE),
        )
        self._people = [
            Picker(_person(f"picker-{station.id}", options, http, clock), station.id)
            for station in options.site.stations
        ]
        self._packer = Packer(_person("packer", options, http, clock))
        self._receiver = Receiver(_person("receiver", options, http, clock))
        orders = self._oms.book.orders.values()
        self._taken_up = sum(not order.has_ended for order in orders)
        self._shown = ShownOrders()
        self._world = devices.world
        self._last = (0, 0)
        self._since = 0.0
        self._silent_s = max(SILENT_S, SILENT_SIMULATED_S / options.speed)
        self._failed = 0
        self._verified = False

    def routes(self) -> Sequence[APIRouter]:
        """Return where the OMS listens."""
        router = APIRouter(prefix=HEARS_AT)
        router.include_router(self._oms.routes())
        return (router,)

    async def run(self) -> None:
        """Fill the totes, then sell, pick and ship until all orders have ended."""
        await self._supplier.fill([each.container for each in self._site.initial_stock()])
        async with asyncio.TaskGroup() as tasks:
            people = (self._packer, self._receiver, *self._people)
            works = [self._look(), *(person.run() for person in people)]
            others = [tasks.create_task(work) for work in works]
            await self._oms.run()
            for other in others:
                other.cancel()

    async def _look(self) -> None:
        while True:
            self._shown = await self._figures()
            await asyncio.sleep(LOOK_S)

    async def _figures(self) -> ShownOrders:
        figures = await self._core.store.read(partial(read_figures, warehouse_id=self._warehouse_id))
        return ShownOrders(
            counts={code.name.lower().replace("_", " "): count for code, count in figures.orders.items()},
            pile_on=figures.pile_on,
            quantity=figures.quantity,
            promised=figures.promised,
            at_stations=figures.at_stations,
        )

    def is_stuck(self) -> bool:
        """Tell whether the OMS has heard nothing, and no load has moved, for too long."""
        now, done = asyncio.get_running_loop().time(), (self._oms.book.callbacks, self._world.moves_made)
        if done != self._last or not self._since:
            self._last, self._since = done, now
        return now - self._since > self._silent_s

    async def problems(self) -> str:
        """Compare the OMS's account, the WES's books and its documents."""
        self._shown = await self._figures()
        book = self._oms.book
        left = [order.order_no for order in book.orders.values() if not order.ended_well]
        self._failed = len(left)
        found = [f"{name} is {book.orders[name].status or 'not heard of'}" for name in left]
        found += await self._oms.verdict()
        now = SystemClock().now_us()
        findings = await self._core.store.read(partial(prove, now=now))
        self._verified = not findings and not found
        return "; ".join([*found, *(f"{each.place}: {each.problem}" for each in findings)])

    def progress(self) -> Progress:
        """Return how many orders have been shipped, by what the OMS was told."""
        return Progress(self._oms.book.count(*LEFT), self._oms.wanted, self._shown)

    def standing(self) -> str:
        """Return what customers have got so far, and what they still wait for."""
        book, own = self._oms.book, self._oms.wanted
        waiting = sum(not order.has_ended for order in book.orders.values())
        return f"{_of(book.count(*LEFT), own)} orders shipped{self._besides()}, {waiting} not ended, stock not verified"

    def last_line(self) -> str:
        """Return how all orders ended."""
        stock = "verified" if self._verified else "not verified"
        shipped = self._oms.book.count(*LEFT)
        return f"demo: {shipped} orders shipped{self._besides()}, {self._failed} failed, stock {stock}"

    def _besides(self) -> str:
        """Return how many orders were cancelled, and how many an earlier run had left open, if there are any."""
        cancelled = self._oms.book.count(CANCELLED)
        parts = {"cancelled": cancelled, "of an earlier run taken up": self._taken_up}
        return "".join(f", {count} {what}" for what, count in parts.items() if count)


def play_of(
    options: DemoOptions, http: httpx.AsyncClient, devices: SimulatedSite, gateway: Gateway, data: Path
) -> Play:
    """Return what goes on at a demo site."""
    if gateway.wes is None:
        return TransportPlay(options, http)
    return OrderPlay(options, http, devices, gateway.wes, data)


def completed_site(options: DemoOptions, data: Path) -> Site:
    """Return the site as the demo runs it: without a WES core for transports, else with the demo's OMS as its upstream."""
    site = options.site
    if options.transports is not None or site.wes is None:
        return site.model_copy(update={"wes": None})
    make_data_folder(data)
    secret_file = data / SECRET_FILE
    secret_file.touch(mode=0o600)
    secret_file.write_text(f"whsec_{b64encode(secrets.token_bytes(24)).decode()}", encoding="utf-8")
    http = HttpUpstream(url=f"http://127.0.0.1:{options.port}{HEARS_AT}", secret_file=secret_file)
    upstream = site.wes.upstream.model_copy(update={"http": http, "broker": None})
    return site.model_copy(update={"wes": site.wes.model_copy(update={"upstream": upstream})})


def _person(name: str, options: DemoOptions, http: httpx.AsyncClient, clock: SimClock) -> Person:
    habits = Habits().at(options.pace)
    if options.mistakes is not None:
        habits = habits.erring(options.mistakes)
    return Person(f"{_prefix()}-{name}", http, clock, seeded(options.seed, name), habits)


def _of(done: int, wanted: int | None) -> str:
    return str(done) if wanted is None else f"{done} of {wanted}"


def _prefix() -> str:
    """Return what begins the ids of this run."""
    return f"demo-{SystemClock().now_us() // 1_000_000}"
