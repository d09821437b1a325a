"""A whole warehouse on virtual time: an OMS, simulated people and the WES core inside the gateway, at a plant full of faults.

The OMS believes nothing and compares; the people know what the pages tell them; the attendant settles what devices leave
undecided. The verdict is of those who stand outside: the OMS's account of goods, the stock's own proof, the proof of documents
against stock. `python -m tests.sim.warehouse` (`make simulate-warehouse`) runs many seeds.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

import httpx
from fastapi import FastAPI
from rich.progress import track

from gateway.app import Surroundings, WesSurroundings
from gateway.delivery.sender import Answer
from gateway.delivery.upstream import HttpCourier
from gateway.site.model import Site
from gateway.site.rules import DecisionPoint, Rule
from gateway.site.wes import HttpUpstream
from gateway.store.database import open_writer
from gateway.store.inline import InlineStore
from gateway.wes.proof import find_contradictions
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.verify import verify
from sim_devices.clock import seeded
from sim_devices.oms import Demand, SimulatedOms
from sim_devices.operators import Habits, Packer, Person, Picker, Receiver
from sim_devices.supplier import SimulatedSupplier
from tests.sim.faults import Mischief
from tests.sim.life import Life, mortal
from tests.sim.log import log_into
from tests.sim.person import Person as Attendant
from tests.sim.plant import Plant
from tests.sim.sites import SETTINGS
from tests.sim.telephone import Telephone
from tests.virtual_loop import loop_time, run

SECRET: Final = "whsec_c2ltdWxhdGVkIHVwc3RyZWFtLCAyNCBieXRlcw=="
UPSTREAM: Final = "http://upstream"
HABITS: Final = Habits(
    wrong_scan=0.05, wrong_goods=0.2, short=0.03, damaged=0.03, by_hand=0.2, wrong_slot=0.3, miscount=0.2
)
SCANNED: Final = Rule(at=DecisionPoint.SCAN, when={"product.abc": "A"}, then="product")
PATIENCE_S: Final = 1800.0
"""Within this time after the last fault every order has left, was cancelled, or waits for somebody with a reason."""
LOOK_S: Final = 5.0
LOST: Final = 0.1
"""Share of the messages to upstream that it does not get, and of the answers that the WES does not get."""
CANCELLED: Final = 0.2
SHORT: Final = 0.1
RETURNED: Final = 0.3
BOUGHT: Final = 0.5


@dataclass(frozen=True)
class Day:
    """What to simulate.

    Attributes:
        orders: how many the OMS sends, `pause_s` apart on average.
        fault_s, crash_s: mean time between two faults, two crashes.
    """

    seed: int
    orders: int = 10
    pause_s: float = 6.0
    fault_s: float = 4.0
    crash_s: float = 12.0


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        statuses: how often which status was the last that the OMS was told.
        wrong: what did not hold, in words; empty if all is well.
    """

    wrong: list[str] = field(default_factory=list[str])
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    faults: dict[str, int] = field(default_factory=dict[str, int])
    runs: int = 0
    seconds: float = 0.0


class Warehouse(Plant):
    """A plant whose gateway runs a WES core, and upstream.

    Attributes:
        stock: the WES core's database, which outlives its runs.
        telephone: how everybody asks the gateway.
        oms: upstream; it hears what the courier brings.
    """

    def __init__(self, day: Day) -> None:
        super().__init__(day.seed, _site())
        assert self.site.wes is not None
        self.stock = InlineStore(open_writer(None, MIGRATIONS))
        self.telephone = Telephone(self.front)
        self.oms = SimulatedOms(
            self.telephone.http,
            seeded(day.seed, "oms"),
            Demand(
                orders=day.orders,
                pause_s=day.pause_s,
                cancelled=CANCELLED,
                short=SHORT,
                returned=RETURNED,
                bought=BOUGHT,
            ),
            warehouse_id=self.site.wes.warehouse_id,
            prefix="O",
            secret=SECRET,
        )
        self._ears = FastAPI()
        self._ears.include_router(self.oms.routes())

    def _surroundings(self, life: Life) -> Surroundings:
        chance = seeded(self.seed, f"WES of run {self.tally.runs}")
        courier = HttpCourier(Letters(self._ears, life, chance), UPSTREAM, SECRET, self.clock)
        around = WesSurroundings(lambda: mortal(self.stock, self.disk, life, chance, self._look), courier)
        return replace(super()._surroundings(life), wes=around)


def _site() -> Site:
    """Return the simulated site with an upstream, and goods that must be scanned."""
    site = SETTINGS["demo"].site
    assert site.wes is not None
    upstream = site.wes.upstream.model_copy(update={"http": HttpUpstream(url=UPSTREAM)})
    changes = {"upstream": upstream, "rules": (*site.wes.rules, SCANNED)}
    return site.model_copy(update={"wes": site.wes.model_copy(update=changes)})


class Letters:
    """`gateway.delivery.sender.Sender` of one run to the OMS: some letters are lost, and some answers."""

    def __init__(self, ears: FastAPI, life: Life, chance: Random) -> None:
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(ears), base_url=UPSTREAM)
        self._life = life
        self._chance = chance

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        self._life.check()
        await asyncio.sleep(self._chance.uniform(0.002, 0.2))
        if self._chance.random() < LOST:
            return Answer(None, "the message was lost")
        answer = await self._http.post(url, headers=dict(headers), content=body)
        if self._chance.random() < LOST:
            return Answer(None, "the answer was lost")
        return Answer(answer.status_code)

    async def objection(self, url: str) -> str | None:
        return None


def work_through(day: Day) -> Outcome:
    """Let a day pass, and judge it."""
    outcome = Outcome()
    with log_into(outcome.wrong):
        run(lambda: _day(day, outcome))
    return outcome


async def _day(day: Day, outcome: Outcome) -> None:
    house = Warehouse(day)
    attendant = Attendant(house, house.telephone, seeded(day.seed, "attendant"))
    mischief = Mischief(house, seeded(day.seed, "faults"), day.fault_s, day.crash_s)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in (house, attendant)]
        while house.gateway is None:
            await asyncio.sleep(LOOK_S)
        supplier = SimulatedSupplier(house.telephone.http, seeded(day.seed, "supplier"))
        await supplier.fill([each.container for each in house.site.initial_stock()])
        people = [Picker(_person(house, station.id), station.id) for station in house.site.stations]
        indoors = Packer(_person(house, "packer")), Receiver(_person(house, "receiver"))
        running += [tasks.create_task(each.run()) for each in (*people, *indoors)]
        selling = tasks.create_task(house.oms.run())
        troubling = tasks.create_task(mischief.run())
        await asyncio.sleep(day.orders * day.pause_s)
        troubling.cancel()
        peace = loop_time()
        while not await _is_quiet(house, selling) and loop_time() < peace + PATIENCE_S:
            await asyncio.sleep(LOOK_S)
        outcome.wrong += [
            *house.telephone.violations,
            *[f"jobs moved a load more than once: {each}" for each in house.world.moved_twice],
            *await _unexplained(house),
            *await house.oms.verdict(),
            *await _contradictions(house),
        ]
        for order in house.oms.book.orders.values():
            outcome.statuses[order.status] = outcome.statuses.get(order.status, 0) + 1
        outcome.faults, outcome.runs, outcome.seconds = dict(mischief.done), house.tally.runs, loop_time()
        for task in (*running, selling):
            task.cancel()


def _person(house: Warehouse, name: str) -> Person:
    return Person(name, house.telephone.http, house.devices.clock, seeded(house.seed, name), HABITS)


async def _is_quiet(house: Warehouse, selling: "asyncio.Task[None]") -> bool:
    """Tell whether all orders have ended and no container is on its way for the WES."""
    rows = await house.stock.read(
        lambda tx: tx.fetch(
            "SELECT 1 FROM presentations WHERE state NOT IN ('done', 'cancelled') LIMIT 1", {}
        )
    )
    return selling.done() and not rows


async def _unexplained(house: Warehouse) -> list[str]:
    """Return the orders that have not ended, and for which nothing waits for anybody, and purchases that have not come."""
    waits = {
        each["orderNo"] for each in (await house.telephone.get("/v1/wes/exceptions", limit=1000))["items"]
    }
    return [
        f"{order.order_no} is {order.status or 'not heard of'}, was told {order.statuses}, and waits for nobody"
        for order in house.oms.book.orders.values()
        if not order.has_ended and order.order_no not in waits
    ] + [
        f"of {purchase.notice_no} only {dict(purchase.arrived)} have come"
        for purchase in house.oms.book.purchases.values()
        if not purchase.has_ended
    ]


async def _contradictions(house: Warehouse) -> list[Any]:
    now = house.clock.now_us()
    found = await house.stock.read(lambda tx: verify(tx, now=now))
    return [*found, *await house.stock.read(find_contradictions)]


def main() -> int:
    """Simulate seed after seed; return 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.warehouse")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--orders", type=int, default=Day.orders, help="of each seed")
    asked = parser.parse_args()
    failed = list[int]()
    for seed in track(range(asked.first, asked.first + asked.seeds), "simulating"):
        outcome = work_through(Day(seed, orders=asked.orders))
        ends = ", ".join(f"{count} {status.lower()}" for status, count in sorted(outcome.statuses.items()))
        faults = sum(outcome.faults.values())
        print(
            f"seed {seed}: {ends}; {outcome.seconds:.0f} s, {faults} faults, {outcome.runs} runs of the gateway"
        )
        if outcome.wrong:
            failed.append(seed)
            print(*(f"  - {text}" for text in outcome.wrong), sep="\n")
    print(f"failed seeds: {failed}" if failed else f"all {asked.seeds} seeds hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
