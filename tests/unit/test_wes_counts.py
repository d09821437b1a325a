"""Stock is counted by orders: blind or not, twice where it differs, and the books follow what somebody approves (S2-78…99)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_corrections import correction_routes
from gateway.api.wes_counts import count_routes
from gateway.api.wes_inbound import inbound_routes
from gateway.api.wes_stock import stock_routes
from gateway.contract.counts import GAINS, LOSSES, CountReason
from gateway.kernel.clock import to_rfc3339
from gateway.site.wes import Counting
from gateway.wes.alarms import Alarms
from gateway.wes.core import WesCore
from gateway.wes.counting.documents import DAY_US, MOVES, LineState
from gateway.wes.counting.views import put_counts_away
from gateway.wes.counting.watch import CountWatch
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, put, shelf, station

pytestmark = pytest.mark.unit

ALL = {"kind": "everything"}


@dataclass
class Desk:
    """People who count, and who decides, over HTTP."""

    line: Station
    http: httpx.AsyncClient
    acts: int = 0

    async def order(self, count_id: str = "N-1", **more: Any) -> dict[str, Any]:
        body = {"countId": count_id, "scope": ALL, "operator": "Olga", "reason": "year end"} | more
        answer = await self.http.post("/v1/wes/counts", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, path: str, operator: str, **body: Any) -> httpx.Response:
        self.acts += 1
        act = {"actId": f"count-{self.acts}", "operator": operator}
        return await self.http.post(f"/v1/wes/counting/{path}", json=act | body)

    async def did(self, path: str, operator: str, **body: Any) -> dict[str, Any]:
        answer = await self.ask(path, operator, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, operator: str, **body: Any) -> tuple[int, str]:
        answer = await self.ask(path, operator, **body)
        assert answer.status_code != 200, answer.text
        return answer.status_code, answer.json()["reasons"][0]["code"]

    async def counted(self, operator: str, line: int, quantity: int, **more: Any) -> str:
        """Count a line; returns what becomes of it."""
        told = await self.did("results", operator, lineId=line, quantity=quantity, **more)
        assert told["lineIds"] == [line]
        return told["lineStates"][0]

    async def approve(self, *lines: int, code: str = "misPick", **more: Any) -> dict[str, Any]:
        return await self.did("approvals", "Olga", lineIds=list(lines), reasonCode=code, **more)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.http.get(f"/v1/wes/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def report(self, count_id: str = "N-1") -> dict[str, Any]:
        return (await self.get(f"counts/{count_id}"))["report"]

    async def lines(self, count_id: str = "N-1", **params: Any) -> list[dict[str, Any]]:
        return (await self.get(f"counts/{count_id}/lines", **params))["items"]

    async def places(self, count_id: str = "N-1") -> dict[tuple[str, str], int]:
        """Return lines by container or place, and product."""
        return {(each["holderId"], each["skuId"]): each["lineId"] for each in await self.lines(count_id)}

    async def only_line(self, count_id: str = "N-1") -> int:
        (line,) = await self.lines(count_id)
        return line["lineId"]

    async def positions(self) -> dict[str, tuple[int, int, int]]:
        """Return (quantity, allocated, held) by holder of A."""
        rows = await self.line.core.rows(
            "SELECT p.holder_id, p.quantity, p.allocated, p.held FROM positions p JOIN lots l ON l.lot_id = p.lot_id"
            " JOIN pools o ON o.pool_id = l.pool_id WHERE o.sku = 'A' AND p.quantity > 0"
        )
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    async def correct(self, path: str, **body: Any) -> None:
        self.acts += 1
        act = {
            "actId": f"office-{self.acts}",
            "operator": "Ann",
            "reason": "looked",
            "skuId": "A",
            "lotNo": "A-1",
        }
        answer = await self.http.post(f"/v1/wes/corrections/{path}", json=act | body)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def desk() -> AsyncGenerator[Desk]:
    """Run the routes of a WES without stock, where people go to what they count; in the end stock, ledger and documents agree."""
    async with station(keep_days=30, counting={"containers": 0}) as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        for routes in (count_routes, correction_routes, stock_routes, inbound_routes):
            app.include_router(routes(core))
        add_problem_handlers(app)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
            yield Desk(line, http)
        await line.check()


async def differing(there: Desk, counted: int, **more: Any) -> int:
    """Count the ten pieces of A in T-1 twice as so many; returns the line, which waits for a decision."""
    await fill(there.line, "T-1", "A1-1-L-05", A=10)
    await there.order()
    line = await there.only_line()
    assert await there.counted("Ann", line, counted, **more) == "again"
    assert await there.counted("Ben", line, counted, **more) == "differs"
    return line


# ── what is counted ───────────────────────────────────────────────────────────────────────────────────


async def warehouse(there: Desk) -> None:
    """A and B in a tote of rack A1, A in another one of another level, B on a shelf."""
    await fill(there.line, "T-1", "A1-1-L-05", A=10, B=4)
    await fill(there.line, "T-2", "A1-2-L-05", A=7)
    await shelf(there.line, B=3)
    for tote in ("T-1", "T-2"):
        there.line.walls.tell_place(tote)
    await there.line.hear()


@pytest.mark.parametrize(
    ("scope", "lines"),
    [
        (ALL, [("FLAT-1", "B"), ("T-1", "A"), ("T-1", "B"), ("T-2", "A")]),
        ({"kind": "locations", "pattern": "A1-1-*"}, [("T-1", "A"), ("T-1", "B")]),
        ({"kind": "locations", "pattern": "FLAT-1"}, [("FLAT-1", "B")]),
        ({"kind": "products", "skuIds": ["A"]}, [("T-1", "A"), ("T-2", "A")]),
        ({"kind": "zone", "zone": "aisle-1"}, [("T-1", "A"), ("T-1", "B"), ("T-2", "A")]),
        (
            {"kind": "notCountedForDays", "days": 30},
            [("FLAT-1", "B"), ("T-1", "A"), ("T-1", "B"), ("T-2", "A")],
        ),
    ],
    ids=["everything", "locations", "one place", "products", "zone", "not counted"],
)
async def test_an_order_is_expanded_into_the_lines_of_its_scope(
    scope: dict[str, Any], lines: list[tuple[str, str]]
) -> None:
    async with desk() as there:
        await warehouse(there)
        ordered = await there.order(scope=scope)
        assert ordered["report"]["lines"] == ordered["report"]["open"] == len(lines)
        assert sorted(await there.places()) == lines


async def test_the_same_order_again_is_the_same_count_and_another_body_is_refused() -> None:
    async with desk() as there:
        await warehouse(there)
        assert await there.order() == await there.order()
        body = {"countId": "N-1", "scope": ALL, "operator": "Olga", "reason": "another"}
        answer = await there.http.post("/v1/wes/counts", json=body)
        assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "idReused")


async def test_what_is_being_counted_is_in_no_second_count() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order(scope={"kind": "products", "skuIds": ["A"]})
        await there.order("N-2")
        assert sorted(await there.places("N-2")) == [("FLAT-1", "B"), ("T-1", "B")]
        body = {"countId": "N-3", "scope": ALL, "operator": "Olga", "reason": "once more"}
        answer = await there.http.post("/v1/wes/counts", json=body)
        assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "nothingToCount")
        assert [each["countId"] for each in (await there.get("counts"))["items"]] == ["N-2", "N-1"]


async def test_a_sample_is_a_share_of_the_places_and_the_same_seed_chooses_the_same_ones() -> None:
    async with desk() as there:
        for number in range(10):
            await fill(there.line, f"T-{number}", f"A1-1-L-{number + 1:02}", A=1, B=1)
        drawn: list[list[tuple[str, str]]] = []
        for count_id, seed in (("N-1", 7), ("N-2", 7), ("N-3", 8)):
            await there.order(count_id, sample={"share": 0.25, "seed": seed})
            drawn.append(sorted(await there.places(count_id)))
            await there.did("ends", "Olga", countId=count_id, reason="only looked")
        assert drawn[0] == drawn[1] != drawn[2]
        assert [len({holder for holder, _ in each}) for each in drawn] == [3, 3, 3], (
            "a quarter of ten, rounded up"
        )
        assert all(len(each) == 6 for each in drawn), "all that lies in a place"


async def test_what_was_counted_lately_is_left_out_whether_it_agreed_or_not() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order(scope={"kind": "locations", "pattern": "A1-1-*"})
        places = await there.places()
        assert await there.counted("Ann", places["T-1", "A"], 10) == "agreed"
        for person in ("Ann", "Ben"):
            await there.counted(person, places["T-1", "B"], 3)
        await there.approve(places["T-1", "B"])
        await there.order("N-2", scope={"kind": "notCountedForDays", "days": 5})
        assert sorted(await there.places("N-2")) == [("FLAT-1", "B"), ("T-2", "A")]
        await there.did("ends", "Olga", countId="N-2", reason="enough")
        there.line.core.clock.at_us += 6 * DAY_US
        await there.order("N-3", scope={"kind": "notCountedForDays", "days": 5})
        assert len(await there.places("N-3")) == 4


# ── who counts ────────────────────────────────────────────────────────────────────────────────────────


async def test_people_take_on_place_after_place_and_nobody_counts_what_another_has_taken_on() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order()
        places = await there.places()
        first = (await there.did("claims", "Ann", countId="N-1"))["lineIds"]
        second = (await there.did("claims", "Ben", countId="N-1", places=2))["lineIds"]
        assert sorted([*first, *second]) == sorted(places.values())
        assert (await there.did("claims", "Cid", countId="N-1"))["lineIds"] == []
        assert [each["lineId"] for each in await there.lines(claimant="Ann")] == first
        assert await there.refused("results", "Ben", lineId=first[0], quantity=1) == (409, "claimed")
        await there.did("unclaims", "Olga", countId="N-1", claimant="Ann")
        assert (await there.did("claims", "Ben", countId="N-1"))["lineIds"] == first


async def test_places_are_taken_on_in_the_order_in_which_they_are_walked_to() -> None:
    async with desk() as there:
        for number, column in enumerate((9, 2, 5)):
            await fill(there.line, f"T-{number}", f"A1-1-L-{column:02}", A=1)
        await there.line.core.store.write(
            lambda tx: tx.execute("UPDATE holders SET distance = 30 WHERE holder_id = 'T-0'")
        )
        await there.line.core.store.write(
            lambda tx: tx.execute("UPDATE holders SET distance = 20 WHERE holder_id = 'T-2'")
        )
        await there.line.core.store.write(
            lambda tx: tx.execute("UPDATE holders SET distance = NULL WHERE holder_id = 'T-1'")
        )
        await there.order()
        places = {line: holder for (holder, _), line in (await there.places()).items()}
        walked = [places[(await there.did("claims", "Ann", countId="N-1"))["lineIds"][0]] for _ in range(3)]
        assert walked == ["T-2", "T-0", "T-1"], "what nobody has measured comes last"


async def test_only_the_people_of_a_count_count_it() -> None:
    async with desk() as there:
        await warehouse(there)
        body = {"countId": "N-0", "scope": ALL, "operator": "Olga", "reason": "x", "people": ["Ann"]}
        assert (await there.http.post("/v1/wes/counts", json=body)).status_code == 422, (
            "a second one is needed"
        )
        await there.order(people=["Ann", "Ben"])
        line = (await there.places())["T-2", "A"]
        assert await there.refused("claims", "Cid", countId="N-1") == (409, "otherPeople")
        assert await there.refused("results", "Cid", lineId=line, quantity=7) == (409, "otherPeople")
        assert await there.counted("Ann", line, 7) == "agreed"


async def test_a_difference_is_counted_again_by_somebody_else() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=10)
        await there.order()
        line = await there.only_line()
        assert await there.counted("Ann", line, 9) == "again"
        assert await there.refused("results", "Ann", lineId=line, quantity=9) == (409, "samePerson")
        assert (await there.did("claims", "Ann", countId="N-1"))["lineIds"] == []
        assert (await there.did("claims", "Ben", countId="N-1"))["lineIds"] == [line]
        assert await there.counted("Ben", line, 10) == "agreed", "the first one has erred"
        assert (await there.get("counts/N-1"))["state"] == "done"
        assert await there.positions() == {"T-1": (10, 0, 0)}


async def test_what_is_doubted_is_counted_once_more_by_another_one() -> None:
    async with desk() as there:
        line = await differing(there, 9)
        await there.did("recounts", "Olga", lineIds=[line], reason="look behind the tote")
        assert await there.refused("results", "Ben", lineId=line, quantity=8) == (409, "samePerson")
        assert await there.counted("Ann", line, 8) == "differs"
        assert [each["quantity"] for each in (await there.lines())[0]["rounds"]] == [9, 9, 8]
        await there.approve(line)
        assert await there.positions() == {"T-1": (8, 0, 0)}, "what was counted last"
        (noted,) = await there.line.core.rows("SELECT decision, operator, reason FROM decisions")
        assert noted == ("recount", "Olga", "look behind the tote")


# ── blind ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_blind_count_shows_no_figure_until_nobody_has_to_count_any_more() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=973)
        ordered = await there.order(blind=True)
        line = await there.only_line()
        for shown in (ordered, await there.get("counts"), await there.get("counts/N-1/lines")):
            assert "973" not in str(shown)
        await there.counted("Ann", line, 961)
        for shown in (await there.get("counts"), await there.get("counts/N-1/lines")):
            assert "973" not in str(shown), "nor what Ann has counted: Ben counts for himself"
            assert "961" not in str(shown)
        await there.counted("Ben", line, 961)
        (seen,) = await there.lines()
        assert (seen["books"], seen["difference"]) == (973, -12), "now somebody has to decide"
        assert [(each["operator"], each["quantity"]) for each in seen["rounds"]] == [
            ("Ann", 961),
            ("Ben", 961),
        ]


async def test_an_open_count_shows_what_the_books_have() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=973)
        await there.order()
        assert [each["books"] for each in await there.lines()] == [973]


# ── what is counted of a line ─────────────────────────────────────────────────────────────────────────


async def test_whole_cases_and_single_pieces_are_counted_together() -> None:
    async with desk() as there:
        await there.line.core.products("A", version=2, unitsPerCase=4)
        await fill(there.line, "T-1", "A1-1-L-05", A=10, B=5)
        await there.order()
        places = await there.places()
        assert await there.counted("Ann", places["T-1", "A"], 2, cases=2) == "agreed"
        answer = await there.refused("results", "Ann", lineId=places["T-1", "B"], cases=1)
        assert answer == (422, "noCase")


async def test_goods_of_another_lot_are_no_goods_of_this_line() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=10)
        await there.order()
        line = await there.only_line()
        assert await there.refused("results", "Ann", lineId=line, quantity=10, lotNo="A-2") == (
            409,
            "wrongLot",
        )
        assert await there.counted("Ann", line, 10, lotNo="A-1") == "agreed"


async def test_an_empty_place_is_counted_at_one_blow() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order()
        told = await there.did("empties", "Ann", countId="N-1", holderId="T-1")
        assert told["lineStates"] == ["again", "again"]
        told = await there.did("empties", "Ben", countId="N-1", holderId="T-1")
        assert told["lineStates"] == ["differs", "differs"]
        await there.approve(*told["lineIds"], code="theft")
        assert await there.positions() == {"T-2": (7, 0, 0)}
        assert await there.refused("empties", "Ann", countId="N-1", holderId="T-1") == (404, "unknown")


async def test_goods_that_are_in_the_wrong_place_are_found_there_and_missed_elsewhere() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order(scope={"kind": "products", "skuIds": ["A"]})
        places = await there.places()
        found = {"countId": "N-1", "skuId": "A", "lotNo": "A-1", "quantity": 2}
        assert await there.refused("finds", "Ann", **found, holderId="T-1") == (409, "hasLine")
        assert await there.refused("finds", "Ann", **found, holderId="TYPO-1") == (404, "unknown")
        assert await there.refused("finds", "Ann", **found | {"lotNo": "X"}, holderId="T-2") == (
            404,
            "unknown",
        )
        (new,) = (await there.did("finds", "Ann", **found, holderId="FLAT-1"))["lineIds"]
        assert await there.counted("Ben", new, 2) == "differs"
        for person in ("Ann", "Ben"):
            await there.counted(person, places["T-1", "A"], 8)
        assert await there.counted("Ann", places["T-2", "A"], 7) == "agreed"
        await there.approve(new, code="misrouted")
        await there.approve(places["T-1", "A"], code="unrecordedMove")
        assert await there.positions() == {"T-1": (8, 0, 0), "T-2": (7, 0, 0), "FLAT-1": (2, 0, 0)}
        assert (await there.get("counts/N-1"))["state"] == "done"


async def test_damaged_pieces_are_held_once_it_is_approved() -> None:
    async with desk() as there:
        line = await differing(there, 9, damaged=2)
        assert await there.positions() == {"T-1": (10, 0, 0)}, "so far nothing"
        assert await there.refused("results", "Cid", lineId=line, quantity=9) == (409, "isCounted")
        await there.approve(line, code="breakage")
        assert await there.positions() == {"T-1": (9, 0, 2)}
        await there.order("N-2")
        assert await there.counted("Ann", await there.only_line("N-2"), 9, damaged=2) == "agreed", (
            "they are held"
        )


async def test_more_cannot_be_damaged_than_there_is() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=10)
        await there.order()
        line = await there.only_line()
        assert await there.refused("results", "Ann", lineId=line, quantity=3, damaged=4) == (422, "tooMany")


async def test_products_that_are_known_by_unit_are_counted_by_their_units() -> None:
    async with desk() as there:
        await there.line.core.products("B", version=2, serial_tracked=True)
        await fill(there.line, "T-1", "A1-1-L-05")
        receipt = {"skuId": "B", "quantity": 3, "upns": ["U-1", "U-2", "U-3"]}
        body = {"actId": "r", "operator": "Ann", "holderId": "T-1", "lines": [receipt]}
        assert (await there.http.post("/v1/wes/inbound/receipts", json=body)).status_code == 200
        await there.order()
        line = await there.only_line()
        answer = await there.refused("results", "Ann", lineId=line, quantity=3, upns=["U-1"])
        assert answer == (409, "uncounted")
        for person in ("Ann", "Ben"):
            await there.counted(person, line, 3, upns=["U-1", "U-2", "U-9"])
        (seen,) = await there.lines()
        assert (seen["rounds"][-1]["found"], seen["rounds"][-1]["missing"]) == (["U-9"], ["U-3"])
        assert await there.refused("approvals", "Olga", lineIds=[line], reasonCode="misPick") == (
            409,
            "wrongReason",
        ), "one is too much as well"
        await there.approve(line, code="systemFault")
        units = await there.line.core.rows("SELECT upn FROM units WHERE holder_id = 'T-1' ORDER BY upn")
        assert [row[0] for row in units] == ["U-1", "U-2", "U-9"]


async def test_what_somebody_has_in_hand_is_not_counted() -> None:
    async with desk() as there:
        line = there.line
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        operation = await line.bring()
        ((allocation, _),) = await line.scan(operation)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await there.order()
        counted = await there.only_line()
        assert await there.refused("results", "Ann", lineId=counted, quantity=6) == (409, "beingMoved")
        await line.light()
        (name,) = line.walls.lit()
        line.walls.press(name)
        await line.hear()
        assert await there.counted("Ann", counted, 6) == "agreed"


# ── approval ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("counted", "code", "kind"), [(8, "misPick", "loss"), (13, "overDelivery", "gain")])
async def test_only_an_approval_changes_the_books_and_the_ledger_says_why(
    counted: int, code: str, kind: str
) -> None:
    async with desk() as there:
        line = await differing(there, counted)
        assert await there.positions() == {"T-1": (10, 0, 0)}
        await there.approve(line, code=code, reason="seen by two")
        assert await there.positions() == {"T-1": (counted, 0, 0)}
        (entry, *_) = [
            each
            for each in (await there.get("ledger", documentId="N-1"))["items"]
            if each["holderId"] == "T-1"
        ]
        assert (entry["kind"], entry["documentKind"], entry["operator"]) == (kind, "count", "Olga")
        assert entry["reason"] == f"{code}: seen by two"
        (seen,) = await there.lines()
        assert (seen["state"], seen["decidedBy"], seen["reasonCode"]) == ("approved", "Olga", code)


async def test_a_reason_fits_the_difference() -> None:
    async with desk() as there:
        line = await differing(there, 8)
        asked = {"lineIds": [line]}
        assert await there.refused("approvals", "Olga", **asked, reasonCode="overDelivery") == (
            409,
            "wrongReason",
        )
        assert (await there.ask("approvals", "Olga", **asked, reasonCode="mice")).status_code == 422
        assert (await there.ask("approvals", "Olga", **asked, reasonCode="other")).status_code == 422
        await there.approve(line, code="other", reason="mice")


def test_every_reason_is_one_for_losses_or_for_gains() -> None:
    assert LOSSES | GAINS == set(CountReason)
    assert LOSSES & GAINS == {CountReason.UNRECORDED_MOVE, CountReason.SYSTEM_FAULT, CountReason.OTHER}


def test_every_state_of_a_line_is_reached_or_the_first_and_its_end_is_an_end() -> None:
    assert set(MOVES) == set(LineState)
    assert {after for may in MOVES.values() for after in may} == set(LineState) - {LineState.OPEN}


async def test_what_is_picked_between_count_and_approval_is_taken_into_account() -> None:
    async with desk() as there:
        line = there.line
        counted = await differing(there, 9)
        await order(line, "C-1", ("A", 4))
        operation = await line.bring()
        ((allocation, _),) = await line.scan(operation)
        await put(line, allocation, 4)
        assert (await there.positions())["T-1"] == (6, 0, 0)
        await there.approve(counted)
        assert (await there.positions())["T-1"] == (5, 0, 0), "one was missing before, and is missing now"


async def test_what_is_promised_cannot_be_approved_away() -> None:
    async with desk() as there:
        counted = await differing(there, 2)
        await order(there.line, "C-1", ("A", 8))
        await there.line.think()
        asked = {"lineIds": [counted], "reasonCode": "theft"}
        assert await there.refused("approvals", "Olga", **asked) == (409, "allocated")
        assert (await there.positions())["T-1"] == (10, 8, 0)
        assert [each["state"] for each in await there.lines()] == ["differs"]


async def test_a_correction_makes_what_was_counted_before_void() -> None:
    async with desk() as there:
        counted = await differing(there, 9)
        await there.correct("counts", holderId="T-1", quantity=9)
        assert [each["state"] for each in await there.lines()] == ["again"]
        asked = {"lineIds": [counted], "reasonCode": "theft"}
        assert await there.refused("approvals", "Olga", **asked) == (409, "notDiffering")
        assert await there.counted("Cid", counted, 9) == "agreed"
        assert await there.positions() == {"T-1": (9, 0, 0)}


async def test_damaged_pieces_that_may_have_been_moved_are_counted_again() -> None:
    async with desk() as there:
        await fill(there.line, "T-2", "A1-1-L-06")
        counted = await differing(there, 10, damaged=2)
        await there.correct("moves", holderId="T-1", targetId="T-2", quantity=2)
        asked = {"lineIds": [counted], "reasonCode": "breakage"}
        assert await there.refused("approvals", "Olga", **asked) == (409, "moved")
        await there.did("recounts", "Olga", lineIds=[counted], reason="moved")
        assert await there.counted("Ann", counted, 8) == "agreed"


async def test_all_lines_are_approved_or_none() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order()
        places = await there.places()
        for person in ("Ann", "Ben"):
            await there.counted(person, places["T-1", "A"], 9)
        asked = {"lineIds": [places["T-1", "A"], places["T-2", "A"]], "reasonCode": "theft"}
        assert await there.refused("approvals", "Olga", **asked) == (409, "notDiffering")
        assert await there.refused("approvals", "Olga", lineIds=[1], reasonCode="theft") == (404, "unknown")
        assert (await there.positions())["T-1"] == (10, 0, 0)


async def test_an_act_is_done_once() -> None:
    async with desk() as there:
        counted = await differing(there, 9)
        body = {"actId": "x", "operator": "Olga", "lineIds": [counted], "reasonCode": "theft"}
        first = await there.http.post("/v1/wes/counting/approvals", json=body)
        again = await there.http.post("/v1/wes/counting/approvals", json=body)
        assert (first.json(), again.json()) == ({"actId": "x", "again": False}, {"actId": "x", "again": True})
        assert await there.positions() == {"T-1": (9, 0, 0)}


# ── the end, and what was found ───────────────────────────────────────────────────────────────────────


async def test_a_count_tells_how_it_goes_and_what_it_has_found() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order()
        places = await there.places()
        for person in ("Ann", "Ben"):
            await there.counted(person, places["T-1", "A"], 8)
            await there.counted(person, places["FLAT-1", "B"], 4)
        await there.counted("Ann", places["T-1", "B"], 4)
        report = await there.report()
        assert (report["lines"], report["open"], report["agreed"], report["differs"]) == (4, 1, 1, 2)
        assert report["done"] == 0.75
        assert (report["books"], report["gained"], report["lost"]) == (17, 1, 2)
        assert report["differenceRate"] == pytest.approx(3 / 17)
        await there.approve(places["T-1", "A"], code="breakage")
        await there.approve(places["FLAT-1", "B"], code="duplicateScan")
        await there.counted("Ann", places["T-2", "A"], 7)
        ended = await there.get("counts/N-1")
        assert (ended["state"], ended["report"]["done"]) == ("done", 1)
        assert ended["report"]["byReason"] == {"breakage": 2, "duplicateScan": 1}


async def test_a_count_that_is_ended_before_its_time_changes_nothing_more() -> None:
    async with desk() as there:
        counted = await differing(there, 9)
        await there.did("ends", "Olga", countId="N-1", reason="the wrong aisle")
        ended = await there.get("counts/N-1")
        assert (ended["state"], ended["endReason"], ended["report"]["withdrawn"]) == (
            "withdrawn",
            "the wrong aisle",
            1,
        )
        assert await there.refused("ends", "Olga", countId="N-1", reason="again") == (409, "hasEnded")
        assert await there.refused("results", "Cid", lineId=counted, quantity=9) == (409, "hasEnded")
        assert await there.positions() == {"T-1": (10, 0, 0)}
        await there.order("N-2")


async def test_long_after_its_end_a_count_is_shown_as_before_and_its_rows_are_gone() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order()
        places = await there.places()
        await there.counted("Ann", places["T-1", "A"], 10)
        await there.did("ends", "Olga", countId="N-1", reason="enough")
        shown = await there.get("counts/N-1"), await there.lines(), await there.lines(state="agreed")
        core = there.line.core
        for days in (29, 2):
            core.clock.at_us += days * DAY_US
            await put_counts_away(core.store, core.context)
        assert await core.count("count_lines", "count_rounds") == {"count_lines": 0, "count_rounds": 0}
        assert (
            await there.get("counts/N-1"),
            await there.lines(),
            await there.lines(state="agreed"),
        ) == shown
        page = await there.get("counts/N-1/lines", limit=3)
        rest = await there.get("counts/N-1/lines", limit=3, cursor=page["nextCursor"])
        assert [*page["items"], *rest["items"]] == shown[1]


async def test_counts_are_listed_by_state_and_unknown_ones_are_told() -> None:
    async with desk() as there:
        await warehouse(there)
        await there.order()
        assert [each["countId"] for each in (await there.get("counts", state="open"))["items"]] == ["N-1"]
        assert (await there.get("counts", state="done"))["items"] == []
        for path in ("counts/N-9", "counts/N-9/lines"):
            assert (await there.http.get(f"/v1/wes/{path}")).status_code == 404
        assert await there.refused("claims", "Ann", countId="N-9") == (404, "unknown")


# ── alarms ────────────────────────────────────────────────────────────────────────────────────────────


async def look(there: Desk, alarms: Alarms) -> dict[str, str]:
    core = there.line.core
    await CountWatch(core.store, core.context, alarms).work()
    return {code: alarm.text for code, alarm in alarms.standing.items()}


async def test_a_loss_of_more_than_a_twentieth_of_a_line_is_an_alarm_until_it_is_decided() -> None:
    async with desk() as there:
        alarms = Alarms()
        counted = await differing(there, 9)
        told = await look(there, alarms)
        assert told["countLoss"] == "A count finds that more than 5.0% is missing: N-1: 1 of 10 A in T-1"
        await there.approve(counted)
        assert await look(there, alarms) == {}


async def test_a_count_that_differs_by_more_than_half_a_percent_is_an_alarm_as_long_as_it_goes_on() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=1000, B=5)
        await there.order()
        places, alarms = await there.places(), Alarms()
        for person in ("Ann", "Ben"):
            await there.counted(person, places["T-1", "A"], 1005)
        assert await look(there, alarms) == {}, "half a percent is no alarm yet"
        await there.did("recounts", "Olga", lineIds=[places["T-1", "A"]], reason="look again")
        await there.counted("Ann", places["T-1", "A"], 1006)
        told = await look(there, alarms)
        assert told == {"countDifference": "A count differs from the books by more than 0.5%: N-1: 6 of 1000"}
        await there.approve(places["T-1", "A"], code="overDelivery")
        assert "countDifference" in await look(there, alarms), "it has been approved, and the count goes on"
        await there.counted("Ann", places["T-1", "B"], 5)
        assert await look(there, alarms) == {}


async def test_the_limits_of_both_alarms_are_the_sites() -> None:
    async with desk() as there:
        await differing(there, 9)
        core = there.line.core
        core.context = replace(
            core.context,
            wes=core.context.wes.model_copy(update={"counting": Counting(loss=0.1, difference=0.1)}),
        )
        assert await look(there, Alarms()) == {}


async def test_a_count_that_is_open_after_its_time_is_an_alarm() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=10)
        clock = there.line.core.clock
        ordered = await there.order(dueAt=to_rfc3339(clock.at_us + DAY_US))
        assert ordered["dueAt"].startswith("2")
        alarms = Alarms()
        assert await look(there, alarms) == {}
        clock.at_us += DAY_US
        assert await look(there, alarms) == {"countOverdue": "A count should be done by now: N-1"}
        await there.counted("Ann", await there.only_line(), 10)
        assert await look(there, alarms) == {}
