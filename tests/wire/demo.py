"""The running demo site as tests speak of it: what a WES asks, what a person does at the machines, what is true in the world.

Words of the gateway come over its HTTP contract or from the command line in a process of its own; words of the world come from the
simulated devices, which know nothing of the gateway.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from itertools import count
from math import hypot, inf
from typing import Any, Final

import httpx

from gateway.site.load import load_site
from tests.wire.processes import ROOT, SiteProcesses, all_events

UNTIL_S: Final = 20.0
LOOK_S: Final = 0.02
NO_TLS: Final = False
"""Nothing is encrypted on the loopback interface, and loading certificates for each test takes its time."""
SPEED: Final = 50.0
DEVICES: Final = frozenset(
    {"lift-1", "conveyor-out", "conveyor-in", "wall-1", "wall-2"}
    | {f"shuttle-{number}" for number in range(1, 5)}
    | {f"agv-{number}" for number in range(1, 7)}
)
DEMO_NODES: Final = load_site(ROOT / "config" / "demo").road_maps[0].nodes
AT_M: Final = 0.01
HALTED: Final = frozenset({"failed", "unknown"})
ENDED: Final = frozenset({"completed", "cancelled"})

_numbers = count(1)

View = dict[str, Any]


class RunningDemo:
    """A demo site that runs, and everybody who has to do with it."""

    def __init__(self, site: SiteProcesses, wes: httpx.AsyncClient, sim: httpx.AsyncClient) -> None:
        self._site = site
        self._wes = wes
        self._sim = sim

    # What a WES asks

    async def submit(self, container: str, destination: str) -> str:
        """Ask for a transport; return its id."""
        transport_id = f"transport-{next(_numbers)}"
        body = {"transportId": transport_id, "containerId": container, "destination": destination}
        answer = await self._wes.post("/v1/transports", json=body)
        assert answer.status_code == 202, answer.text
        return transport_id

    async def transport(self, transport_id: str) -> View:
        """Return a transport."""
        return (await self._wes.get(f"/v1/transports/{transport_id}")).raise_for_status().json()

    async def cancel(self, transport_id: str) -> None:
        """Give a transport up."""
        (await self._wes.post(f"/v1/transports/{transport_id}/cancel")).raise_for_status()

    async def until(self, transport_id: str, statuses: Collection[str]) -> View:
        """Wait until a transport stands so."""
        return await _until(
            self._wes, f"/v1/transports/{transport_id}", lambda view: view["status"] in statuses
        )

    async def completed(self, transport_id: str) -> View:
        """Wait until a transport has completed; one that is halted instead fails the test."""
        view = await self.until(transport_id, HALTED | ENDED)
        assert view["status"] == "completed", view["problem"] or view["status"]
        return view

    async def halted(self, transport_id: str) -> View:
        """Wait until a transport needs a person; return it."""
        view = await self.until(transport_id, HALTED | ENDED)
        assert view["status"] in HALTED, view["status"]
        return view

    async def put(self, slot: str, quantity: int, **more: object) -> str:
        """Ask for a put; return its id."""
        put_id = f"put-{next(_numbers)}"
        wall = f"wall-{int(slot[1])}"
        body = {"putId": put_id, "wall": wall, "slot": slot, "quantity": quantity, **more}
        answer = await self._wes.post("/v1/puts", json=body)
        assert answer.status_code == 202, answer.text
        return put_id

    async def cancel_put(self, put_id: str) -> None:
        """Withdraw a put."""
        (await self._wes.post(f"/v1/puts/{put_id}/cancel")).raise_for_status()

    async def until_put(self, put_id: str, *statuses: str) -> View:
        """Wait until a put stands so."""
        return await _until(self._wes, f"/v1/puts/{put_id}", lambda view: view["status"] in statuses)

    async def device(self, device_id: str) -> View:
        """Return a device."""
        return (await self._wes.get(f"/v1/devices/{device_id}")).raise_for_status().json()

    async def until_online(self, *device_ids: str) -> None:
        """Wait until devices can be used."""

        def usable(view: View) -> bool:
            found = {each["deviceId"] for each in view["items"] if each["online"] and not each["fault"]}
            return found.issuperset(device_ids)

        await _until(self._wes, "/v1/devices?limit=500", usable)

    async def until_faults(self, texts: Mapping[str, str]) -> None:
        """Wait until each of these devices is there and shows this fault."""

        def all_shown(view: View) -> bool:
            shown = {each["deviceId"]: each["fault"] for each in view["items"] if each["online"]}
            return texts.items() <= shown.items()

        await _until(self._wes, "/v1/devices?limit=500", all_shown)

    async def until_waiting(self, transport_id: str, why: str) -> None:
        """Wait until a transport is said to wait for a reason with these words."""
        path = f"/v1/transports/{transport_id}"
        await _until(self._wes, path, lambda view: why in (view["waiting"] or ""))

    async def until_offline(self, device_id: str) -> None:
        """Wait until a device counts as lost."""
        await _until(self._wes, f"/v1/devices/{device_id}", lambda view: not view["online"])

    async def node_of(self, vehicle_id: str) -> str:
        """Wait until a vehicle stands at a node; return it."""
        found: list[str] = []

        def stands(view: View) -> bool:
            at = view["position"] or {}
            found[:] = [
                n.id for n in DEMO_NODES if hypot(n.x - at.get("x", inf), n.y - at.get("y", inf)) < AT_M
            ]
            return bool(found)

        await _until(self._wes, f"/v1/devices/{vehicle_id}", stands)
        return found[0]

    async def alarm(self, alarm_id: str, text: str) -> View:
        """Wait until an alarm stands that says this; return it."""

        def told(view: View) -> list[View]:
            return [each for each in view["items"] if each["alarmId"] == alarm_id and text in each["text"]]

        return told(await _until(self._wes, "/v1/alarms?limit=500", lambda view: bool(told(view))))[0]

    async def last_event(self) -> int:
        """Return the number of the newest event."""
        return len(await all_events(self._wes))

    async def events_of(self, subject: str, after: int = 0) -> list[View]:
        """Return the events about something, in order."""
        return [event for event in await all_events(self._wes, after) if event["subject"] == subject]

    async def kinds_after(self, after: int, subject: str) -> list[str]:
        """Return the types of the events about something, in order."""
        return [event["type"] for event in await self.events_of(subject, after)]

    async def books(self) -> dict[str, str | None]:
        """Return where the gateway says that every container is."""
        page = (await self._wes.get("/v1/containers", params={"limit": 500})).raise_for_status().json()
        return {each["containerId"]: each.get("locationId") or each.get("deviceId") for each in page["items"]}

    async def until_aboard(self, container: str, device_id: str) -> None:
        """Wait until the books say that a container is on a device."""
        path = f"/v1/containers/{container}"
        await _until(self._wes, path, lambda view: view.get("deviceId") == device_id)

    # What people do

    async def gateway(self, *words: str) -> str:
        """Type a command of the command line; return what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *words, "--url", self._site.run_url),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode()

    async def resolve(self, transport_id: str, action: str, location: str | None = None) -> View:
        """Settle a transport on the command line; return it as printed."""
        where = () if location is None else ("--location", location)
        who = ("--operator", "Li Na", "--reason", "looked at it", "--json")
        words = ("transport", "resolve", transport_id, "--action", action, *where, *who)
        return json.loads(await self.gateway(*words))

    async def reset(self, device_id: str) -> None:
        """Clear a device's fault on the command line."""
        await self.gateway("device", "reset", device_id, "--operator", "Li Na", "--reason", "cause is gone")

    async def carry(self, container: str, location: str) -> None:
        """Take a container somewhere by hand and tell the gateway."""
        await self.put_down(container, location)
        body = {"locationId": location, "operator": "Li Na", "reason": "carried"}
        (await self._wes.put(f"/v1/containers/{container}/location", json=body)).raise_for_status()

    async def put_down(self, container: str, location: str | None) -> None:
        """Put a container somewhere, or take it away, and tell nobody."""
        body = {"containerId": container, "locationId": location}
        (await self._sim.post("/v1/sim/containers", json=body)).raise_for_status()

    async def press(self, slot: str, button: str, times: int = 1) -> None:
        """Press a button of a put wall."""
        body = {"slot": slot, "button": button, "times": times}
        wall = f"wall-{int(slot[1])}"
        (await self._sim.post(f"/v1/sim/devices/{wall}/buttons", json=body)).raise_for_status()

    async def localise_by_hand(self, vehicle_id: str) -> None:
        """Drive a vehicle to the nearest node and tell it at its panel that it stands there."""
        (await self._sim.post(f"/v1/sim/vehicles/{vehicle_id}/localise", json={})).raise_for_status()

    # What is true in the world, and what goes wrong in it

    async def world(self) -> View:
        """Return where every container truly is, and how often each job moved one."""
        return await self._site.world()

    async def fault(self, kind: str, device: str, **more: object) -> str:
        """Let something go wrong; return the fault's id."""
        answer = await self._sim.post("/v1/sim/faults", json={"kind": kind, "device": device, **more})
        return answer.raise_for_status().json()["faultId"]

    async def clear_fault(self, fault_id: str) -> None:
        """Let the cause of a fault be gone."""
        (await self._sim.delete(f"/v1/sim/faults/{fault_id}")).raise_for_status()

    async def until_no_fault(self) -> None:
        """Wait until everything that should go wrong has gone wrong, and is over."""
        await _until(self._sim, "/v1/sim/faults", lambda view: view["items"] == [])

    async def speed(self, times: float) -> None:
        """Let motion run so many times as fast."""
        (await self._sim.put("/v1/sim/speed", json={"speed": times})).raise_for_status()

    # The end of every story

    async def make_whole(self) -> None:
        """End all faults, and bring everything back to the speed of the tests."""
        (await self._sim.delete("/v1/sim/faults")).raise_for_status()
        await self.speed(SPEED)

    async def check_truth(self) -> None:
        """Nothing is left half done, the books agree with the world, and no job has moved a load twice."""
        open_ones = {"status": ["accepted", "planned", "executing", "failed", "unknown"], "limit": 500}
        left = (await self._wes.get("/v1/transports", params=open_ones)).raise_for_status().json()["items"]
        assert left == [], "transports are left open"
        world = await self.world()
        assert await self.books() == world["containers"], "the books and the world disagree"
        twice = {job: moved for job, moved in world["moves"].items() if moved != 1}
        assert twice == {}, "a job has moved a load twice"


async def _until(http: httpx.AsyncClient, path: str, is_so: Callable[[View], bool]) -> View:
    view: View = {}
    try:
        async with asyncio.timeout(UNTIL_S):
            while True:
                view = (await http.get(path)).raise_for_status().json()
                if is_so(view):
                    return view
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise AssertionError(f"still so after {UNTIL_S} s: {json.dumps(view, indent=1)}") from None


@asynccontextmanager
async def meet(site: SiteProcesses) -> AsyncGenerator[RunningDemo]:
    """Meet at a running site; in the end everything is whole again, and the truth is checked."""
    async with (
        httpx.AsyncClient(base_url=site.run_url, timeout=5, verify=NO_TLS) as wes,
        httpx.AsyncClient(base_url=site.sim_url, timeout=5, verify=NO_TLS) as sim,
    ):
        demo = RunningDemo(site, wes, sim)
        await demo.until_online(*DEVICES)
        try:
            yield demo
        finally:
            await demo.make_whole()
        await demo.check_truth()
