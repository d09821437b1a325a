"""What waits for a person: orders that cannot go on, messages that were given up, alarms; by whom it was decided, and why."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.app import create_wes_api
from gateway.api.problems import add_problem_handlers
from gateway.api.wes_attention import attention_routes
from gateway.contract.attention import Decision, SettleRequest
from gateway.wes.allocation.port import Answer, Plan
from gateway.wes.attention import settle
from gateway.wes.core import WesCore
from gateway.wes.timers import Verification
from gateway.wes.upstream.monitors import look
from tests.unit.chain_rig import Chain, chain
from tests.unit.test_wes_chain import contradictions, fill, goods_in_receiving, order
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit

WHO = {"operator": "Han", "reason": "the customer has agreed"}
HELD = {"rules": [{"at": "audit.order", "then": "hold"}]}


def parts_of(opened: Core) -> WesCore:
    return WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)


@asynccontextmanager
async def desk(opened: Core) -> AsyncGenerator[tuple[httpx.AsyncClient, WesCore]]:
    """Run the routes over a core in memory."""
    parts = parts_of(opened)
    app = FastAPI()
    app.include_router(attention_routes(parts))
    add_problem_handlers(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes/v1/wes") as http:
        yield http, parts


async def waiting(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    return (await http.get("/exceptions")).json()["items"]


async def decide(http: httpx.AsyncClient, decision: str) -> httpx.Response:
    """Decide about the oldest matter."""
    exception_id = (await waiting(http))[0]["exceptionId"]
    return await http.post(f"/exceptions/{exception_id}/settle", json=WHO | {"decision": decision})


async def test_an_order_that_a_rule_holds_goes_on_once_a_person_lets_it() -> None:
    async with core(**HELD) as opened, desk(opened) as (http, _):
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 2)))
        (matter,) = await waiting(http)
        assert (matter["orderNo"], matter["kind"], matter["decisions"]) == (
            "ORD-C-1",
            "held",
            ["release", "cancel"],
        )
        settled = (await decide(http, "release")).json()
        assert settled["settledBy"] == "Han"
        assert await waiting(http) == []
        assert await opened.lines() == [("A", 2, 30)]


async def test_who_decided_what_and_why_is_kept() -> None:
    async with core(**HELD) as opened, desk(opened) as (http, _):
        await opened.submit(command("C-1", ("A", 2)))
        await decide(http, "cancel")
        (noted,) = (await http.get("/decisions")).json()["items"]
        assert (noted["document"], noted["decision"], noted["operator"], noted["reason"]) == (
            "order",
            "cancel",
            *WHO.values(),
        )
        assert (await opened.rows("SELECT code, cancel_reason FROM orders")) == [(199, WHO["reason"])]


async def test_a_short_order_may_be_tried_again_and_waits_on_if_nothing_has_come() -> None:
    async with core() as opened, desk(opened) as (http, _):
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 2), ("B", 3)))
        assert "settledAt" not in (await decide(http, "retry")).json()
        await opened.stock("B", 3)
        assert (await decide(http, "retry")).json()["settledBy"] == "wes"
        assert await opened.lines() == [("A", 2, 30), ("B", 3, 30)]


async def test_the_lines_of_a_short_order_that_suffice_may_go_first() -> None:
    async with core() as opened, desk(opened) as (http, _):
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 2), ("B", 3)))
        assert await opened.lines() == [("A", 0, 20), ("B", 0, 20)]
        await decide(http, "part")
        assert await opened.lines() == [("A", 2, 30), ("B", 0, 20)]
        (matter,) = await waiting(http)
        assert matter["skuId"] == "B"


async def test_every_piece_that_is_there_may_go_and_the_others_never_come() -> None:
    async with core() as opened, desk(opened) as (http, _):
        await opened.stock("A", 5)
        await opened.stock("B", 1)
        await opened.submit(command("C-1", ("A", 2), ("B", 3)))
        assert (await decide(http, "short")).json()["settledBy"] == "wes"
        assert await opened.lines() == [("A", 2, 30), ("B", 1, 30)]
        assert await waiting(http) == []


async def test_what_cannot_be_fetched_may_be_given_up() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await goods_in_receiving(line, "B", 5)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await line.until_quiet()
        assert await line.codes() == [40]
        await settle_first(line, Decision.SHORT)
        assert await line.core.count("order_exceptions") == {"order_exceptions": 1}
        await line.until_quiet()
        assert await line.codes() == [90]
        assert await line.core.rows("SELECT picked, short FROM order_lines ORDER BY line_id") == [
            (2, 0),
            (0, 3),
        ]
        assert await line.core.rows("SELECT COUNT(*) FROM order_exceptions WHERE settled_at IS NULL") == [
            (0,)
        ]
        assert not await contradictions(line.core)


async def test_an_order_of_which_nothing_can_be_fetched_ends_when_that_is_given_up() -> None:
    async with chain() as line:
        await goods_in_receiving(line, "B", 5)
        await order(line, "C-1", ("B", 3))
        await line.until_quiet()
        await settle_first(line, Decision.SHORT)
        assert await line.codes("orders") == [199]
        assert await line.core.rows("SELECT quantity, reserved FROM pools WHERE sku = 'B'") == [(5, 0)]
        assert not await contradictions(line.core)


async def test_what_can_be_fetched_goes_on_without_the_rest_against_the_rule() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await goods_in_receiving(line, "B", 5)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await line.until_quiet()
        assert await line.codes() == [40]
        await settle_first(line, Decision.PART)
        await line.until_quiet()
        assert await line.codes() == [90, 40]
        assert not await contradictions(line.core)


async def settle_first(line: Chain, decision: Decision) -> None:
    parts = parts_of(line.core)
    ((exception_id,),) = await line.core.rows(
        "SELECT exception_id FROM order_exceptions WHERE settled_at IS NULL"
    )
    request = SettleRequest(operator="Han", reason="now", decision=decision)
    await line.core.store.write(lambda tx: settle(tx, parts, exception_id, request))


@pytest.mark.parametrize(
    ("decision", "status", "code"),
    [("part", 409, "impossible"), ("send", 409, "impossible"), ("nonsense", 422, "unknownValue")],
)
async def test_what_cannot_be_decided_is_refused_and_nothing_is_noted(
    decision: str, status: int, code: str
) -> None:
    async with core(**HELD) as opened, desk(opened) as (http, _):
        await opened.submit(command("C-1", ("A", 2)))
        refused = await decide(http, decision)
        assert refused.status_code == status
        assert refused.json()["reasons"][0]["code"] == code
        assert await opened.count("decisions") == {"decisions": 0}


async def test_a_matter_is_settled_once() -> None:
    async with core(**HELD) as opened, desk(opened) as (http, _):
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 2)))
        exception_id = (await waiting(http))[0]["exceptionId"]
        await decide(http, "release")
        again = await http.post(f"/exceptions/{exception_id}/settle", json=WHO | {"decision": "cancel"})
        assert (again.status_code, again.json()["reasons"][0]["code"]) == (409, "settled")
        assert (
            await http.post(f"/exceptions/{exception_id + 99}/settle", json=WHO | {"decision": "cancel"})
        ).status_code == 404


async def test_many_matters_are_told_page_by_page() -> None:
    async with core(**HELD) as opened, desk(opened) as (http, _):
        for n in range(5):
            await opened.submit(command(f"C-{n}", ("A", 1)))
        seen: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            page = (await http.get("/exceptions", params={"limit": 2} | cursor)).json()
            seen += [each["orderNo"] for each in page["items"]]
            if "nextCursor" not in page:
                break
            cursor = {"cursor": page["nextCursor"]}
        assert seen == [f"ORD-C-{n}" for n in range(5)]


async def give_up(opened: Core) -> int:
    """Have the first of two messages about an order given up."""
    await opened.stock("A", 5)
    await opened.submit(command("C-1", ("A", 1)))
    await opened.cancel("ORD-C-1")
    gone = "UPDATE outbox SET state = 'dead', attempts = 10, error = 'HTTP 400' WHERE sequence = 1"
    await opened.store.write(lambda tx: tx.execute(gone))
    return (await opened.rows("SELECT message_id FROM outbox WHERE sequence = 1"))[0][0]


@pytest.mark.parametrize(("decision", "state"), [("send", "pending"), ("skip", "delivered")])
async def test_a_message_that_was_given_up_is_sent_again_or_skipped(decision: str, state: str) -> None:
    async with core() as opened, desk(opened) as (http, _):
        message_id = await give_up(opened)
        (message,) = (await http.get("/messages")).json()["items"]
        assert (message["messageId"], message["error"], message["attempts"], message["waiting"]) == (
            message_id,
            "HTTP 400",
            10,
            1,
        )
        assert (await http.post(f"/messages/{message_id}/{decision}", json=WHO)).status_code == 204
        assert (await http.post(f"/messages/{message_id}/{decision}", json=WHO)).status_code == 404
        assert (await http.get("/messages")).json()["items"] == []
        assert (await opened.rows("SELECT state FROM outbox ORDER BY sequence"))[0] == (state,)
        (noted,) = (await http.get("/decisions")).json()["items"]
        assert (noted["document"], noted["documentId"], noted["decision"]) == (
            "message",
            message_id,
            decision,
        )


async def test_an_alarm_of_a_monitor_is_seen_and_says_since_when_and_what_to_do() -> None:
    async with core(monitors={"backlog": 1}) as opened, desk(opened) as (http, parts):
        await opened.stock("A", 5)
        for n in range(2):
            await opened.submit(command(f"C-{n}", ("A", 1)))
        await look(parts)
        (alarm,) = (await http.get("/alarms")).json()["items"]
        assert (alarm["alarmId"], alarm["code"], alarm["text"]) == (
            "upstream:backlog",
            "backlog",
            "2 messages wait for upstream",
        )
        assert "gateway wes messages" in alarm["advice"]
        await opened.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
        await look(parts)
        assert (await http.get("/alarms")).json()["items"] == []


async def test_while_another_one_plans_than_the_site_names_an_alarm_says_why() -> None:
    async with core() as opened, desk(opened) as (http, parts):
        parts.note_plan(Answer(plan=Plan(), by="greedy", remarks=("the solver's process has ended",)))
        (first,) = (await http.get("/alarms")).json()["items"]
        parts.note_plan(Answer(plan=Plan(), by="greedy", remarks=("the solver's process has hung",)))
        (alarm,) = (await http.get("/alarms")).json()["items"]
        assert (alarm["alarmId"], alarm["raisedAt"]) == ("planning:anotherPlans", first["raisedAt"])
        assert alarm["text"].startswith("the solver's process has hung"), "what is the matter now"
        parts.note_plan(Answer(plan=Plan(), by="solver"))
        assert (await http.get("/alarms")).json()["items"] == []


async def test_a_wes_in_a_process_of_its_own_has_metrics() -> None:
    async with core(monitors={"backlog": 1}) as opened:
        parts = parts_of(opened)
        parts.note_plan(Answer(plan=Plan(), by="solver"))
        await Verification(parts).work()
        await look(parts)
        transport = httpx.ASGITransport(create_wes_api(parts, None, asyncio.Event()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            text = (await http.get("/metrics")).text
    for line in ('wes_plans_total{by="solver"} 1.0', "wes_findings 0.0", "wes_alarms 0.0"):
        assert line in text
    assert 'wes_upstream{monitor="backlog"} 0.0' in text


async def test_a_wes_in_a_process_of_its_own_tells_its_pages_how_they_are_let_in() -> None:
    async with core() as opened:
        for token, sign_in in ((None, "none"), ("0123456789abcdef", "token")):
            transport = httpx.ASGITransport(create_wes_api(parts_of(opened), token, asyncio.Event()))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                assert (await http.get("/v1/session")).json()["signIn"] == sign_in
