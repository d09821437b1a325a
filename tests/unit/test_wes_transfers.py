"""Goods are ordered to be moved, bound once it is approved, taken out and put where they go (S2-47…75, S2-39).

Given in every test: A lies at two flat places of the demo site, which people walk to: 10 pieces of lot A-1 at `RESERVE`, and
5 of A-2, which expires before, at `OTHER`; a case of A has six pieces.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_corrections import correction_routes
from gateway.api.wes_stock import stock_routes
from gateway.api.wes_transfers import transfer_routes
from gateway.contract.transfers import Destination, TransferState
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.ports import Tx
from gateway.wes.alarms import Alarms
from gateway.wes.core import WesCore
from gateway.wes.floor.watch import Watch
from gateway.wes.orders.history import DAY_US
from gateway.wes.planning.holders import open_place
from gateway.wes.recall import go_on
from gateway.wes.stock.model import Portion
from gateway.wes.stock.opening import Batch, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from gateway.wes.timers import expire
from gateway.wes.transfers.states import ENDED, TRANSITIONS, Progress, state_by
from gateway.wes.transfers.views import put_transfers_away
from gateway.wes.whereabouts import whereabouts
from tests.unit.chain_rig import order
from tests.unit.feeding import START_US
from tests.unit.station_rig import Station, station
from tests.unit.wes_rig import WAREHOUSE, act

pytestmark = pytest.mark.unit

RESERVE, OTHER, PICK, SECOND = "A1-4-R-01", "A1-4-R-02", "A1-4-R-10", "A1-4-R-11"
CASE = "10012345678902"
MOVING = f"{WAREHOUSE}/MOVING"
DECISIONS = ("approve", "delete", "abort", "lose")


@dataclass
class Desk:
    """People who order, approve and carry out transfers, over HTTP."""

    line: Station
    core: WesCore
    http: httpx.AsyncClient
    acts: int = 0

    async def ask_for(self, transfer_id: str = "T-1", **more: Any) -> httpx.Response:
        lines = more.pop("lines", None) or [self.line_of(4)]
        body = {"transferId": transfer_id, "purpose": "relocate", "operator": "Olga", "reason": "closer"}
        return await self.http.post("/v1/wes/transfers", json=body | {"lines": lines} | more)

    @staticmethod
    def line_of(quantity: int, **more: Any) -> dict[str, Any]:
        line = {"skuId": "A", "lotNo": "A-1", "quantity": quantity, "source": RESERVE, "target": PICK}
        return {name: value for name, value in (line | more).items() if value is not None}

    async def order(self, transfer_id: str = "T-1", **more: Any) -> dict[str, Any]:
        answer = await self.ask_for(transfer_id, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, what: str, operator: str = "Ann", **body: Any) -> httpx.Response:
        self.acts += 1
        said = {"act": what, "actId": f"move-{self.acts}", "operator": operator} | body
        path = "decisions" if what in DECISIONS else "acts"
        return await self.http.post(f"/v1/wes/transferring/{path}", json=said)

    async def did(self, what: str, operator: str = "Ann", **body: Any) -> str:
        """Do an act; returns the state of the transfer."""
        answer = await self.ask(what, operator, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()["transferState"]

    async def refused(self, what: str, **body: Any) -> str:
        answer = await self.ask(what, **body)
        assert answer.status_code in (404, 409, 422), answer.text
        return answer.json()["reasons"][0]["code"]

    async def approved(self, transfer_id: str = "T-1", **more: Any) -> list[int]:
        """Order and approve; returns the tasks."""
        await self.order(transfer_id, **more)
        await self.did("approve", "Boss", transferId=transfer_id)
        return await self.tasks(transfer_id)

    async def tasks(self, transfer_id: str = "T-1") -> list[int]:
        return [task["taskId"] for task in (await self.show(transfer_id))["tasks"]]

    async def take(self, task: int, quantity: int, holder: str = RESERVE) -> str:
        return await self.did("take", taskId=task, holderId=holder, quantity=quantity)

    async def put(self, task: int, quantity: int, holder: str = PICK, **more: Any) -> str:
        return await self.did("put", taskId=task, holderId=holder, quantity=quantity, **more)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.http.get(f"/v1/wes/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def show(self, transfer_id: str = "T-1") -> dict[str, Any]:
        return await self.get(f"transfers/{transfer_id}")

    async def steps(self, transfer_id: str = "T-1") -> list[tuple[str, str, int | None]]:
        items = (await self.get(f"transfers/{transfer_id}/log"))["items"]
        return [(each["step"], each["operator"], each.get("quantity")) for each in items]

    async def listed(self, **params: Any) -> list[str]:
        return [each["transferId"] for each in (await self.get("transfers", **params))["items"]]

    async def correct(self, path: str, **body: Any) -> httpx.Response:
        self.acts += 1
        said = {
            "actId": f"office-{self.acts}",
            "operator": "Ann",
            "reason": "looked",
            "skuId": "A",
            "lotNo": "A-1",
        }
        return await self.http.post(f"/v1/wes/corrections/{path}", json=said | body)

    async def where(self) -> dict[str, tuple[int, int, int]]:
        """Return (quantity, allocated, held) of A by container, place or account; empty ones left out."""
        rows = await self.line.core.rows(
            "SELECT holder_id, SUM(quantity), SUM(allocated), SUM(held) FROM positions WHERE quantity > 0"
            " GROUP BY holder_id ORDER BY holder_id"
        )
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    async def promised(self) -> tuple[int, int]:
        """Return (reserved, held) of A."""
        ((reserved, held),) = await self.line.core.rows("SELECT reserved, held FROM pools WHERE sku = 'A'")
        return reserved, held

    async def ledger(self, transfer_id: str = "T-1") -> list[tuple[str, str, int]]:
        """Return what moved under the number of a transfer: kind, holder, pieces."""
        rows = await self.line.core.rows(
            "SELECT e.kind, x.holder_id, x.d_quantity FROM stock_events e JOIN ledger x ON x.event_id = e.event_id"
            " WHERE e.document_kind = 'transfer' AND e.document_id = :number AND x.d_quantity <> 0"
            " ORDER BY e.at, x.line",
            number=transfer_id,
        )
        return [(row[0], row[1], row[2]) for row in rows]


async def lay(line: Station, place: str, sku: str, quantity: int, **facts: Any) -> None:
    """Put goods of one lot to a place that people walk to."""
    context, units = line.core.context, tuple(facts.pop("units", ()))

    async def job(tx: Tx) -> None:
        await open_place(tx, context, place)
        batch = Batch(warehouse_id=WAREHOUSE, owner_id="me", sku=sku, received_at=START_US, **facts)
        lot = await open_lot(tx, context.ids, batch)
        await post(tx, receive(act(context), lot, Portion(place, lot.lot_id, quantity, units)))

    await line.core.store.write(job)


@asynccontextmanager
async def desk(**changes: Any) -> AsyncGenerator[Desk]:
    """Run the routes of a WES with the goods that are given; in the end stock, ledger and documents agree."""
    async with station(keep_days=30, **changes) as line:
        await line.core.products(
            "A", units_per_case=6, case_barcodes=[CASE], barcodes=["4012345678901"], version=2
        )
        await lay(line, RESERVE, "A", 10, lot_no="A-1")
        await lay(line, OTHER, "A", 5, lot_no="A-2", expiry_at=START_US + 90 * DAY_US)
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        for routes in (transfer_routes, correction_routes, stock_routes):
            app.include_router(routes(core))
        add_problem_handlers(app)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
            yield Desk(line, core, http)
        await line.check()


# ── the order ─────────────────────────────────────────────────────────────────────────────────────────


async def test_goods_are_ordered_approved_taken_out_put_down_and_every_step_is_in_the_log() -> None:
    async with desk() as there:
        assert (await there.order())["state"] == "draft"
        assert await there.where() == {RESERVE: (10, 0, 0), OTHER: (5, 0, 0)}
        assert await there.did("approve", "Boss", transferId="T-1") == "approved"
        assert await there.where() == {RESERVE: (10, 4, 0), OTHER: (5, 0, 0)}
        (task,) = await there.tasks()
        assert await there.take(task, 3) == "executing"
        assert await there.take(task, 1) == "outDone"
        assert await there.where() == {RESERVE: (6, 0, 0), OTHER: (5, 0, 0), MOVING: (4, 4, 0)}
        assert await there.put(task, 4) == "done"
        assert await there.where() == {RESERVE: (6, 0, 0), OTHER: (5, 0, 0), PICK: (4, 0, 0)}
        assert await there.promised() == (0, 0)
        shown = await there.show()
        assert (shown["state"], shown["taken"], shown["put"], shown["approvedBy"]) == ("done", 4, 4, "Boss")
        assert await there.steps() == [
            ("ordered", "Olga", None),
            ("approved", "Boss", None),
            ("out", "Ann", 3),
            ("out", "Ann", 1),
            ("in", "Ann", 4),
        ]
        assert await there.ledger() == [
            ("move", RESERVE, -3),
            ("move", MOVING, 3),
            ("move", RESERVE, -1),
            ("move", MOVING, 1),
            ("move", PICK, 4),
            ("move", MOVING, -4),
        ]


async def test_the_same_order_again_is_the_same_transfer_and_another_body_is_refused() -> None:
    async with desk() as there:
        assert await there.order() == await there.order()
        answer = await there.ask_for(reason="another")
        assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "idReused")
        assert await there.line.core.count("transfer_lines", "transfer_log") == {
            "transfer_lines": 1,
            "transfer_log": 1,
        }


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": []},
        {"lines": [{"skuId": "A", "quantity": 1}]},
        {"lines": [{"skuId": "A", "quantity": 1, "target": PICK, "targetZone": "aisle-1"}]},
        {"lines": [{"skuId": "A", "quantity": 0, "target": PICK}]},
        {"leavesTo": "warehouse", "lines": [{"skuId": "A", "quantity": 1}]},
        {"leavesTo": "warehouse", "destination": "WH-2"},
        {"lines": [{"skuId": "A", "quantity": 1, "target": PICK}] * 101},
    ],
    ids=["no lines", "no target", "two targets", "no pieces", "nowhere", "a target outside", "too many"],
)
async def test_an_order_that_makes_no_sense_is_refused_and_stores_nothing(changes: dict[str, Any]) -> None:
    async with desk() as there:
        body = {"transferId": "T-1", "purpose": "supply", "operator": "Olga", "reason": "x"}
        answer = await there.http.post(
            "/v1/wes/transfers", json=body | {"lines": [there.line_of(4)]} | changes
        )
        assert answer.status_code == 422, answer.text
        assert await there.line.core.count("transfers") == {"transfers": 0}


async def test_products_that_nobody_knows_are_told_line_by_line() -> None:
    async with desk() as there:
        lines = [there.line_of(1), there.line_of(1, skuId="X", lotNo=None), there.line_of(1, ownerId="you")]
        answer = await there.ask_for(lines=lines)
        told = [(each["field"], each["code"]) for each in answer.json()["reasons"]]
        assert told == [("lines[1].skuId", "unknownSku"), ("lines[2].skuId", "unknownSku")]
        assert await there.line.core.count("transfers") == {"transfers": 0}


async def test_what_is_deleted_is_not_shown_any_more_and_what_was_approved_cannot_be() -> None:
    async with desk() as there:
        await there.order()
        assert await there.did("delete", transferId="T-1", reason="a mistake") == "deleted"
        assert await there.listed() == []
        assert (await there.http.get("/v1/wes/transfers/T-1")).status_code == 404
        assert await there.refused("approve", transferId="T-1") == "unknown"
        answer = await there.ask_for()
        assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "hasEnded")
        await there.approved("T-2")
        assert await there.refused("delete", transferId="T-2", reason="a mistake") == "wrongState"


async def test_a_draft_that_is_ended_unapproved_is_still_shown() -> None:
    async with desk() as there:
        await there.order()
        assert await there.did("abort", transferId="T-1", reason="not needed") == "aborted"
        shown = await there.show()
        assert (shown["state"], shown["endReason"], shown["tasks"]) == ("aborted", "not needed", [])
        assert await there.refused("approve", transferId="T-1") == "hasEnded"


# ── the approval ──────────────────────────────────────────────────────────────────────────────────────


async def test_what_expires_first_goes_first_and_what_lies_where_it_goes_is_left_there() -> None:
    async with desk() as there:
        await lay(there.line, PICK, "A", 3, lot_no="A-1")
        await there.approved(lines=[there.line_of(7, lotNo=None, source=None)])
        assert await there.where() == {RESERVE: (10, 2, 0), OTHER: (5, 5, 0), PICK: (3, 0, 0)}


async def test_all_lines_are_bound_or_none_and_each_that_lacks_says_so() -> None:
    async with desk() as there:
        lines = [
            there.line_of(6),
            there.line_of(6),
            there.line_of(3, source=OTHER, lotNo=None),
            there.line_of(1, source="X-*"),
        ]
        await there.order(lines=lines)
        answer = await there.ask("approve", transferId="T-1")
        told = [(each["field"], each["code"]) for each in answer.json()["reasons"]]
        assert (answer.status_code, told) == (
            409,
            [("lines[1].quantity", "notEnough"), ("lines[3].quantity", "notEnough")],
        )
        assert await there.where() == {RESERVE: (10, 0, 0), OTHER: (5, 0, 0)}
        assert (await there.show())["state"] == "draft"


@pytest.mark.parametrize("why", ["promised", "held", "recalled", "expired", "locked"])
async def test_goods_that_cannot_be_had_are_not_bound(why: str) -> None:
    async with desk() as there:
        match why:
            case "promised":
                await order(there.line, "C-1", ("A", 13))
            case "held":
                await there.correct("holds", holderId=RESERVE, quantity=9)
            case "recalled":
                await there.line.store.write(lambda tx: tx.execute("UPDATE lots SET recalled = 1"))
            case "expired":
                await there.line.store.write(lambda tx: tx.execute("UPDATE lots SET expiry_at = 1"))
            case _:
                await there.line.hear()
                there.line.gateway.block(RESERVE, "Ann")
                await there.line.hear()
        await there.order(lines=[there.line_of(4, lotNo=None)])
        assert await there.refused("approve", transferId="T-1") == "notEnough"
        await there.line.store.write(lambda tx: tx.execute("UPDATE lots SET recalled = 0, expiry_at = NULL"))


async def test_a_target_that_is_nowhere_or_blocked_is_not_approved() -> None:
    async with desk() as there:
        await there.order(lines=[there.line_of(1, target="NO-SUCH-*")])
        assert await there.refused("approve", transferId="T-1") == "unknownPlace"
        await there.line.hear()
        there.line.gateway.block(PICK)
        await there.line.hear()
        await there.order("T-2")
        assert await there.refused("approve", transferId="T-2") == "blocked"
        await there.order("T-3", lines=[there.line_of(1, target="A1-4-R-1?")])
        assert await there.did("approve", transferId="T-3") == "approved"


async def test_what_is_bound_is_promised_to_nobody_else_and_no_correction_takes_it_away() -> None:
    async with desk() as there:
        (task,) = await there.approved(lines=[there.line_of(10)])
        await order(there.line, "C-1", ("A", 6))
        assert [row[0] for row in await there.line.core.rows("SELECT code FROM orders")] == [20], (
            "five are left"
        )
        for path, more in (("moves", {"targetId": PICK}), ("scraps", {}), ("holds", {})):
            answer = await there.correct(path, holderId=RESERVE, quantity=1, **more)
            assert answer.status_code == 409, path
        assert (await there.correct("counts", holderId=RESERVE, quantity=9)).status_code == 409
        await there.take(task, 10)
        assert await there.where() == {OTHER: (5, 0, 0), MOVING: (10, 10, 0)}


async def test_who_is_second_to_approve_is_told() -> None:
    async with desk() as there:
        await there.approved()
        assert await there.refused("approve", transferId="T-1") == "wrongState"
        assert await there.refused("approve", transferId="T-9") == "unknown"
        assert await there.refused("take", taskId=999_999, holderId=RESERVE, quantity=1) == "unknown"


# ── out ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_scanned_when_it_is_taken_must_be_what_the_task_says() -> None:
    async with desk(rules=[{"at": "scan", "then": "product"}]) as there:
        (task,) = await there.approved(lines=[there.line_of(8)])
        assert await there.refused("take", taskId=task, holderId=OTHER, quantity=1) == "wrongPlace"
        here: dict[str, Any] = {"taskId": task, "holderId": RESERVE}
        assert await there.refused("take", **here, quantity=1) == "scanNeeded"
        assert await there.refused("take", **here, scan="B") == "wrongProduct"
        assert await there.refused("take", **here, scan="(01)04012345678901(10)A-9") == "wrongLot"
        assert await there.did("take", **here, scan=CASE) == "executing"
        assert await there.refused("take", **here, scan=CASE) == "notOpen", "two are left, and a case has six"
        assert await there.did("take", **here, scan="4012345678901", quantity=2) == "outDone"
        assert await there.where() == {RESERVE: (2, 0, 0), OTHER: (5, 0, 0), MOVING: (8, 8, 0)}
        assert await there.put(task, 8) == "done"


async def test_what_is_missing_or_spoilt_stays_held_where_the_books_have_it_and_the_rest_goes() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        assert await there.refused("miss", taskId=task, quantity=5, code="missing") == "notOpen"
        assert await there.did("miss", taskId=task, quantity=1, code="missing") == "approved"
        assert await there.did("miss", taskId=task, quantity=1, code="damaged", reason="wet") == "approved"
        assert await there.where() == {RESERVE: (10, 2, 2), OTHER: (5, 0, 0)}
        assert await there.take(task, 2) == "outDone"
        assert await there.put(task, 2) == "done"
        assert await there.where() == {RESERVE: (8, 0, 2), OTHER: (5, 0, 0), PICK: (2, 0, 0)}
        log = (await there.get("transfers/T-1/log"))["items"]
        told = [
            (each["code"], each["quantity"], each.get("reason")) for each in log if each["step"] == "missed"
        ]
        assert told == [("missing", 1, None), ("damaged", 1, "wet")]


async def test_of_which_nothing_is_there_is_aborted() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        assert await there.refused("miss", taskId=task, quantity=4, code="other") == "badFormat"
        assert await there.did("miss", taskId=task, quantity=4, code="other", reason="a hole") == "aborted"
        assert (await there.show())["endReason"] == "nothing of it was there"
        assert await there.refused("take", taskId=task, holderId=RESERVE, quantity=1) == "hasEnded"


async def test_nothing_is_taken_from_a_locked_place_nor_put_to_a_blocked_one() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        await there.line.hear()
        there.line.gateway.block(RESERVE, "Ann")
        await there.line.hear()
        assert await there.refused("take", taskId=task, holderId=RESERVE, quantity=4) == "blocked"
        there.line.gateway.unblock(RESERVE)
        there.line.gateway.block(PICK)
        await there.line.hear()
        await there.take(task, 4)
        assert await there.refused("put", taskId=task, holderId=PICK, quantity=4) == "blocked"
        there.line.gateway.unblock(PICK)
        await there.line.hear()
        await there.put(task, 4)


async def test_an_act_that_is_sent_again_moves_nothing_and_the_same_id_for_another_act_is_refused() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        said = {
            "actId": "mine",
            "operator": "Ann",
            "taskId": task,
            "holderId": RESERVE,
            "quantity": 2,
            "act": "take",
        }
        answers = [await there.http.post("/v1/wes/transferring/acts", json=said) for _ in range(2)]
        assert [each.json()["again"] for each in answers] == [False, True]
        answer = await there.http.post("/v1/wes/transferring/acts", json=said | {"act": "put"})
        assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "idReused")
        assert (await there.where())[MOVING] == (2, 2, 0)
        await there.did("abort", transferId="T-1", reason="enough")
        await there.put(task, 2, RESERVE)


# ── in ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_goods_are_put_where_their_line_says_in_as_many_places_as_it_takes() -> None:
    async with desk() as there:
        (task,) = await there.approved(lines=[there.line_of(4, target="A1-4-R-1?")])
        await there.take(task, 4)
        assert await there.refused("put", taskId=task, holderId=OTHER, quantity=1) == "wrongPlace"
        assert await there.refused("put", taskId=task, holderId="SHIPPED", quantity=1) == "wrongPlace"
        assert await there.refused("put", taskId=task, holderId=PICK, quantity=5) == "tooMany"
        assert await there.put(task, 3) == "outDone"
        assert await there.put(task, 1, SECOND) == "done"
        assert await there.where() == {
            RESERVE: (6, 0, 0),
            OTHER: (5, 0, 0),
            PICK: (3, 0, 0),
            SECOND: (1, 0, 0),
        }


async def test_goods_go_to_any_place_of_a_zone_that_is_named() -> None:
    async with desk() as there:
        places = there.core.context.layout.places
        zone = places[RESERVE].zone
        elsewhere = next(each.location_id for each in places.values() if each.zone != zone)
        (task,) = await there.approved(
            lines=[
                there.line_of(4, sourceZone=zone, source=None, target=None, targetZone=places[elsewhere].zone)
            ]
        )
        await there.take(task, 4)
        assert await there.refused("put", taskId=task, holderId=PICK, quantity=4) == "wrongPlace"
        assert await there.put(task, 4, elsewhere) == "done"


async def test_what_is_lost_on_the_way_goes_off_the_books_with_its_code() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        await there.take(task, 4)
        assert await there.refused("lose", taskId=task, quantity=5, code="missing") == "tooMany"
        assert await there.did("lose", taskId=task, quantity=1, code="damaged", reason="fell") == "outDone"
        assert await there.put(task, 3) == "done"
        assert await there.where() == {RESERVE: (6, 0, 0), OTHER: (5, 0, 0), PICK: (3, 0, 0)}
        assert ("loss", "ADJUST", 1) in await there.ledger()
        rows = await there.line.core.rows("SELECT reason FROM stock_events WHERE kind = 'loss'")
        assert rows == [("damaged: fell",)]


async def test_what_is_damaged_on_the_way_is_put_aside_anywhere_and_held_there() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        await there.take(task, 4)
        assert await there.put(task, 1, OTHER, damaged=True) == "outDone"
        assert await there.put(task, 3) == "done"
        assert await there.where() == {RESERVE: (6, 0, 0), OTHER: (6, 0, 1), PICK: (3, 0, 0)}
        (shown,) = (await there.show())["tasks"]
        assert (shown["put"], shown["aside"]) == (3, 1)


async def test_units_are_known_by_their_numbers_all_the_way() -> None:
    async with desk() as there:
        await lay(there.line, OTHER, "B", 3, lot_no="B-1", serial=True, units=("u1", "u2", "u3"))
        (task,) = await there.approved(lines=[{"skuId": "B", "quantity": 2, "target": PICK}])
        here: dict[str, Any] = {"taskId": task, "holderId": OTHER}
        assert await there.refused("take", **here, quantity=2) == "stock", "which ones?"
        await there.did("take", **here, upns=["u1", "u3"])
        assert await there.refused("put", taskId=task, holderId=PICK, upns=["u2"]) == "wrongUnit"
        await there.put(task, 1, upns=["u3"])
        assert (await there.show())["tasks"][0]["upns"] == ["u1"]
        await there.did("lose", taskId=task, quantity=1, upns=["u1"], code="missing")
        rows = await there.line.core.rows("SELECT upn, holder_id FROM units ORDER BY upn")
        assert rows == [("u1", "ADJUST"), ("u2", OTHER), ("u3", PICK)]


# ── the end before its time ───────────────────────────────────────────────────────────────────────────


async def test_what_is_aborted_frees_what_is_bound_and_ends_once_what_is_out_lies_somewhere() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        await there.take(task, 1)
        assert await there.did("abort", "Boss", transferId="T-1", reason="not needed") == "aborting"
        assert await there.where() == {RESERVE: (9, 0, 0), OTHER: (5, 0, 0), MOVING: (1, 1, 0)}
        assert await there.refused("take", taskId=task, holderId=RESERVE, quantity=1) == "wrongState"
        assert await there.put(task, 1, RESERVE) == "aborted"
        assert await there.where() == {RESERVE: (10, 0, 0), OTHER: (5, 0, 0)}
        shown = await there.show()
        assert (shown["endReason"], shown["put"], shown["tasks"][0]["aside"]) == ("not needed", 0, 1)
        assert await there.refused("abort", transferId="T-1", reason="again") == "hasEnded"


async def test_a_recalled_lot_is_taken_off_its_transfers_and_what_is_in_a_hand_is_put_aside() -> None:
    async with desk() as there:
        first, second = await there.approved(
            lines=[there.line_of(4), there.line_of(2, source=OTHER, lotNo="A-2")]
        )
        await there.take(first, 1)
        assert (await there.correct("recalls")).status_code == 200
        assert await there.refused("take", taskId=first, holderId=RESERVE, quantity=1) == "lotBarred"
        await go_on(there.core)
        rows = await there.line.core.rows("SELECT quality, reserved, held FROM lots WHERE lot_no = 'A-1'")
        assert rows == [("rejected", 0, 10)]
        assert await there.put(first, 1, OTHER) == "executing"
        await there.take(second, 2, OTHER)
        assert await there.put(second, 2) == "done"
        assert ("freed", "WES", 3) in [(step, "WES", n) for step, _, n in await there.steps()]
        assert (await there.where())[OTHER] == (4, 0, 0)


async def test_a_lot_that_expires_is_taken_off_its_transfers() -> None:
    async with desk() as there:
        (task,) = await there.approved(lines=[there.line_of(5, source=OTHER, lotNo="A-2")])
        await there.take(task, 2, OTHER)
        there.line.core.clock.at_us += 91 * DAY_US
        await expire(there.core)
        assert await there.line.core.rows("SELECT quality FROM lots WHERE lot_no = 'A-2'") == [("expired",)]
        assert (await there.show())["state"] == "outDone"
        assert await there.did("lose", taskId=task, quantity=1, code="expiring") == "outDone"
        assert await there.put(task, 1, SECOND) == "aborted", "nothing has come where it should"


async def test_who_judges_a_lot_is_told_that_a_transfer_has_some() -> None:
    async with desk() as there:
        await there.approved()
        answer = await there.correct("qualities", quality="rejected")
        assert answer.status_code == 409


# ── out of the house ──────────────────────────────────────────────────────────────────────────────────

LEAVES = {"purpose": "supply", "leavesTo": "warehouse", "destination": "WH-2"}


def leaving(*quantities: int) -> list[dict[str, Any]]:
    return [Desk.line_of(quantity, target=None) for quantity in quantities]


async def test_goods_for_another_warehouse_leave_with_their_waybill_and_it_says_what_has_come() -> None:
    async with desk() as there:
        first, second = await there.approved(lines=leaving(4, 2), **LEAVES)
        await there.take(first, 4)
        assert await there.refused("handOver", transferId="T-1") == "wrongState", "two are still to be taken"
        await there.take(second, 2)
        assert await there.refused("put", taskId=first, holderId=PICK, quantity=1) == "wrongPlace"
        state = await there.did("handOver", transferId="T-1", waybill="WB-7", carrier="SF")
        assert state == "inTransit"
        assert await there.where() == {RESERVE: (4, 0, 0), OTHER: (5, 0, 0)}
        assert [each for each in await there.ledger() if each[0] == "handOver"] == [
            ("handOver", "TRANSFER", 6),
            ("handOver", MOVING, -6),
        ]
        assert await there.refused("abort", transferId="T-1", reason="too late") == "wrongState"
        for line, code in (
            ({"lineNo": 2, "quantity": 1}, "noReason"),
            ({"lineNo": 2, "quantity": 2, "code": "missing"}, "wrongReason"),
            ({"lineNo": 3, "quantity": 1}, "unknownLine"),
        ):
            assert await there.refused("confirm", transferId="T-1", lines=[line]) == code
        lines = [{"lineNo": 2, "quantity": 1, "code": "missing"}]
        assert await there.did("confirm", transferId="T-1", lines=lines, reason="WH-2 says so") == "done"
        shown = await there.show()
        assert (shown["waybill"], shown["carrier"]) == ("WB-7", "SF")
        told = [(each["received"], each.get("difference")) for each in shown["lines"]]
        assert told == [(4, None), (1, "missing")]


async def test_what_production_takes_leaves_to_an_account_of_its_own_and_nobody_confirms_it() -> None:
    async with desk() as there:
        (task,) = await there.approved(
            lines=leaving(4), purpose="supply", leavesTo="production", destination="line 3"
        )
        await there.take(task, 4)
        assert await there.did("handOver", transferId="T-1") == "done"
        assert ("handOver", "PRODUCTION", 4) in await there.ledger()
        assert await there.refused("confirm", transferId="T-1") == "hasEnded"


async def test_a_recalled_lot_does_not_leave_and_the_rest_does() -> None:
    async with desk() as there:
        lines = [*leaving(4), Desk.line_of(2, source=OTHER, lotNo="A-2", target=None)]
        first, second = await there.approved(lines=lines, **LEAVES)
        await there.take(first, 4)
        await there.take(second, 2, OTHER)
        await there.correct("recalls")
        assert await there.refused("handOver", transferId="T-1") == "lotBarred"
        await go_on(there.core)
        assert await there.refused("handOver", transferId="T-1") == "lotBarred", "they are still on the way"
        assert await there.put(first, 4, RESERVE) == "outDone"
        assert await there.did("handOver", transferId="T-1") == "inTransit"
        assert await there.did("confirm", transferId="T-1") == "done"
        assert [each.get("received") for each in (await there.show())["lines"]] == [0, 2]


async def test_what_was_recalled_in_a_hand_does_not_leave_with_what_others_are_promised() -> None:
    async with desk() as there:
        (first,) = await there.approved(lines=leaving(4), **LEAVES)
        await there.take(first, 4)
        await there.correct("recalls")
        await go_on(there.core)
        assert (await there.correct("qualities", quality="qualified")).status_code == 200
        (second,) = await there.approved("T-2", lines=[there.line_of(4)])
        await there.take(second, 4)
        assert await there.refused("handOver", transferId="T-1") == "lotBarred"
        assert await there.put(second, 4) == "done"
        assert await there.put(first, 4, RESERVE) == "aborted", "nothing of it has left"


async def test_goods_that_stay_inside_are_handed_over_to_nobody() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        await there.take(task, 4)
        assert await there.refused("handOver", transferId="T-1") == "wrongState"
        await there.put(task, 4)


# ── what people see ───────────────────────────────────────────────────────────────────────────────────


async def test_transfers_are_listed_by_every_criterion_in_pages() -> None:
    async with desk() as there:
        zone = there.core.context.layout.places[RESERVE].zone
        await there.approved()
        noon = to_rfc3339(there.line.core.clock.now_us())
        await there.order(
            "T-2", purpose="consolidate", lines=[{"skuId": "B", "quantity": 1, "targetZone": zone}]
        )
        await there.order("T-3", lines=leaving(1), **LEAVES)
        await there.did("abort", transferId="T-3", reason="not needed")
        assert await there.listed() == ["T-3", "T-2", "T-1"]
        for which, found in (
            ({"open": True}, ["T-2", "T-1"]),
            ({"state": "approved"}, ["T-1"]),
            ({"purpose": "consolidate"}, ["T-2"]),
            ({"leavesTo": "warehouse"}, ["T-3"]),
            ({"skuId": "B"}, ["T-2"]),
            ({"source": RESERVE}, ["T-3", "T-1"]),
            ({"target": zone}, ["T-2"]),
            ({"target": PICK, "state": "draft"}, []),
            ({"since": noon}, ["T-3", "T-2"]),
            ({"until": noon}, ["T-1"]),
        ):
            assert await there.listed(**which) == found, which
        page = await there.get("transfers", limit=2)
        rest = await there.get("transfers", limit=2, cursor=page["nextCursor"])
        assert [each["transferId"] for each in (*page["items"], *rest["items"])] == ["T-3", "T-2", "T-1"]


async def test_what_is_to_be_moved_is_listed_with_all_that_a_hand_has_to_know() -> None:
    async with desk() as there:
        (number,) = await there.approved()
        zone = there.core.context.layout.places[RESERVE].zone
        (task,) = (await there.get("transferring/tasks", zone=zone))["items"]
        assert (
            task
            | {
                "taskId": number,
                "sourceId": RESERVE,
                "target": PICK,
                "lotNo": "A-1",
                "rest": 4,
                "moving": 0,
                "unitsPerCase": 6,
                "scan": "none",
            }
            == task
        )
        assert (await there.get("transferring/tasks", zone="no such zone"))["items"] == []
        await there.take(number, 4)
        (task,) = (await there.get("transferring/tasks"))["items"]
        assert (task["rest"], task["moving"]) == (0, 4)
        await there.put(number, 4)
        assert (await there.get("transferring/tasks"))["items"] == []


async def test_long_after_its_end_a_transfer_is_shown_as_before_and_its_rows_are_gone() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        await there.take(task, 4)
        await there.put(task, 3)
        await there.did("lose", taskId=task, quantity=1, code="missing")
        await there.approved("T-2")
        shown = await there.show(), await there.get("transfers/T-1/log"), await there.get("transfers")
        for days in (29, 2):
            there.line.core.clock.at_us += days * DAY_US
            await put_transfers_away(there.core.store, there.core.context)
        assert await there.line.core.count("transfer_tasks") == {"transfer_tasks": 1}, "the open one's"
        assert (
            await there.show(),
            await there.get("transfers/T-1/log"),
            await there.get("transfers"),
        ) == shown
        assert await there.listed(skuId="A") == ["T-2", "T-1"]
        page = await there.get("transfers/T-1/log", limit=2)
        rest = await there.get("transfers/T-1/log", cursor=page["nextCursor"])
        assert [*page["items"], *rest["items"]] == shown[1]["items"]
        assert (await there.ask_for(reason="another")).status_code == 409, "its number stays taken"


async def test_a_task_is_where_its_goods_lie_for_whoever_acts_in_some_zones_only() -> None:
    async with desk() as there:
        (task,) = await there.approved()
        assert await there.line.store.read(lambda tx: whereabouts(tx, {"taskId": task})) == [RESERVE]


async def test_a_transfer_that_is_open_after_its_time_is_an_alarm() -> None:
    async with desk() as there:
        await there.approved(dueAt="2020-01-01T00:00:00Z")
        alarms = Alarms()
        await Watch(there.core.store, there.core.context, alarms).work()
        assert alarms.standing["transferLate"].text == "A transfer should be done by now: T-1"
        await there.did("abort", transferId="T-1", reason="not needed")
        await Watch(there.core.store, there.core.context, alarms).work()
        assert "transferLate" not in alarms.standing


# ── states ────────────────────────────────────────────────────────────────────────────────────────────


def test_however_far_goods_have_come_the_next_state_is_one_that_may_follow() -> None:
    approved = [
        TransferState.APPROVED,
        TransferState.EXECUTING,
        TransferState.OUT_DONE,
        TransferState.ABORTING,
    ]
    for state, leaves_to, rest, moving, put, taken in product(
        approved, (None, *Destination), range(2), range(2), range(2), range(3)
    ):
        possible = {
            TransferState.APPROVED: moving + put <= 1 or rest == 0,
            TransferState.EXECUTING: taken > 0,
            TransferState.OUT_DONE: rest == 0 and taken > 0,
            TransferState.ABORTING: rest == 0 and taken > 0,
        }[state]
        if not possible or moving + put > taken:
            continue
        goal = state_by(state, leaves_to, Progress(rest=rest, taken=taken, moving=moving, put=put))
        if state is TransferState.APPROVED and goal in (TransferState.DONE, TransferState.IN_TRANSIT):
            continue  # one act takes goods out, another one puts them down
        assert goal is state or goal in TRANSITIONS[state], (state, rest, taken, moving, put)


def test_every_state_but_the_ended_ones_leads_to_an_end() -> None:
    assert set(TRANSITIONS) == set(TransferState)
    assert {TransferState.DONE, TransferState.ABORTED, TransferState.DELETED} == ENDED
    for state in TransferState:
        reached, found = {state}, {state}
        while found:
            found = {goal for each in found for goal in TRANSITIONS[each]} - reached
            reached |= found
        assert reached & ENDED
