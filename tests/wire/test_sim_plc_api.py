"""The HTTP side of simulated devices: what it shows, what it does, and what it refuses with a reason."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator

import httpx
import pytest

from gateway.cli.simulation import simulation_api
from gateway.kernel.clock import SystemClock
from sim_devices.clock import SimClock
from sim_devices.site import SimulatedSite
from sim_devices.vehicles.fleet import Vehicles
from tests.wire.sim_site import modbus_site, until

pytestmark = pytest.mark.wire


@contextlib.asynccontextmanager
async def served() -> AsyncGenerator[tuple[SimulatedSite, httpx.AsyncClient]]:
    simulated = SimulatedSite(modbus_site(), SimClock(), seed=1)
    vehicles = Vehicles(simulated.site, simulated.world, simulated.clock, simulated.faults, SystemClock(), {})
    app = simulation_api(simulated, vehicles)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(simulated.run_in_memory())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim") as client:
            await asyncio.sleep(0.01)
            yield simulated, client
        running.cancel()


async def test_the_world_shows_where_everything_is_and_how_often_each_job_moved_it() -> None:
    async with served() as (simulated, http):
        assert (await http.get("/v1/sim/world")).json() == {"containers": {"T1": "IN"}, "moves": {}}
        simulated.world.move("IN", "OUT", "7")
        assert (await http.get("/v1/sim/world")).json() == {"containers": {"T1": "OUT"}, "moves": {"7": 1}}


async def test_a_fault_is_asked_for_listed_and_ended() -> None:
    async with served() as (_, http):
        answer = await http.post(
            "/v1/sim/faults", json={"kind": "jam", "device": "conveyor", "durationS": 60}
        )
        assert answer.status_code == 201
        view = answer.json()
        assert (view["status"], view["fault"]["durationS"]) == ("active", 60)
        assert (await http.get("/v1/sim/faults")).json() == {"items": [view]}
        assert (await http.delete(f"/v1/sim/faults/{view['faultId']}")).status_code == 204
        assert (await http.delete(f"/v1/sim/faults/{view['faultId']}")).status_code == 404
        await http.post(
            "/v1/sim/faults", json={"kind": "noRead", "device": "conveyor", "after": {"point": "taken"}}
        )
        assert (await http.delete("/v1/sim/faults")).status_code == 204
        assert (await http.get("/v1/sim/faults")).json() == {"items": []}


async def test_a_fault_ends_by_itself() -> None:
    async with served() as (simulated, http):
        await http.post("/v1/sim/faults", json={"kind": "jam", "device": "conveyor", "durationS": 0.05})
        await until(lambda: simulated.faults.views() == ())


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        (
            "POST",
            "faults",
            {"kind": "batteryLow", "device": "conveyor"},
            "batteryLow cannot happen to conveyor",
        ),
        ("POST", "faults", {"kind": "jam", "device": "nobody"}, "no simulated device nobody"),
        ("POST", "faults", {"kind": "flood", "device": "conveyor"}, "kind: must be"),
        (
            "POST",
            "faults",
            {"kind": "jam", "device": "conveyor", "durationS": -1},
            "must be at least 0",
        ),
        ("POST", "faults", {"kind": "jam", "device": "conveyor", "seconds": 1}, "there is no such field"),
        ("POST", "devices/conveyor/buttons", {"slot": "W-1", "button": "confirm"}, "no put wall conveyor"),
        ("POST", "devices/wall/buttons", {"slot": "W-9", "button": "confirm"}, "wall has no slot W-9"),
        (
            "POST",
            "devices/wall/buttons",
            {"slot": "W-1", "button": "kick"},
            "'confirm', 'short' or 'curtain'",
        ),
        ("POST", "containers", {"containerId": "T2", "locationId": "IN"}, "IN is full"),
        ("POST", "containers", {"containerId": "T2", "locationId": "MOON"}, "no spot MOON"),
        ("POST", "containers", {"containerId": "T2", "locationId": None}, "T2 is not in the site"),
        ("POST", "containers", {"containerId": "T2"}, "locationId"),
        ("POST", "vehicles/agv-1/localise", {"nodeId": "n1"}, "there is no vehicle agv-1; there are none"),
        ("PUT", "speed", {"speed": 0}, "must be more than 0"),
    ],
    ids=str,
)
async def test_what_cannot_be_done_is_refused_with_a_reason_and_changes_nothing(
    method: str, path: str, body: dict[str, object], reason: str
) -> None:
    async with served() as (simulated, http):
        answer = await http.request(method, f"/v1/sim/{path}", json=body)
        assert answer.status_code == 422
        assert reason in answer.text
        assert simulated.faults.views() == ()
        assert simulated.world.snapshot() == {"containers": {"T1": "IN"}, "moves": {}}


async def test_people_bring_containers_move_them_and_take_them_away() -> None:
    async with served() as (simulated, http):
        for body in (
            {"containerId": "T2", "locationId": "OUT", "label": "SMUDGE"},
            {"containerId": "T1", "locationId": None},
            {"containerId": "T2", "locationId": "IN"},
        ):
            assert (await http.post("/v1/sim/containers", json=body)).status_code == 204
        assert simulated.world.snapshot()["containers"] == {"T2": "IN"}
        assert simulated.world.label("T2") == "SMUDGE"


async def test_buttons_are_pressed_as_often_as_asked() -> None:
    async with served() as (simulated, http):
        body = {"slot": "W-2", "button": "short", "times": 3}
        assert (await http.post("/v1/sim/devices/wall/buttons", json=body)).status_code == 204
        space = simulated.links["plc"].space
        assert space.read(1000 + 4 + 10 + 7, 1) == [3]  # pyright: ignore[reportCallIssue, reportArgumentType]


async def test_motion_runs_faster_when_asked() -> None:
    async with served() as (simulated, http):
        assert (await http.put("/v1/sim/speed", json={"speed": 25})).json() == {"speed": 25}
        assert simulated.clock.speed == 25


async def test_a_body_that_does_not_fit_is_refused_like_anything_else() -> None:
    async with served() as (_, http):
        refused = await http.post(
            "/v1/sim/faults", json={"kind": "reboot", "device": "conveyor", "memory": 1}
        )
        broken = await http.post("/v1/sim/faults", content="{", headers={"content-type": "application/json"})
    for answer in (refused, broken):
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert refused.json()["reasons"][0]["message"] == "there is no such field"
    (reason,) = broken.json()["reasons"]
    assert reason["field"] == "" and reason["message"].startswith("the body is no JSON: ")


async def test_the_pages_of_the_description_need_nobody_else() -> None:
    async with served() as (_, http):
        page = (await http.get("/docs")).text
        assert re.findall(r"(?:https?:)?//[a-z0-9]", page) == []
        for asset in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert (await http.get(asset)).status_code == 200
        assert (await http.get("/redoc")).status_code == 404
