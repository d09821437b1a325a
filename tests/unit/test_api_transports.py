"""Transports and puts over HTTP: accepted once, shown whole, decided by people."""

import pytest

from gateway.contract.events import EventType
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    CommandAccepted,
    CommandFailed,
    PutDarkened,
    PutEnded,
    PutForgotten,
    PutShown,
)
from gateway.contract.transports import TransportView
from gateway.store.inline import open_inline
from gateway.transport.effects import Assign
from gateway.transport.messages import Tick
from tests.unit.api_rig import Rig, gateway, gateway_in

pytestmark = pytest.mark.unit

WHO = {"operator": "ann", "reason": "I looked"}


def job_ids(rig: Rig) -> list[int]:
    return [effect.command.job_id for effect in rig.effects if isinstance(effect, Assign)]


async def test_the_same_request_again_is_answered_as_before_and_another_body_is_refused() -> None:
    async with gateway() as rig:
        first = await rig.submit(attributes={"order": 7})
        assert (first.status_code, first.json()) == (202, {"transportId": "T-1", "again": False})
        assert first.headers["location"] == "/v1/transports/T-1"
        again = await rig.submit(attributes={"order": 7}, priority=5)
        assert (again.status_code, again.json()) == (200, {"transportId": "T-1", "again": True})
        other = await rig.submit(attributes={"order": 8})
        assert other.status_code == 409
        assert other.json()["reasons"][0]["code"] == "idReused"
        assert rig.feed.counts[EventType.TRANSPORT_ACCEPTED] == 1


async def test_an_id_stays_taken_when_memory_has_forgotten_the_transport(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.transport.engine.REMEMBER_ENDED_S", 0)
    async with open_inline() as store:
        async with gateway_in(store) as rig:
            await rig.http.post("/v1/devices/shuttle-1/disable", json=WHO)
            await rig.submit()
            await rig.http.post("/v1/transports/T-1/cancel")
            await rig.kernel.ask(Tick())
            assert "T-1" not in rig.tables.transports
            assert (await rig.submit()).status_code == 200
            assert (await rig.submit(priority=1)).status_code == 409
            assert (await rig.http.post("/v1/transports/T-1/cancel")).json()["status"] == "cancelled"
            resolve = await rig.http.post("/v1/transports/T-1/resolve", json={"action": "retry", **WHO})
            assert (resolve.status_code, resolve.json()["reasons"][0]["code"]) == (409, "hasEnded")
        async with gateway_in(store) as rig:
            assert (await rig.submit()).status_code == 200


async def test_a_transport_shows_its_legs_commands_timeline_and_acts() -> None:
    async with gateway() as rig:
        await rig.submit(
            priority=9, deadline="2026-09-21T23:00:00+08:00", attributes={"料箱": ["Ä", 1.5, None]}
        )
        [job_id] = job_ids(rig)
        await rig.kernel.ask(CommandAccepted(job_id=job_id))
        await rig.kernel.ask(CommandFailed(job_id=job_id, fault=Fault.SOURCE_EMPTY, text="nothing there"))
        halted = TransportView.model_validate_json((await rig.http.get("/v1/transports/T-1")).content)
        assert halted.status == "failed"
        assert halted.problem is not None
        assert halted.problem.code == "sourceEmpty"
        assert [leg.status for leg in halted.legs][:2] == ["failed", "ahead"]
        assert (halted.commands[0].op, halted.commands[0].status) == ("PICK", "failed")
        assert halted.attributes == {"料箱": ["Ä", 1.5, None]}
        assert [entry["type"] for entry in halted.timeline][:2] == ["transport.accepted", "transport.planned"]

        await rig.http.post("/v1/transports/T-1/resolve", json={"action": "retry", **WHO})
        resumed = (await rig.http.get("/v1/transports/T-1")).json()
        assert resumed["status"] == "executing"
        assert resumed["problem"] is None
        assert [leg["status"] for leg in resumed["legs"]][:2] == ["active", "ahead"]
        assert resumed["deadline"] == "2026-09-21T15:00:00Z"
        [act] = resumed["acts"]
        assert (act["act"], act["operator"], act["reason"]) == ("transport.retry", "ann", "I looked")


async def test_a_transport_that_waits_says_what_for() -> None:
    async with gateway() as rig:
        await rig.http.post("/v1/devices/lift/disable", json=WHO)
        await rig.submit()
        shown = (await rig.http.get("/v1/transports/T-1")).json()
        assert shown["status"] == "accepted"
        assert "no device that is enabled leads" in shown["waiting"]
        listed = (await rig.http.get("/v1/transports")).json()["items"][0]
        assert listed["waiting"] == shown["waiting"]
        assert listed["timeline"] == []


async def test_lists_are_read_page_by_page_and_filtered() -> None:
    async with gateway() as rig:
        await rig.http.post("/v1/devices/lift/disable", json=WHO)
        for n in range(1, 8):
            await rig.submit(f"T-{n}", containerId=f"T{n % 3 + 1}")
            if n < 6:
                await rig.http.post(f"/v1/transports/T-{n}/cancel")
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await rig.http.get("/v1/transports", params={"limit": 3, **cursor})).json()
            seen += [item["transportId"] for item in page["items"]]
            if "nextCursor" not in page:
                break
            cursor = {"cursor": page["nextCursor"]}
        assert seen == [f"T-{n}" for n in range(7, 0, -1)]
        open_ones = await rig.http.get("/v1/transports?status=accepted&status=planned&status=executing")
        assert [item["transportId"] for item in open_ones.json()["items"]] == ["T-7", "T-6"]
        of_one = await rig.http.get("/v1/transports?containerId=T2&status=cancelled")
        assert [item["transportId"] for item in of_one.json()["items"]] == ["T-4", "T-1"]


async def test_a_batch_is_accepted_whole_or_not_at_all() -> None:
    items = [
        {"transportId": "A", "containerId": "T1", "destination": "ST-1"},
        {"transportId": "B", "containerId": "T2", "destination": "nowhere"},
        {"transportId": "C", "containerId": "T9", "destination": "ST-1"},
    ]
    async with gateway() as rig:
        refused = await rig.http.post("/v1/transports:batch", json={"items": items})
        assert refused.status_code == 422
        assert [(each["field"], each["code"]) for each in refused.json()["reasons"]] == [
            ("items[1].destination", "unknownLocation"),
            ("items[2].containerId", "unknownContainer"),
        ]
        assert (await rig.http.get("/v1/transports")).json()["items"] == []
        alone = await rig.http.post("/v1/transports:batch", json={"items": items[1:2], "mode": "all"})
        assert alone.json()["reasons"][0]["field"] == "items[0].destination"
        accepted = await rig.http.post("/v1/transports:batch", json={"items": items[:1], "mode": "all"})
        assert accepted.status_code == 202
        assert accepted.json() == {
            "items": [{"transportId": "A", "accepted": True, "again": False, "reasons": []}]
        }
        assert (await rig.http.post("/v1/transports:batch", json={"items": items[:1]})).status_code == 200


async def test_in_a_batch_each_for_itself_some_may_be_refused() -> None:
    items = [
        {"transportId": "A", "containerId": "T1", "destination": "ST-1"},
        {"transportId": "B", "containerId": "T2", "destination": "nowhere"},
    ]
    async with gateway() as rig:
        answer = await rig.http.post("/v1/transports:batch", json={"items": items, "mode": "each"})
        assert answer.status_code == 202
        first, second = answer.json()["items"]
        assert first["accepted"]
        assert not second["accepted"]
        assert second["reasons"][0]["field"] == "destination"
        assert rig.feed.counts[EventType.TRANSPORT_ACCEPTED] == 1


async def test_a_put_that_its_wall_has_forgotten_ends_unknown_unless_a_button_ends_it_later() -> None:
    body = {"putId": "P-1", "wall": "wall", "slot": "W-01", "quantity": 3}
    async with gateway() as rig:
        for name, slot in (("P-1", "W-01"), ("P-2", "W-02")):
            await rig.http.post("/v1/puts", json=body | {"putId": name, "slot": slot})
            await rig.kernel.ask(PutShown(put_id=name))
            await rig.kernel.ask(PutForgotten(put_id=name))
        await rig.http.post("/v1/puts/P-1/cancel")
        await rig.kernel.ask(PutDarkened(put_id="P-1"))
        await rig.kernel.ask(PutEnded(put_id="P-2", quantity=3, short=False))
        assert (await rig.http.get("/v1/puts/P-1")).json()["status"] == "unknown"
        assert (await rig.http.post("/v1/puts/P-1/cancel")).json()["status"] == "unknown"
        assert (await rig.http.get("/v1/puts/P-2")).json()["status"] == "confirmed"
        types = [event["type"] for event in (await rig.http.get("/v1/events")).json()["items"]]
        assert "put.unknown" in types


async def test_a_put_is_accepted_once_shown_and_withdrawn() -> None:
    body = {"putId": "P-1", "wall": "wall", "slot": "W-01", "quantity": 3, "colour": "blue", "text": "两件"}
    async with gateway() as rig:
        assert (await rig.http.post("/v1/puts", json=body)).status_code == 202
        assert (await rig.http.post("/v1/puts", json=body)).status_code == 200
        assert (await rig.http.post("/v1/puts", json=body | {"quantity": 4})).status_code == 409
        await rig.kernel.ask(PutShown(put_id="P-1"))
        await rig.kernel.ask(PutEnded(put_id="P-1", quantity=2, short=True))
        shown = (await rig.http.get("/v1/puts/P-1")).json()
        assert (shown["status"], shown["confirmedQuantity"], shown["text"]) == ("short", 2, "两件")
        assert (await rig.http.post("/v1/puts", json=body)).status_code == 200
        assert (await rig.http.post("/v1/puts/P-1/cancel")).json()["reasons"][0]["code"] == "hasEnded"
        await rig.http.post("/v1/puts", json=body | {"putId": "P-2", "slot": "W-02"})
        await rig.http.post("/v1/puts", json=body | {"putId": "P-3", "slot": "W-02"})
        assert (await rig.http.post("/v1/puts/P-3/cancel")).json()["status"] == "cancelled"
        assert (await rig.http.post("/v1/puts/P-3/cancel")).json()["status"] == "cancelled"
        assert (await rig.http.post("/v1/puts/P-9/cancel")).status_code == 404
