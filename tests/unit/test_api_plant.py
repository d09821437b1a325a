"""The plant over HTTP, events by pages, health, metrics, the token, and the description of it all."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from gateway.contract.driver import Telegram
from gateway.contract.events import Event
from gateway.contract.faults import Fault
from gateway.contract.reports import CommandDone, CommandFailed, DeviceOffline, Load, Position
from gateway.transport.effects import Assign
from tests.unit.api_rig import Rig, SilentDriver, gateway
from tests.unit.chain_rig import chain, fill, order
from tests.unit.feeding import START_US
from tests.unit.test_api_wms import parts_of

pytestmark = pytest.mark.unit

WHO = {"operator": "ann", "reason": "I looked"}


async def items(rig: Rig, path: str, **params: str | int) -> list[dict[str, object]]:
    return (await rig.http.get(path, params=params)).json()["items"]


async def all_pages(rig: Rig, path: str, limit: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await rig.http.get(path, params={"limit": limit, **cursor})).json()
        assert len(page["items"]) <= limit
        found += page["items"]
        if "nextCursor" not in page:
            return found
        cursor = {"cursor": page["nextCursor"]}


async def test_a_device_shows_whether_it_works_what_it_does_and_how_its_wire_is() -> None:
    async with gateway() as rig:
        rig.positions.observe(
            Position(device_id="lift", at_us=START_US, z=1.5, location_id="OUT-1", load=Load.EMPTY)
        )
        await rig.submit()
        lift = (await rig.http.get("/v1/devices/lift")).json()
        assert (lift["kind"], lift["enabled"], lift["online"], lift["commands"]) == ("lift", True, True, [])
        assert lift["link"] == {
            "connected": True,
            "latencyMs": 2.5,
            "lastHeardAt": "2026-09-21T14:13:20Z",
            "errors": {"timeout": 1},
        }
        assert (lift["position"]["locationId"], lift["position"]["z"]) == ("OUT-1", 1.5)
        shuttle = (await rig.http.get("/v1/devices/shuttle-1")).json()
        assert [command["op"] for command in shuttle["commands"]] == ["PICK"]
        assert shuttle["link"] is None
        await rig.kernel.ask(DeviceOffline(device_id="lift", reason="no answer"))
        lift = (await rig.http.get("/v1/devices/lift")).json()
        assert (lift["online"], lift["offlineReason"]) == (False, "no answer")


async def test_lists_of_the_plant_come_page_by_page_in_the_order_of_ids() -> None:
    async with gateway() as rig:
        for path, key in (
            ("devices", "deviceId"),
            ("locations", "locationId"),
            ("containers", "containerId"),
        ):
            whole = await items(rig, f"/v1/{path}", limit=1000)
            assert await all_pages(rig, f"/v1/{path}", 2) == whole
            assert [item[key] for item in whole] == sorted(str(item[key]) for item in whole)


async def test_the_last_telegrams_of_a_device_can_be_read() -> None:
    async with gateway() as rig:
        driver = rig.drivers["lift"]
        assert isinstance(driver, SilentDriver)
        driver.ring.append(Telegram(at_us=START_US, outgoing=True, text="00 01 FF", note="command 17 PICK"))
        assert await items(rig, "/v1/devices/lift/telegrams") == [
            {"time": "2026-09-21T14:13:20Z", "outgoing": True, "text": "00 01 FF", "note": "command 17 PICK"}
        ]
        assert await items(rig, "/v1/devices/conveyor/telegrams") == []


async def test_people_disable_enable_and_reset_devices() -> None:
    async with gateway() as rig:
        disabled = await rig.http.post("/v1/devices/lift/disable", json=WHO)
        assert (disabled.status_code, disabled.json()["enabled"]) == (200, False)
        enabled = await rig.http.post("/v1/devices/lift/enable", json=WHO)
        assert (enabled.status_code, enabled.json()["enabled"]) == (200, True)
        assert (await rig.http.post("/v1/devices/lift/reset", json=WHO)).status_code in (200, 409)


async def test_a_location_shows_what_stands_there_and_who_comes() -> None:
    async with gateway() as rig:
        await rig.submit()
        shown = {str(item["locationId"]): item for item in await items(rig, "/v1/locations", limit=1000)}
        assert shown["A-1-L-01"]["containers"] == ["T1"]
        assert shown["A-1-L-02"] == {
            "locationId": "A-1-L-02",
            "kind": "storage",
            "zone": None,
            "capacity": 1,
            "containers": ["T2"],
        }
        assert shown["1-OUT"]["reservedBy"] == "T-1"
        assert (await rig.http.get("/v1/locations/1-OUT")).json() == shown["1-OUT"]
        assert (await rig.http.get("/v1/locations/NOWHERE")).status_code == 404


async def test_locations_that_somebody_has_to_look_at_are_listed_alone() -> None:
    async with gateway() as rig:
        await rig.submit()
        assert await items(rig, "/v1/locations", blocked="true") == []
        picked = next(effect.command.job_id for effect in rig.effects if isinstance(effect, Assign))
        await rig.kernel.ask(CommandDone(job_id=picked))
        *_, dropping = (effect.command.job_id for effect in rig.effects if isinstance(effect, Assign))
        await rig.kernel.ask(
            CommandFailed(job_id=dropping, fault=Fault.DESTINATION_OCCUPIED, text="a tote is there")
        )
        blocked = [each for each in await items(rig, "/v1/locations", limit=1000) if "blocked" in each]
        assert blocked == await items(rig, "/v1/locations", blocked="true")
        assert [each["locationId"] for each in blocked] == ["1-OUT"]


async def test_who_locks_a_place_and_why_is_shown_until_it_is_open_again() -> None:
    async with gateway() as rig:
        lock = await rig.http.post(
            "/v1/locations/A-2-R-03/block", json={"operator": "Ann", "reason": "bent rail"}
        )
        assert lock.status_code == 204
        (shown,) = await items(rig, "/v1/locations", blocked="true")
        assert (shown["locationId"], shown["blocked"], shown["blockedBy"]) == ("A-2-R-03", "bent rail", "Ann")
        assert (await rig.http.post("/v1/locations/A-2-R-03/unblock", json=WHO)).status_code == 204
        assert await items(rig, "/v1/locations", blocked="true") == []
        records = [
            json.loads(doc) for (doc,) in await rig.store.read(lambda tx: tx.fetch("SELECT doc FROM acts"))
        ]
        assert [(each["act"], each["subject"], each["operator"], each["reason"]) for each in records] == [
            ("location.blocked", "A-2-R-03", "Ann", "bent rail"),
            ("location.unblocked", "A-2-R-03", "ann", "I looked"),
        ]
        nowhere = await rig.http.post("/v1/locations/NOWHERE/block", json=WHO)
        assert (nowhere.status_code, nowhere.json()["reasons"][0]["code"]) == (404, "unknownLocation")


async def test_people_put_the_books_right() -> None:
    async with gateway() as rig:
        body = WHO | {"locationId": "A-2-R-03"}
        moved = await rig.http.put("/v1/containers/T2/location", json=body)
        assert (moved.status_code, moved.json()) == (200, {"containerId": "T2", "locationId": "A-2-R-03"})
        known = await rig.http.put("/v1/containers/NEW/location", json=WHO | {"locationId": "A-2-R-02"})
        assert known.json()["locationId"] == "A-2-R-02"
        assert (await rig.http.get("/v1/containers/NEW")).status_code == 200


async def test_a_container_that_has_left_the_site_is_shown_no_more() -> None:
    async with gateway() as rig:
        assert (await rig.http.post("/v1/containers/T2/removal", json=WHO)).status_code == 204
        assert (await rig.http.get("/v1/containers/T2")).status_code == 404
        ((doc,),) = await rig.store.read(lambda tx: tx.fetch("SELECT doc FROM acts"))
        record = json.loads(doc)
        assert [record[name] for name in ("operator", "reason", "act", "subject")] == [
            "ann",
            "I looked",
            "container.removed",
            "T2",
        ]
        again = await rig.http.post("/v1/containers/T2/removal", json=WHO)
        assert (again.status_code, again.json()["reasons"][0]["code"]) == (404, "unknownContainer")


async def test_a_container_for_which_the_wes_has_goods_or_work_stays() -> None:
    async with chain() as line, gateway(wes=parts_of(line.core)) as rig:
        await fill(line, "T1", "A1-1-L-05", A=3)
        await order(line, "C-1", ("A", 3))
        removal = "/v1/containers/T1/removal"
        goods = await rig.http.post(removal, json=WHO)
        assert (goods.status_code, goods.json()["reasons"][0]["code"]) == (409, "holdsGoods")
        await line.think()
        line.gateway.step()
        await line.hear()
        await line.serve()
        assert await line.core.rows("SELECT state FROM presentations") == [("leaving",)]
        work = await rig.http.post(removal, json=WHO)
        assert (work.status_code, work.json()["reasons"][0]["code"]) == (409, "busy")
        await line.until_quiet()
        assert (await rig.http.post(removal, json=WHO)).status_code == 204


async def test_an_alarm_says_what_happened_and_what_may_be_done() -> None:
    async with gateway() as rig:
        await rig.submit()
        job_id = next(effect.command.job_id for effect in rig.effects if isinstance(effect, Assign))
        await rig.kernel.ask(CommandFailed(job_id=job_id, fault=Fault.SOURCE_EMPTY, text="nothing there"))
        [alarm] = await items(rig, "/v1/alarms")
        assert alarm["code"] == "sourceEmpty"
        assert "containerAt" in str(alarm["actions"])
        assert alarm["advice"]


async def test_events_are_read_in_order_and_from_any_number_on() -> None:
    async with gateway() as rig:
        await rig.submit()
        found = await all_pages(rig, "/v1/events", 2)
        events = [Event.model_validate(item) for item in found]
        assert [event.seq for event in events] == list(range(1, rig.feed.last_seq + 1))
        assert {event.source for event in events} == {"floor"}
        later = await items(rig, "/v1/events", after=events[3].seq)
        assert later == found[4:]
        wanted = await items(rig, "/v1/events", types="transport.accepted,transport.planned")
        assert [item["type"] for item in wanted] == ["transport.accepted", "transport.planned"]


async def test_events_that_are_gone_are_not_passed_over_in_silence() -> None:
    async with gateway() as rig:
        await rig.submit()
        rig.feed.forget_before(4)
        assert (await rig.http.get("/v1/events?after=2")).status_code == 410
        assert (await rig.http.get("/v1/events?after=3")).status_code == 200
        assert (await rig.http.get("/v1/events")).status_code == 200


async def test_subscriptions_are_made_shown_and_ended() -> None:
    async with gateway() as rig:
        made = await rig.http.post("/v1/subscriptions", json={"url": "http://wes/hook", "types": ["put.lit"]})
        assert made.status_code == 201
        path = made.headers["location"]
        assert made.json()["secret"].startswith("whsec_")
        shown = (await rig.http.get(path)).json()
        assert "secret" not in shown
        assert (shown["url"], shown["types"], shown["status"]) == ("http://wes/hook", ["put.lit"], "active")
        assert await items(rig, "/v1/subscriptions") == [shown]
        assert (await rig.http.get(f"{path}/deliveries")).json() == {"items": []}
        skip = await rig.http.post(f"{path}/deliveries/1/skip")
        assert (skip.status_code, skip.json()["reasons"][0]["code"]) == (409, "notDead")
        assert (await rig.http.post(f"{path}/replay", json={"fromSeq": 1})).status_code == 202
        assert (await rig.http.post(f"{path}/replay", json={"fromSeq": 9999})).status_code == 422
        assert (await rig.http.post(f"{path}/enable")).json()["status"] == "active"
        assert (await rig.http.delete(path)).status_code == 204
        assert (await rig.http.get(path)).status_code == 404


async def test_supervisors_learn_whether_it_lives_and_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async with gateway() as rig:
        assert (await rig.http.get("/livez")).status_code == 200
        assert (await rig.http.get("/readyz")).status_code == 200

        async def broken(_: object) -> None:
            raise OSError("disk gone")

        monkeypatch.setattr(rig.store, "read", broken)
        assert (await rig.http.get("/livez")).status_code == 200
        not_ready = await rig.http.get("/readyz")
        assert (not_ready.status_code, not_ready.json()["detail"]) == (503, "disk gone")


OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


async def test_every_metric_is_explained_to_whoever_watches() -> None:
    async with gateway() as rig:
        families = text_string_to_metric_families((await rig.http.get("/metrics")).text)
        told = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    explained = set(re.findall(r"`(gateway_\w+)`", OPERATIONS.read_text(encoding="utf-8")))
    assert told == explained


async def test_metrics_tell_how_it_does() -> None:
    async with gateway() as rig:
        await rig.submit()
        job_id = next(effect.command.job_id for effect in rig.effects if isinstance(effect, Assign))
        await rig.kernel.ask(CommandFailed(job_id=job_id, fault=Fault.SOURCE_EMPTY, text=""))
        await rig.http.post("/v1/subscriptions", json={"url": "http://wes/hook"})
        text = (await rig.http.get("/metrics")).text
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    assert samples["gateway_events_total", "transport.accepted"] == 1
    assert samples["gateway_events_total", "transport.completed"] == 0
    assert samples["gateway_feed_seq",] == rig.feed.last_seq
    assert samples["gateway_device_online", "lift"] == 1
    assert samples["gateway_device_online", "conveyor"] == 0
    assert samples["gateway_command_seconds_count", "PICK", "failed"] == 1
    assert samples["gateway_messages_waiting",] == 0
    assert samples["gateway_transports", "failed"] == 1
    assert any(name == "gateway_webhook_backlog" for name, *_ in samples)


async def test_without_the_token_nobody_passes_but_the_supervisor() -> None:
    async with gateway(token="correct-horse") as rig:
        paths = ["/v1/transports", "/v1/nothing", "/readyz", "/metrics"]
        for path in paths:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic correct-horse"}):
                answer = await rig.http.get(path, headers=headers)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
                assert answer.headers["content-type"] == "application/problem+json"
        assert (await rig.submit()).status_code == 401
        assert rig.tables.transports.get("T-1") is None
        assert (await rig.http.get("/livez")).status_code == 200
        in_lower_case = {"Authorization": "bearer correct-horse"}  # as good (RFC 9110, section 11.1)
        assert (await rig.http.get("/readyz", headers=in_lower_case)).status_code == 200
        rig.http.headers["Authorization"] = "Bearer correct-horse"
        assert (await rig.submit()).status_code == 202


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://elsewhere.example", "127.0.0.1:8080"),
        ("http://127.0.0.1:3000", "127.0.0.1:8080"),
        ("null", "127.0.0.1:8080"),
    ],
    ids=("another site", "another port", "a page of no site"),
)
async def test_a_page_of_another_site_that_a_browser_shows_here_changes_nothing(
    origin: str, host: str
) -> None:
    async with gateway() as rig:
        await rig.submit()
        headers = {"Origin": origin, "Host": host}
        for method, path in (
            ("POST", "/v1/transports/T-1/cancel"),
            ("POST", "/v1/containers/T2/removal"),
            ("DELETE", "/v1/subscriptions/S-1"),
        ):
            answer = await rig.http.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (403, "foreignPage")
        assert rig.tables.transports["T-1"].status == "executing"
        assert (await rig.http.get("/v1/transports/T-1", headers=headers)).status_code == 200


@pytest.mark.parametrize("host", ["rebound.example:8080", "rebound.example", "[:8080", "127.0.0.1.example"])
async def test_a_page_whose_name_was_led_to_this_machine_reads_and_changes_nothing(host: str) -> None:
    """DNS rebinding: to the browser such a page is of the same site as this port, so it would read whatever it asks for."""
    async with gateway() as rig:
        await rig.submit()
        for origin in ({}, {"Origin": f"http://{host}"}):
            for method, path in (
                ("GET", "/v1/transports/T-1"),
                ("GET", "/openapi.json"),
                ("POST", "/v1/transports/T-1/cancel"),
            ):
                answer = await rig.http.request(method, path, headers={"Host": host, **origin})
                assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (421, "foreignName")
        assert rig.tables.transports["T-1"].status == "executing"
        assert (await rig.http.get("/livez", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "LocalHost", "[::1]:8080", "Plant.example:8080"]
)
async def test_pages_of_the_gateway_itself_may_ask_for_everything(host: str) -> None:
    async with gateway(names=frozenset({"plant.example"})) as rig:
        await rig.submit()
        headers = {"Origin": f"http://{host.lower()}", "Host": host}
        assert (await rig.http.post("/v1/transports/T-1/cancel", headers=headers)).is_success


async def test_who_shows_the_token_may_ask_from_any_page_and_a_proxy_under_any_name() -> None:
    async with gateway(token="correct-horse") as rig:
        rig.http.headers.update({"Authorization": "Bearer correct-horse", "Origin": "https://plant.example"})
        rig.http.headers["Host"] = "plant.example"
        assert (await rig.submit()).status_code == 202


async def test_pages_without_data_open_in_a_browser_which_has_no_token_to_show() -> None:
    async with gateway(token="correct-horse") as rig:
        documentation = await rig.http.get("/docs")
        assert documentation.status_code == 200
        for part in re.findall(r'(?:src|href)="(/[^"]+)"', documentation.text):
            assert (await rig.http.get(part)).status_code == 200
        assert (await rig.http.get("/openapi.json")).status_code == 200
        assert (await rig.http.post("/openapi.json")).status_code == 401


async def test_every_answer_tells_browsers_to_keep_their_hands_off() -> None:
    async with gateway(token="t") as rig:
        for path in ("/livez", "/v1/devices", "/v1/nothing"):
            headers = (await rig.http.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_the_description_says_that_a_token_is_asked_for_and_where_none_is() -> None:
    """Found by audit: clients that are made of it showed none."""
    async with gateway(token="t") as rig:
        document = (await rig.http.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/livez"]["get"]["security"] == []
    async with gateway() as rig:
        assert "security" not in (await rig.http.get("/openapi.json")).json()


async def test_the_description_is_valid_openapi_and_names_every_route_and_refusal() -> None:
    async with gateway() as rig:
        document = (await rig.http.get("/openapi.json")).json()
        assert (await rig.http.get("/docs")).status_code == 200
    assert document["openapi"].startswith("3.1")
    assert _dangling_references(document) == []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            refusal = operation["responses"]["default"]["content"]
            assert list(refusal) == ["application/problem+json"], (method, path)
            assert operation["summary"]
            assert operation["description"]
            assert "HTTPValidationError" not in json.dumps(operation)
    body = document["paths"]["/v1/transports"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/TransportRequest"}
    request = document["components"]["schemas"]["TransportRequest"]
    assert request["required"] == ["transportId", "containerId", "destination"]
    assert request["additionalProperties"] is False


async def test_the_pages_of_the_description_need_nobody_else() -> None:
    async with gateway() as rig:
        page = await rig.http.get("/docs")
        assert re.findall(r"(?:https?:)?//[a-z0-9]", page.text) == []
        assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        kinds = [(await rig.http.get(asset)).headers["content-type"].split(";")[0] for asset in assets]
        assert sorted(kinds) == ["image/png", "text/css", "text/javascript"]
        assert "http" not in page.headers["content-security-policy"]
        assert "'self'" in page.headers["content-security-policy"]
        script = next(asset for asset in assets if asset.endswith(".js"))
        assert "SwaggerUIBundle" in (await rig.http.get(script)).text
        assert (await rig.http.get("/redoc")).status_code == 404


def _dangling_references(document: dict[str, object]) -> list[str]:
    missing: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                target: object = document
                for part in reference.removeprefix("#/").split("/"):
                    target = target.get(part) if isinstance(target, dict) else None
                if target is None:
                    missing.append(reference)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    return missing


async def test_answers_are_what_the_description_says() -> None:
    checked: list[str] = []
    async with gateway() as rig:
        await rig.submit()
        await rig.http.post("/v1/subscriptions", json={"url": "http://wes/hook"})
        document = (await rig.http.get("/openapi.json")).json()
        for path, operations in document["paths"].items():
            content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            if not schema or "{" in path:
                continue
            answer = await rig.http.get(path)
            Draft202012Validator(schema | {"components": document["components"]}).validate(answer.json())
            checked.append(path)
        shown = (await rig.http.get("/v1/transports/T-1")).json()
        reference = {"$ref": "#/components/schemas/TransportView", "components": document["components"]}
        Draft202012Validator(reference).validate(shown)
    assert {"/v1/transports", "/v1/events", "/v1/devices", "/v1/locations", "/v1/containers"} <= set(checked)
