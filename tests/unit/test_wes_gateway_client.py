"""The WES's port to the gateway speaks the contract: what it asks, how it takes answers, and how it follows the feed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.contract.events import EventType
from gateway.contract.puts import PutRequest
from gateway.contract.transports import TransportRequest
from gateway.delivery.chain import Listener
from gateway.delivery.gateway_client import GatewayClient
from gateway.delivery.rounds import Bell
from gateway.kernel.ports import Store, StoreFull, Tx
from gateway.wes.planning.gateway import Answer, FeedGap, Reply, Unanswered
from gateway.wes.planning.hearing import Hearing, last_heard
from tests.unit.api_rig import Rig, gateway
from tests.unit.wes_rig import core

pytestmark = pytest.mark.unit

T = TypeVar("T")


def request(transport_id: str = "P1-1", **changes: Any) -> TransportRequest:
    facts: dict[str, Any] = {"transport_id": transport_id, "container_id": "T1", "destination": "ST-1"}
    return TransportRequest(**facts | changes)


def client(rig: Rig) -> GatewayClient:
    return GatewayClient(rig.http, rig.feed.beyond)


async def test_asking_again_is_taken_and_another_body_is_a_conflict() -> None:
    async with gateway() as rig:
        port = client(rig)
        assert (await port.submit_transport(request())).reply is Reply.TAKEN
        assert (await port.submit_transport(request())).reply is Reply.TAKEN
        other = await port.submit_transport(request(priority=9))
        assert (other.reply, other.codes) == (Reply.CONFLICT, ("idReused",))


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"container_id": "NONE"}, ("unknownContainer",)),
        ({"destination": "NOWHERE"}, ("unknownLocation",)),
    ],
)
async def test_a_refusal_tells_why(changes: dict[str, str], codes: tuple[str, ...]) -> None:
    async with gateway() as rig:
        answer = await client(rig).submit_transport(request(**changes))
        assert (answer.reply, answer.codes) == (Reply.REFUSED, codes)
        assert answer.text


async def test_a_container_that_another_transport_has_is_a_conflict() -> None:
    async with gateway() as rig:
        port = client(rig)
        await port.submit_transport(request())
        answer = await port.submit_transport(request("P2-1"))
        assert (answer.reply, answer.codes) == (Reply.CONFLICT, ("containerBusy",))


async def test_what_is_cancelled_and_what_nobody_knows() -> None:
    async with gateway() as rig:
        port = client(rig)
        await port.submit_transport(request())
        assert (await port.cancel_transport("P1-1")).reply is Reply.TAKEN
        found = await port.find_transport("P1-1")
        assert found is not None
        assert found.cancel_requested
        unknown = await port.cancel_transport("P9-1")
        assert (unknown.reply, unknown.codes) == (Reply.REFUSED, ("unknownTransport",))
        assert await port.find_transport("P9-1") is None


async def test_puts_are_lit_found_and_withdrawn() -> None:
    async with gateway() as rig:
        port = client(rig)
        put = PutRequest(put_id="W1-1", wall="wall", slot="W-01", quantity=2)
        answer = await port.submit_put(put)
        assert answer.reply is Reply.TAKEN, answer
        found = await port.find_put("W1-1")
        assert found is not None
        assert found.quantity == 2
        assert (await port.cancel_put("W1-1")).reply is Reply.TAKEN
        assert await port.find_put("W9-1") is None


async def test_containers_are_listed_with_their_places() -> None:
    async with gateway() as rig:
        places = {each.container_id: each.location_id for each in await client(rig).list_containers()}
        assert places["T1"]
        assert len(places) == len(rig.tables.containers)


async def test_blocked_places_are_listed_with_who_and_why() -> None:
    async with gateway() as rig:
        assert await client(rig).list_blocked() == []
        await rig.http.post("/v1/locations/A-1-L-03/block", json={"operator": "Ann", "reason": "bent rail"})
        (view,) = await client(rig).list_blocked()
        assert (view.location_id, view.blocked, view.blocked_by) == ("A-1-L-03", "bent rail", "Ann")


async def test_the_feed_is_followed_from_any_number_without_a_gap() -> None:
    async with gateway() as rig:
        port = client(rig)
        await port.submit_transport(request())
        heard: list[int] = []
        async with asyncio.timeout(5), aclosing(port.follow(1)) as batches:
            async for events in batches:
                heard += [event.seq for event in events]
                if events[-1].type is EventType.PUT_ACCEPTED:
                    break
                await port.submit_put(PutRequest(put_id="W1-1", wall="wall", slot="W-01", quantity=2))
        assert heard == list(range(2, rig.feed.last_seq + 1))


async def test_a_number_beyond_the_feed_is_a_gap() -> None:
    async with gateway() as rig, aclosing(client(rig).follow(10_000)) as batches:
        with pytest.raises(FeedGap):
            await anext(batches)


@pytest.mark.parametrize("status", [401, 429, 500, 503, 507])
async def test_what_the_gateway_cannot_do_now_is_asked_for_later(status: int) -> None:
    problem = {"type": "urn:x", "title": "Later", "status": status, "detail": "not now", "reasons": []}
    told = httpx.Response(status, json=problem, headers={"content-type": "application/problem+json"})
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: told), base_url="http://gateway"
    ) as http:
        port = GatewayClient(http)
        assert await port.submit_transport(request()) == Answer(Reply.LATER, (), "not now")
        with pytest.raises(Unanswered):
            await port.find_transport("P1-1")
        with pytest.raises(Unanswered):
            await port.list_containers()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "text/html") for status in (200, 302, 400, 404, 410, 502)),
        *((status, "application/json") for status in (302, 400, 404, 502)),
    ],
)
async def test_what_a_proxy_says_in_the_gateways_place_is_no_answer(status: int, kind: str) -> None:
    """Found by reading: its 404, as for a gateway that starts, counted as that of a transport which nobody has taken."""
    page = httpx.Response(status, text="{}", headers={"content-type": kind})
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: page), base_url="http://gateway"
    ) as http:
        port = GatewayClient(http)
        assert (await port.submit_transport(request())).reply is Reply.LATER
        with pytest.raises(Unanswered):
            await port.find_transport("P1-1")
        with pytest.raises(Unanswered):
            await port.list_containers()


async def test_a_gateway_out_of_reach_is_asked_later_and_followed_again() -> None:
    answers = [
        httpx.ConnectError("nobody listens"),
        httpx.Response(503),
        httpx.Response(200, json={"items": [event(7), event(8, type="new.kind"), event(9)]}),
    ]

    def answer(_: httpx.Request) -> httpx.Response:
        told = answers.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://gateway") as http:
        async with asyncio.timeout(5), aclosing(GatewayClient(http).follow(6)) as batches:
            assert [each.seq for each in await anext(batches)] == [7, 9]
        answers.append(httpx.ConnectError("nobody listens"))
        assert (await GatewayClient(http).submit_transport(request())).reply is Reply.LATER


def event(seq: int, **changes: Any) -> dict[str, Any]:
    """Return an event of a gateway that is newer than this program."""
    facts: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(seq),
        "seq": seq,
        "source": "site",
        "type": "container.located",
        "subject": "T1",
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"containerId": "T1", "locationId": "A"},
        "traceparent": "new",
    }
    return facts | changes


async def test_a_wes_whose_number_the_feed_does_not_have_looks_at_how_things_stand() -> None:
    async with gateway() as rig, core() as wes:
        listener = Listener(wes.store, client(rig), Hearing(wes.context), Bell())
        await wes.store.write(
            lambda tx: tx.execute("INSERT INTO cursors (name, seq) VALUES ('gateway', 10000)")
        )
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listener.run())
            while await wes.store.read(last_heard) != rig.feed.last_seq:
                await asyncio.sleep(0.01)
            listening.cancel()
        places = dict(await wes.rows("SELECT holder_id, location_id FROM holders WHERE kind = 'container'"))
        truth = rig.tables.containers.values()
        assert places == {row.container_id: row.location_id for row in truth}


async def test_a_wes_sees_at_its_start_what_was_blocked_before_any_event_said_so() -> None:
    async with gateway() as rig, core() as wes:
        await rig.http.post("/v1/locations/A-1-L-03/block", json={"operator": "Ann", "reason": "bent rail"})
        listener = Listener(wes.store, client(rig), Hearing(wes.context), Bell())
        gone = {"name": "gateway", "seq": rig.feed.last_seq}
        await wes.store.write(
            lambda tx: tx.execute("INSERT INTO cursors (name, seq) VALUES (:name, :seq)", gone)
        )
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listener.run())
            while not await wes.rows("SELECT * FROM blocked_places"):
                await asyncio.sleep(0.01)
            listening.cancel()
        assert await wes.rows("SELECT location_id, reason, operator FROM blocked_places") == [
            ("A-1-L-03", "bent rail", "Ann")
        ]


class FullStore:
    """A store whose disk is full for its first writes."""

    def __init__(self, store: Store, refusals: int) -> None:
        self.read = store.read
        self.refusals = refusals
        self._store = store

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        if self.refusals:
            self.refusals -= 1
            raise StoreFull("no room")
        return await self._store.write(job)


async def test_what_is_heard_on_a_full_disk_is_taken_in_once_there_is_room_and_told_in_two_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.delivery.chain.AGAIN_S", 0.01)
    async with gateway() as rig, core() as wes:
        store = FullStore(wes.store, refusals=3)
        listener = Listener(store, client(rig), Hearing(wes.context), Bell())
        with capture_logs() as told:
            async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(listener.run())
                while await wes.store.read(last_heard) != rig.feed.last_seq:
                    await asyncio.sleep(0.01)
                listening.cancel()
        assert store.refusals == 0
        assert [line["log_level"] for line in told] == ["warning", "info"]
