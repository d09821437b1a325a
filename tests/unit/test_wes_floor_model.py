"""The whole chain against a small reference model: whatever people, walls, totes and crashes do, in any order.

After each step stock, ledger and documents agree, and every piece is where the model says: in stock, held, or gone with an order.
At the end every order is shipped, cancelled, or waits with a reason, and nothing is promised to nobody.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.contract.faults import Refusal
from gateway.wes.codes import Code
from gateway.wes.ids import take_ids
from gateway.wes.orders.declined import Declined
from gateway.wes.planning.stations import close_station, open_station
from tests.unit.chain_rig import Crash, MortalStore, fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

T = TypeVar("T")

TOTES = 4
THERE = 6
STATIONS = ("station-1", "station-2")
PICK = st.integers(0, 50)


class FloorMachine(RuleBasedStateMachine):
    """One site with four totes of two products, and people who make every mistake."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.orders = 0
        self.shipped: Counter[str] = Counter()

    def wait(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return self.runner.run(done())

    def choose(self, sql: str, choice: int, **params: Any) -> Any:
        """Return one row of a query, None if there is none."""
        rows = self.wait(self.line.core.rows(sql, **params))
        return rows[choice % len(rows)] if rows else None

    def act(self, kind: str, **fields: Any) -> bool:
        """Do an act, twice; False: it was refused, and nothing may have changed."""
        line = self.line
        line.acts += 1
        try:
            self.wait(line.again(f"act-{line.acts}", kind, **fields))
        except Refusal:
            return False
        assert self.wait(line.again(f"act-{line.acts}", kind, **fields)).again
        return True

    @initialize(
        partial_orders=st.booleans(), reviewed=st.booleans(), automatic=st.booleans(), first=st.booleans()
    )
    def begin(self, partial_orders: bool, reviewed: bool, automatic: bool, first: bool) -> None:
        rules = [
            {"at": "shortage", "then": "partial" if partial_orders else "block"},
            {"at": "review", "then": "required" if reviewed else "skipped"},
            {"at": "shipping", "then": "automatic" if automatic else "confirmed"},
        ]
        sequence = "allocateFirst" if first else "waveFirst"
        self.line: Station = self.wait(
            self.stack.enter_async_context(station(rules=rules, sequence=sequence))
        )
        for number in range(TOTES):
            place = f"A1-{1 + number}-L-{1 + number:02}"
            self.wait(fill(self.line, f"T-{number}", place, A=THERE, B=THERE))

    # ── what comes in, and what goes on by itself ─────────────────────────────────────────────────────

    @rule(a=st.integers(0, 4), b=st.integers(0, 4))
    def order(self, a: int, b: int) -> None:
        items = [(sku, quantity) for sku, quantity in (("A", a), ("B", b)) if quantity]
        if items:
            self.orders += 1
            self.wait(order(self.line, f"C-{self.orders}", *items))

    @rule()
    def turn(self) -> None:
        self.wait(self.line.turn())

    @rule()
    def try_again(self) -> None:
        self.wait(self.line.lacking.work())

    @rule(choice=PICK)
    def cancel(self, choice: int) -> None:
        if self.orders:
            try:
                self.wait(self.line.cancel(f"C-{1 + choice % self.orders}"))
            except Declined:
                pass

    @rule(commits=st.integers(0, 12))
    def crash(self, commits: int) -> None:
        """The process dies in the middle of a turn, and starts again."""
        old = self.line
        core = old.core
        mortal = Station(core, old.gateway, MortalStore(core.store, commits), acts=old.acts)
        try:
            self.wait(mortal.turn())
        except Crash:
            pass
        ids = self.wait(take_ids(core.store))
        context = type(core.context)(
            wes=core.context.wes,
            rules=core.context.rules,
            ids=ids,
            clock=core.clock,
            layout=core.context.layout,
        )
        core.context = context
        self.line = Station(core, old.gateway, core.store, acts=old.acts)

    @rule(choice=PICK, closing=st.booleans())
    def close_or_open(self, choice: int, closing: bool) -> None:
        name = STATIONS[choice % len(STATIONS)]
        if closing:
            self.wait(self.line.store.write(lambda tx: close_station(tx, name, "no light", "Ann")))
        else:
            self.wait(self.line.store.write(lambda tx: open_station(tx, name, "Ann")))

    # ── people at stations ────────────────────────────────────────────────────────────────────────────

    @rule(choice=PICK)
    def scan(self, choice: int) -> None:
        sql = (
            "SELECT o.operation_id, p.container_id FROM operations o JOIN presentations p"
            " ON p.presentation_id = o.presentation_id WHERE o.state = 'open' ORDER BY o.operation_id"
        )
        if found := self.choose(sql, choice):
            self.act("scan", operation_id=found[0], container_id=found[1])

    @rule(choice=PICK, pressed=st.integers(0, 4))
    def serve(self, choice: int, pressed: int) -> None:
        """A whole container is picked, and some of the buttons are pressed."""
        self.scan(choice)
        sql = (
            "SELECT allocation_id, quantity - picked - short FROM allocations WHERE code = 80"
            " AND quantity > picked + short ORDER BY allocation_id"
        )
        for allocation_id, quantity in self.wait(self.line.core.rows(sql)):
            self.act("pick", allocation_id=allocation_id, quantity=quantity)
        self.wait(self.line.light())
        for name in self.line.walls.lit()[:pressed]:
            self.line.walls.press(name)
        self.wait(self.line.hear())

    @rule(
        choice=PICK,
        quantity=st.integers(1, 4),
        kind=st.sampled_from(["pick", "pick", "pick", "short", "damaged"]),
    )
    def handle(self, choice: int, quantity: int, kind: str) -> None:
        sql = "SELECT allocation_id FROM allocations WHERE code IN (70, 80) ORDER BY allocation_id"
        if found := self.choose(sql, choice):
            self.act(kind, allocation_id=found[0], quantity=quantity)

    @rule(choice=PICK, less=st.integers(0, 2))
    def press(self, choice: int, less: int) -> None:
        lit = self.line.walls.lit()
        if lit:
            name = lit[choice % len(lit)]
            asked = self.line.walls.puts[name].quantity
            self.line.walls.press(name, max(0, asked - less))
            self.wait(self.line.hear())

    @rule(choice=PICK)
    def touch(self, choice: int) -> None:
        self.line.walls.hand("wall-1", f"W1-{1 + choice % 12:02}")
        self.wait(self.line.hear())

    @rule(choice=PICK, less=st.integers(0, 2), kind=st.sampled_from(["put", "withdraw"]))
    def tell(self, choice: int, less: int, kind: str) -> None:
        sql = "SELECT put_id, slot_id, quantity FROM wall_puts WHERE state IN ('planned', 'sent') ORDER BY put_id"
        if found := self.choose(sql, choice):
            put_id, slot_id, quantity = found
            more = {"slot_id": slot_id, "quantity": max(0, quantity - less)} if kind == "put" else {}
            self.act(kind, put_id=put_id, **more)

    @rule(choice=PICK, quantity=st.integers(0, 4))
    def adjust(self, choice: int, quantity: int) -> None:
        if found := self.choose("SELECT put_id FROM wall_puts ORDER BY put_id DESC LIMIT 5", choice):
            self.act("adjust", put_id=found[0], quantity=quantity)

    @rule(choice=PICK, kind=st.sampled_from(["done", "done", "reject"]))
    def let_go(self, choice: int, kind: str) -> None:
        sql = "SELECT operation_id FROM operations WHERE state = 'open' ORDER BY operation_id"
        if found := self.choose(sql, choice):
            self.act(kind, operation_id=found[0], **({"reason": "broken"} if kind == "reject" else {}))

    @rule(choice=PICK, kind=st.sampled_from(["hold", "resume", "seal", "seal", "seal"]))
    def work(self, choice: int, kind: str) -> None:
        if found := self.choose("SELECT work_id FROM work_orders WHERE code < 190 ORDER BY work_id", choice):
            self.act(kind, work_id=found[0], **({"reason": "wait"} if kind == "hold" else {}))

    # ── people at tables ──────────────────────────────────────────────────────────────────────────────

    @rule(choice=PICK, less=st.integers(-1, 2))
    def review(self, choice: int, less: int) -> None:
        if found := self.choose(
            "SELECT package_id FROM packages WHERE code < 150 ORDER BY package_id", choice
        ):
            lines = self.wait(
                self.line.core.rows(
                    "SELECT line_id, quantity FROM package_lines WHERE package_id = :id", id=found[0]
                )
            )
            items = [{"line_id": line, "quantity": max(0, quantity - less)} for line, quantity in lines]
            self.act("review", package_id=found[0], items=items)

    @rule(choice=PICK)
    def accept(self, choice: int) -> None:
        if found := self.choose(
            "SELECT package_id FROM packages WHERE code = 140 ORDER BY package_id", choice
        ):
            self.act("accept", package_id=found[0])

    @rule(choice=PICK)
    def ship(self, choice: int) -> None:
        if found := self.choose(
            "SELECT package_id FROM packages WHERE code = 150 ORDER BY package_id", choice
        ):
            self.act("ship", package_ids=[found[0]])

    @rule(choice=PICK, tote=st.integers(0, TOTES - 1))
    def put_back(self, choice: int, tote: int) -> None:
        sql = "SELECT put_back_id FROM put_backs WHERE done_at IS NULL ORDER BY put_back_id"
        if found := self.choose(sql, choice):
            self.act("putBack", put_back_id=found[0], holder_id=f"T-{tote}")

    @rule(choice=PICK)
    def accept_short(self, choice: int) -> None:
        if found := self.choose("SELECT order_id FROM orders WHERE code < 190 ORDER BY order_id", choice):
            self.act("acceptShort", order_id=found[0])

    # ── what always holds ─────────────────────────────────────────────────────────────────────────────

    @invariant()
    @precondition(lambda self: hasattr(self, "line"))
    def books_and_documents_agree(self) -> None:
        self.wait(self.line.check())

    @invariant()
    @precondition(lambda self: hasattr(self, "line"))
    def no_piece_is_lost(self) -> None:
        """What left with orders and what is there is what came in."""
        gone = dict(self.wait(self.line.core.rows("SELECT sku, SUM(shipped) FROM order_lines GROUP BY sku")))
        there = self.wait(self.line.core.rows("SELECT sku, quantity FROM pools"))
        for sku, quantity in there:
            assert quantity + gone.get(sku, 0) == TOTES * THERE

    @invariant()
    @precondition(lambda self: hasattr(self, "line"))
    def slots_belong_to_open_work(self) -> None:
        rows = self.wait(
            self.line.core.rows(
                "SELECT s.slot_id, w.code FROM wall_slots s JOIN work_orders w ON w.work_id = s.work_id"
                " WHERE w.code IN (190, 199)"
            )
        )
        assert not rows

    def teardown(self) -> None:
        if hasattr(self, "line"):
            self.wait(self.end())
            self.wait(self.stack.aclose())
        self.runner.close()

    async def end(self) -> None:
        """People put everything right; then every order has ended, or waits with a reason."""
        line = self.line
        for name in STATIONS:
            await line.store.write(lambda tx, which=name: open_station(tx, which, "Ann"))
        for (work,) in await line.core.rows(
            "SELECT work_id FROM work_orders WHERE held IS NOT NULL AND code < 90"
        ):
            await line.act("resume", work_id=work)
        for _ in range(40):
            await self.settle()
            if await self.is_over():
                break
        await line.check()
        for left, reserved in await line.core.rows(
            "SELECT o.code, (SELECT SUM(l.reserved) FROM order_lines l WHERE l.order_id = o.order_id) FROM orders o"
            f" WHERE o.code NOT IN ({Code.SHIPPED:d}, {Code.CANCELLED:d}) AND NOT EXISTS (SELECT 1 FROM order_exceptions e"
            " WHERE e.order_id = o.order_id AND e.settled_at IS NULL)"
        ):
            raise AssertionError(f"an order waits at {left} with {reserved} promised, and nobody knows why")

    async def settle(self) -> None:
        line = self.line
        await line.turn()
        for name in line.walls.lit():
            line.walls.press(name)
        await line.hear()
        for operation in await line.operations():
            try:
                await line.work_off(operation)
            except Refusal:
                continue
        for (work,) in await line.core.rows(
            "SELECT DISTINCT a.work_id FROM picks k JOIN allocations a ON a.allocation_id = k.allocation_id"
            " JOIN work_orders w ON w.work_id = a.work_id WHERE k.package_id IS NULL AND w.code = 90"
        ):
            await line.act("seal", work_id=work)
        for (package,) in await line.core.rows("SELECT package_id FROM packages WHERE code IN (135, 140)"):
            lines = await line.core.rows(
                "SELECT line_id, SUM(quantity) FROM package_lines WHERE package_id = :id GROUP BY line_id",
                id=package,
            )
            items = [{"line_id": each, "quantity": quantity} for each, quantity in lines]
            await line.act("review", package_id=package, items=items)
        for (package,) in await line.core.rows("SELECT package_id FROM packages WHERE code = 150"):
            await line.act("ship", package_ids=[package])
        for (number,) in await line.core.rows("SELECT put_back_id FROM put_backs WHERE done_at IS NULL"):
            await line.act("putBack", put_back_id=number, holder_id="T-0")
        await line.lacking.work()

    async def is_over(self) -> bool:
        rows = await self.line.core.rows("SELECT COUNT(*) FROM orders WHERE code NOT IN (20, 190, 199)")
        moving = await self.line.core.rows(
            "SELECT COUNT(*) FROM presentations WHERE state NOT IN ('done', 'cancelled')"
        )
        return not rows[0][0] and not moving[0][0]


TestFloor = FloorMachine.TestCase
TestFloor.settings = settings(max_examples=25, stateful_step_count=60, deadline=None)
