"""Stock against a model of it: plain dictionaries, in which lots and pools are not kept but added up.

Whatever people and machines do, in any order and with any quantities: database and model allow the same, refuse the same,
and have the same figures afterwards; and the verifier finds nothing.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from gateway.kernel.ports import Store
from gateway.store.inline import open_inline
from gateway.store.postgres import open_postgres
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock import verbs
from gateway.wes.stock.history import positions_then
from gateway.wes.stock.model import Balance, Event, Lot, Portion, Quality, Share
from gateway.wes.stock.quality import change_quality
from gateway.wes.stock.refusal import StockRefused
from gateway.wes.stock.verify import verify
from tests.postgres import wes_database
from tests.stock.rig import NOON, PICK_TO, RCV, TOTES, build

T = TypeVar("T")
Position = tuple[str, str]

pytestmark = pytest.mark.unit

HOLDERS = st.sampled_from((*TOTES[:2], PICK_TO, RCV))
LOTS = st.sampled_from(("A", "B", "OTHER"))
AMOUNTS = st.integers(1, 6)


@dataclass
class Model:
    """Positions, and what lots have besides them."""

    there: Counter[Position] = field(default_factory=lambda: Counter[Position]())
    allocated: Counter[Position] = field(default_factory=lambda: Counter[Position]())
    held: Counter[Position] = field(default_factory=lambda: Counter[Position]())
    reserved: Counter[str] = field(default_factory=lambda: Counter[str]())
    unplaced: Counter[str] = field(default_factory=lambda: Counter[str]())
    quality: defaultdict[str, Quality] = field(default_factory=lambda: defaultdict(lambda: Quality.QUALIFIED))

    def of_lot(self, lot: str) -> Balance:
        def total(figure: Counter[Position]) -> int:
            return sum(number for (_, each), number in figure.items() if each == lot)

        quantity = total(self.there)
        return Balance(
            quantity=quantity,
            reserved=self.reserved[lot],
            allocated=total(self.allocated) + self.unplaced[lot],
            held=total(self.held) if self.quality[lot] is Quality.QUALIFIED else quantity,
        )

    def position(self, position: Position) -> Balance:
        return Balance(
            quantity=self.there[position], allocated=self.allocated[position], held=self.held[position]
        )

    def possible(self) -> bool:
        positions = {*self.there, *self.allocated, *self.held}
        lots = [self.of_lot(lot) for lot in ("A", "B", "OTHER")]
        return (
            all(self.allocated[each] >= 0 and self.held[each] >= 0 for each in positions)
            and all(self.allocated[each] + self.held[each] <= self.there[each] for each in positions)
            and all(number >= 0 for number in self.unplaced.values())
            and all(0 <= lot.allocated <= lot.reserved for lot in lots)
            and all(lot.reserved + lot.held <= lot.quantity for lot in lots)
        )


class StockMachine(RuleBasedStateMachine):
    """Does what people and machines may try."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = self.open_store()
        self.model = Model()
        self.events: list[Event] = []
        self.warehouse = self.wait(build(self.wait(self.opened.__aenter__())))
        self.lots = {
            "A": self.wait(self.warehouse.lot("SKU-1", "A")),
            "B": self.wait(self.warehouse.lot("SKU-1", "B")),
            "OTHER": self.wait(self.warehouse.lot("SKU-2", "A")),
        }

    def open_store(self) -> AbstractAsyncContextManager[Store]:
        return open_inline(migrations=MIGRATIONS)

    def teardown(self) -> None:
        self.wait(self.opened.__aexit__(None, None, None))
        self.runner.close()

    def wait(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return self.runner.run(done())

    def attempt(self, event: Event, change: Callable[[Model], None]) -> None:
        """Let something happen: possible in both or in neither."""
        wanted = deepcopy(self.model)
        change(wanted)
        try:
            self.wait(self.warehouse.do(event))
        except StockRefused:
            assert not wanted.possible()
        else:
            assert wanted.possible()
            self.model = wanted
            self.events.append(event)

    def now(self, name: str) -> Lot:
        return self.wait(self.warehouse.now(self.lots[name]))

    def portion(self, holder: str, name: str, amount: int) -> Portion:
        return Portion(holder, self.lots[name].lot_id, amount)

    def share(self, name: str, amount: int) -> Share:
        return Share(self.lots[name].lot_id, amount)

    @initialize()
    def begin_with_a_day_of_work(self) -> None:
        """Bring a little of everything about, else most of what is tried would be refused."""
        for name in self.lots:
            self.enter(name, "TOTE-1", 14, verbs.receive)
            self.enter(name, "TOTE-2", 6, verbs.receive)
            self.reserve(name, 12)
            self.allocate(name, "TOTE-1", 6, 1)
            self.allocate(name, "TOTE-2", 2, 1)
            self.allocate_lot(name, 3, 1)
            self.move(name, "TOTE-1", PICK_TO, 3, verbs.pick)
            self.hold(name, "TOTE-1", 3, 1)

    # ── goods come, move, go ─────────────────────────────────────────────────────────────────────────

    @rule(name=LOTS, holder=HOLDERS, amount=AMOUNTS, verb=st.sampled_from((verbs.receive, verbs.gain)))
    def enter(self, name: str, holder: str, amount: int, verb: Callable[..., Event]) -> None:
        def change(model: Model) -> None:
            model.there[holder, name] += amount

        self.attempt(verb(self.warehouse.act(), self.now(name), self.portion(holder, name, amount)), change)

    @rule(name=LOTS, holder=HOLDERS, amount=AMOUNTS, verb=st.sampled_from((verbs.lose, verbs.lose_held)))
    def lose(self, name: str, holder: str, amount: int, verb: Callable[..., Event]) -> None:
        def change(model: Model) -> None:
            model.there[holder, name] -= amount
            if verb is verbs.lose_held:
                model.held[holder, name] -= amount

        self.attempt(verb(self.warehouse.act(), self.now(name), self.portion(holder, name, amount)), change)

    @rule(
        name=LOTS,
        holder=HOLDERS,
        free=st.integers(0, 4),
        held=AMOUNTS,
        verb=st.sampled_from((verbs.scrap, verbs.send_back)),
    )
    def leave_for_good(
        self, name: str, holder: str, free: int, held: int, verb: Callable[..., Event]
    ) -> None:
        def change(model: Model) -> None:
            model.there[holder, name] -= free + held
            model.held[holder, name] -= held

        of_free = [self.portion(holder, name, free)] if free else []
        of_held = [self.portion(holder, name, held)]
        self.attempt(verb(self.warehouse.act(), self.now(name), of_free, of_held), change)

    @rule(
        name=LOTS,
        source=HOLDERS,
        to=HOLDERS,
        amount=AMOUNTS,
        what=st.sampled_from((verbs.move, verbs.move_held, verbs.pick, verbs.put_away)),
    )
    def move(self, name: str, source: str, to: str, amount: int, what: Callable[..., Event]) -> None:
        if source == to:
            return

        def change(model: Model) -> None:
            for holder, moved in ((source, -amount), (to, amount)):
                model.there[holder, name] += moved
                if what is verbs.pick:
                    model.allocated[holder, name] += moved
                if what is verbs.move_held:
                    model.held[holder, name] += moved

        self.attempt(what(self.warehouse.act(), [self.portion(source, name, amount)], to), change)

    @rule(holder=HOLDERS, amount=AMOUNTS)
    def merge(self, holder: str, amount: int) -> None:
        def change(model: Model) -> None:
            model.there[holder, "A"] -= amount
            model.there[holder, "B"] += amount

        portion = self.portion(holder, "A", amount)
        self.attempt(verbs.merge(self.warehouse.act(), self.now("A"), self.now("B"), portion), change)

    # ── promises ─────────────────────────────────────────────────────────────────────────────────────

    @rule(name=LOTS, amount=AMOUNTS)
    def reserve(self, name: str, amount: int) -> None:
        def change(model: Model) -> None:
            model.reserved[name] += amount

        self.attempt(verbs.reserve(self.warehouse.act(), [self.share(name, amount)]), change)

    @rule(first=AMOUNTS, second=AMOUNTS)
    def reserve_two_skus(self, first: int, second: int) -> None:
        def change(model: Model) -> None:
            model.reserved["A"] += first
            model.reserved["OTHER"] += second

        shares = [self.share("OTHER", second), self.share("A", first)]
        self.attempt(verbs.reserve(self.warehouse.act(), shares), change)

    @rule(name=LOTS, amount=AMOUNTS)
    def release(self, name: str, amount: int) -> None:
        def change(model: Model) -> None:
            model.reserved[name] -= amount

        self.attempt(verbs.release(self.warehouse.act(), [self.share(name, amount)]), change)

    @rule(name=LOTS, holder=HOLDERS, amount=AMOUNTS, sign=st.sampled_from((1, -1)))
    def allocate(self, name: str, holder: str, amount: int, sign: int) -> None:
        def change(model: Model) -> None:
            model.allocated[holder, name] += sign * amount

        verb = verbs.allocate if sign > 0 else verbs.deallocate
        self.attempt(verb(self.warehouse.act(), [self.portion(holder, name, amount)]), change)

    @rule(name=LOTS, holder=HOLDERS, amount=AMOUNTS)
    def allocate_free(self, name: str, holder: str, amount: int) -> None:
        def change(model: Model) -> None:
            model.allocated[holder, name] += amount
            model.reserved[name] += amount

        self.attempt(verbs.allocate_free(self.warehouse.act(), [self.portion(holder, name, amount)]), change)

    @rule(name=LOTS, amount=AMOUNTS, sign=st.sampled_from((1, -1)))
    def allocate_lot(self, name: str, amount: int, sign: int) -> None:
        def change(model: Model) -> None:
            model.unplaced[name] += sign * amount

        verb = verbs.allocate_lots if sign > 0 else verbs.deallocate_lots
        self.attempt(verb(self.warehouse.act(), [self.share(name, amount)]), change)

    @rule(name=LOTS, holder=HOLDERS, taken=st.integers(0, 4), missed=AMOUNTS)
    def short_pick(self, name: str, holder: str, taken: int, missed: int) -> None:
        if holder == PICK_TO:
            return

        def change(model: Model) -> None:
            model.there[holder, name] -= taken
            model.there[PICK_TO, name] += taken
            model.allocated[holder, name] -= taken + missed
            model.allocated[PICK_TO, name] += taken
            model.held[holder, name] += missed
            model.reserved[name] -= missed

        portion = self.portion(holder, name, taken + missed)
        self.attempt(verbs.short_pick(self.warehouse.act(), portion, taken, PICK_TO), change)

    @rule(name=LOTS, to=HOLDERS, amount=AMOUNTS)
    def put_back(self, name: str, to: str, amount: int) -> None:
        if to == PICK_TO:
            return

        def change(model: Model) -> None:
            model.there[PICK_TO, name] -= amount
            model.allocated[PICK_TO, name] -= amount
            model.there[to, name] += amount
            model.reserved[name] -= amount

        event = verbs.put_back(self.warehouse.act(), [self.portion(PICK_TO, name, amount)], to)
        self.attempt(event, change)

    @rule(name=LOTS, holder=HOLDERS, amount=AMOUNTS)
    def ship(self, name: str, holder: str, amount: int) -> None:
        def change(model: Model) -> None:
            model.there[holder, name] -= amount
            model.allocated[holder, name] -= amount
            model.reserved[name] -= amount

        self.attempt(verbs.ship(self.warehouse.act(), [self.portion(holder, name, amount)]), change)

    # ── holds and quality ────────────────────────────────────────────────────────────────────────────

    @rule(name=LOTS, holder=HOLDERS, amount=AMOUNTS, sign=st.sampled_from((1, -1)))
    def hold(self, name: str, holder: str, amount: int, sign: int) -> None:
        def change(model: Model) -> None:
            model.held[holder, name] += sign * amount

        verb = verbs.hold if sign > 0 else verbs.unhold
        self.attempt(verb(self.warehouse.act(), self.now(name), self.portion(holder, name, amount)), change)

    @rule(name=LOTS, quality=st.sampled_from(Quality))
    def judge(self, name: str, quality: Quality) -> None:
        wanted = deepcopy(self.model)
        wanted.quality[name] = quality
        act = self.warehouse.act()
        try:
            self.wait(self.warehouse.job(lambda tx: change_quality(tx, act, self.lots[name].lot_id, quality)))
        except StockRefused:
            assert not wanted.possible()
        else:
            assert wanted.possible()
            self.model = wanted

    # ── always ───────────────────────────────────────────────────────────────────────────────────────

    @rule(choice=st.integers(0, 1_000))
    def repeat(self, choice: int) -> None:
        if self.events:
            event = self.events[choice % len(self.events)]
            assert self.wait(self.warehouse.do(event)).repeat

    @invariant()
    def figures_are_the_models(self) -> None:
        for name, lot in self.lots.items():
            assert self.now(name).balance == self.model.of_lot(name)
            for holder in (RCV, PICK_TO, *TOTES[:2]):
                assert self.wait(self.warehouse.at(holder, lot)) == self.model.position((holder, name))
        both = self.model.of_lot("A") + self.model.of_lot("B")
        assert self.wait(self.warehouse.at_pool(self.lots["A"])) == both
        assert self.wait(self.warehouse.at_pool(self.lots["OTHER"])) == self.model.of_lot("OTHER")

    @invariant()
    def the_verifier_finds_nothing(self) -> None:
        assert self.wait(self.warehouse.store.read(lambda tx: verify(tx, NOON))) == []

    @invariant()
    def the_ledger_alone_tells_the_same(self) -> None:
        pool_id = self.lots["OTHER"].pool_id
        then = self.wait(self.warehouse.job(lambda tx: positions_then(tx, pool_id, NOON)))
        for (_, holder), balance in then.items():
            assert balance == self.model.position((holder, "OTHER"))


def test_stock_in_sqlite_is_as_the_model() -> None:
    run_state_machine_as_test(StockMachine, settings=settings(max_examples=30, stateful_step_count=40))


def test_stock_in_postgresql_is_as_the_model(postgres: Path) -> None:
    class OnPostgres(StockMachine):
        @asynccontextmanager
        async def open_store(self) -> AsyncGenerator[Store]:
            async with wes_database(postgres) as url, open_postgres(url, MIGRATIONS, connections=1) as store:
                yield store

    run_state_machine_as_test(OnPostgres, settings=settings(max_examples=3, stateful_step_count=30))
