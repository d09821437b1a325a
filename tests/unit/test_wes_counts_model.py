"""Counts beside picks against a small model: whatever people count, pick, lose, correct and approve, in any order.

The model knows what truly lies in each tote, and by how much the books are off. Picks change both alike; only an approval or a
correction changes by how much the books are off, and by exactly what was counted wrong then.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.contract.acts import ActView
from gateway.contract.corrections import CountGoods
from gateway.contract.counts import ApproveCount, CountLine, EndCount, OrderCount, Recount
from gateway.contract.faults import Refusal
from gateway.wes.corrections import correct
from gateway.wes.counting.acts import do_counting
from gateway.wes.counting.calls import CountCalls
from gateway.wes.counting.documents import order_count
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

T = TypeVar("T")
Counting = TypeVar("Counting", ApproveCount, CountLine, EndCount, Recount)

TOTES = ("T-0", "T-1", "T-2")
PEOPLE = ("Ann", "Ben", "Cid")
PICK = st.integers(0, 50)
ERROR = st.sampled_from([0, 0, -1, 2])


@dataclass
class Counted:
    """What the model remembers of a line's last count: by how much the books were off by it."""

    tote: str
    state: str
    person: str | None = None
    off: int = 0


class CountMachine(RuleBasedStateMachine):
    """One site with three totes of one product."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.real: dict[str, int] = dict.fromkeys(TOTES, 8)
        self.off: dict[str, int] = dict.fromkeys(TOTES, 0)
        self.lines: dict[int, Counted] = {}
        self.number = 0

    def wait(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return self.runner.run(done())

    def asked(self, kind: type[Counting], **fields: Any) -> ActView | str:
        """Do an act of counting; returns what it led to, or the code of its refusal."""
        self.number += 1
        request = kind.model_validate({"act_id": f"count-{self.number}"} | fields)
        job = partial(do_counting, context=self.line.core.context, request=request)
        try:
            return self.wait(self.line.store.write(job))
        except Refusal as refused:
            return refused.reasons[0].code

    @initialize()
    def begin(self) -> None:
        self.line: Station = self.wait(self.stack.enter_async_context(station()))
        for number, tote in enumerate(TOTES):
            self.wait(fill(self.line, tote, f"A1-{1 + number}-L-05", A=self.real[tote]))
            self.line.walls.tell_place(tote)
        self.wait(self.line.hear())
        self._order_count("*", blind=True)

    # ── the floor ─────────────────────────────────────────────────────────────────────────────────────

    @rule(pieces=st.integers(1, 5))
    def order(self, pieces: int) -> None:
        self.number += 1
        self.wait(order(self.line, f"C-{self.number}", ("A", pieces)))

    @rule()
    def pick(self) -> None:
        """Whatever stands at stations is picked as far as it is there; the rest is told as missing."""
        for _ in range(3):
            self.wait(self.line.turn())
            self.wait(CountCalls(self.line.store, self.line.core.context).work())
        for operation in self.wait(self.line.operations()):
            tote = self.wait(self.line.container(operation))
            for allocation, wanted in self.wait(self.line.scan(operation)):
                there = min(wanted, self.real[tote])
                if there:
                    self.wait(self.line.act("pick", allocation_id=allocation, quantity=there))
                    self.wait(self.line.light())
                    for name in self.line.walls.lit():
                        self.line.walls.press(name)
                    self.wait(self.line.hear())
                    self.real[tote] -= there
                if there < wanted:
                    self.wait(self.line.act("short", allocation_id=allocation, quantity=wanted - there))
            self.wait(self.line.act("done", operation_id=operation))

    @rule(tote=st.sampled_from(TOTES), pieces=st.integers(-2, 2))
    def slip(self, tote: str, pieces: int) -> None:
        """Pieces come or go, and nobody tells."""
        moved = max(pieces, -self.real[tote])
        self.real[tote] += moved
        self.off[tote] -= moved

    @rule(tote=st.sampled_from(TOTES), error=ERROR)
    def correct(self, tote: str, error: int) -> None:
        self.number += 1
        counted = max(0, self.real[tote] + error)
        request = CountGoods(
            act_id=f"office-{self.number}",
            operator="Olga",
            reason="looked",
            sku_id="A",
            lot_no="A-1",
            holder_id=tote,
            quantity=counted,
        )
        try:
            self.wait(
                self.line.store.write(partial(correct, context=self.line.core.context, request=request))
            )
        except Refusal:
            return
        self.off[tote] = counted - self.real[tote]
        for line in self.lines.values():
            if line.tote == tote and line.state == "differs":
                line.state = "again"

    # ── counts ────────────────────────────────────────────────────────────────────────────────────────

    @rule(pattern=st.sampled_from(["A1-1-*", "A1-2-*", "*"]), blind=st.booleans())
    def order_count(self, pattern: str, blind: bool) -> None:
        self._order_count(pattern, blind)

    def _order_count(self, pattern: str, blind: bool) -> None:
        self.number += 1
        body = {
            "countId": f"N-{self.number}",
            "scope": {"kind": "locations", "pattern": pattern},
            "blind": blind,
            "operator": "Olga",
            "reason": "why not",
        }
        job = partial(order_count, context=self.line.core.context, order=OrderCount.model_validate(body))
        try:
            count_id = self.wait(self.line.store.write(job))
        except Refusal:
            return
        sql = "SELECT line_id, holder_id FROM count_lines WHERE count_id = :count_id"
        for line_id, tote in self.wait(self.line.core.rows(sql, count_id=count_id)):
            assert all(each.tote != tote or each.state == "ended" for each in self.lines.values()), (
                "one at a time"
            )
            self.lines[line_id] = Counted(tote, "open")

    def among(self, choice: int, *states: str) -> tuple[int, Counted]:
        """Return one of the lines in these states."""
        found = [(name, line) for name, line in self.lines.items() if line.state in states]
        return found[choice % len(found)]

    def is_any(self, *states: str) -> bool:
        return any(line.state in states for line in self.lines.values())

    @rule(choice=PICK, error=ERROR, approved=st.booleans())
    def count_by_two(self, choice: int, error: int, approved: bool) -> None:
        if self.is_any("open"):
            line_id, _ = self.among(choice, "open")
            for person in PEOPLE[:2]:
                if self.lines[line_id].state in ("open", "again"):
                    self._count(line_id, person, error)
            if approved and self.lines[line_id].state == "differs":
                self._approve(line_id)

    @rule(choice=PICK, person=st.sampled_from(PEOPLE), error=ERROR)
    def count(self, choice: int, person: str, error: int) -> None:
        if self.is_any("open", "again"):
            line_id, _ = self.among(choice, "open", "again")
            self._count(line_id, person, error)

    def _count(self, line_id: int, person: str, error: int) -> None:
        line = self.lines[line_id]
        counted = max(0, self.real[line.tote] + error)
        told = self.asked(CountLine, operator=person, line_id=line_id, quantity=counted)
        if person == line.person:
            assert told == "samePerson"
            return
        assert isinstance(told, ActView), told
        off = self.real[line.tote] + self.off[line.tote] - counted
        assert told.line_states is not None
        (state,) = told.line_states
        assert state == ("agreed" if not off else "again" if line.state == "open" else "differs")
        self.lines[line_id] = Counted(line.tote, "ended" if state == "agreed" else state, person, off)

    @rule(choice=PICK)
    def approve(self, choice: int) -> None:
        if not self.is_any("differs"):
            return
        line_id, _ = self.among(choice, "differs")
        self._approve(line_id)

    def _approve(self, line_id: int) -> None:
        line = self.lines[line_id]
        told = self.asked(ApproveCount, operator="Olga", line_ids=[line_id], reason_code="systemFault")
        if told in ("allocated", "stock"):
            return
        assert isinstance(told, ActView), told
        event("a difference is approved")
        self.off[line.tote] -= line.off
        line.state = "ended"

    @rule(choice=PICK)
    def doubt(self, choice: int) -> None:
        if not self.is_any("differs"):
            return
        line_id, line = self.among(choice, "differs")
        told = self.asked(Recount, operator="Olga", line_ids=[line_id], reason="again")
        assert isinstance(told, ActView), told
        line.state = "again"

    @rule(choice=PICK, sure=st.sampled_from([False, False, False, True]))
    def end(self, choice: int, sure: bool) -> None:
        rows = self.wait(self.line.core.rows("SELECT count_id, count_no FROM counts WHERE state = 'open'"))
        if not rows or not sure:
            return
        count_id, count_no = rows[choice % len(rows)]
        told = self.asked(EndCount, operator="Olga", count_id=count_no, reason="enough")
        assert isinstance(told, ActView), told
        sql = "SELECT line_id FROM count_lines WHERE count_id = :count_id"
        for (line_id,) in self.wait(self.line.core.rows(sql, count_id=count_id)):
            self.lines[line_id].state = "ended"

    # ── always ────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def the_books_are_off_by_what_nobody_has_approved(self) -> None:
        rows = self.wait(
            self.line.core.rows("SELECT holder_id, quantity FROM positions WHERE holder_id LIKE 'T-%'")
        )
        assert dict(rows) == {tote: self.real[tote] + self.off[tote] for tote in TOTES}

    @invariant()
    def an_order_is_open_as_long_as_a_line_is(self) -> None:
        sql = (
            "SELECT c.state, COUNT(CASE WHEN l.ended_at IS NULL THEN 1 END) FROM counts c"
            " JOIN count_lines l ON l.count_id = c.count_id GROUP BY c.count_id, c.state"
        )
        assert all((state == "open") == (lines > 0) for state, lines in self.wait(self.line.core.rows(sql)))

    @invariant()
    def stock_ledger_and_documents_agree(self) -> None:
        self.wait(self.line.check())

    def teardown(self) -> None:
        self.wait(self.stack.aclose())
        self.runner.close()


TestCounts = CountMachine.TestCase
TestCounts.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
