"""A person on the floor: looks at alarms, walks to the place, and says through the contract what is true there, never more.

Before deciding, a person waits until the device stands still. A load that stands on a machine is put back by hand where it came
from, if the gateway does not know that it is there.
"""

import asyncio
from http import HTTPStatus
from itertools import count
from random import Random
from typing import Final

from gateway.contract.faults import Fault
from gateway.site.model import Carrier
from sim_devices.faults.book import FaultStatus
from sim_devices.faults.kinds import DeviceFault, Jam, LocalisationLost, ManualMode, Reboot
from sim_devices.world import Impossible
from tests.sim.plant import Plant
from tests.sim.telephone import Json, Telephone

CAUSES: Final = (DeviceFault, Jam, ManualMode, LocalisationLost, Reboot)
"""While one of these lasts there is no use in a reset."""
WALK_S: Final = (2.0, 8.0)
ROUND: Final = 3
"""Every so many walks lead past all places; the others, past all places only if an alarm tells that one was found occupied."""
LOCK: Final = 4
"""Every so many walks a place is locked that looks bent; the next walk past all places finds that it is not."""
WHO: Final = {"operator": "Li Na", "reason": "I stood there and looked"}


class Person:
    """One person who looks after everything.

    Attributes:
        decisions: how often what was decided.
    """

    def __init__(self, plant: Plant, telephone: Telephone, chance: Random) -> None:
        self.decisions: dict[str, int] = {}
        self._plant = plant
        self._ask = telephone
        self._chance = chance
        carriers = {each.id for each in plant.site.devices if isinstance(each, Carrier)}
        self._vehicles = {vehicle.id for fleet in plant.site.fleets for vehicle in fleet.vehicles}
        self._movers = carriers | self._vehicles
        self._storage = [slot.id for rack in plant.site.racks for slot in rack.slots]

    async def run(self) -> None:
        """Work until cancelled."""
        for walk in count(1):
            await asyncio.sleep(self._chance.uniform(*WALK_S))
            alarms = (await self._ask.get("/v1/alarms", limit=500))["items"]
            for alarm in alarms:
                if alarm["alarmId"].startswith("transport:"):
                    await self._settle(alarm["subject"])
                elif alarm["code"] in ("loadContradiction", "deviceFault"):
                    await self._mend(alarm["subject"])
            if walk % LOCK == 0:
                await self._lock(self._storage[walk * len(self._storage) // 7 % len(self._storage)])
            if walk % ROUND == 0 or any(alarm["code"] == Fault.DESTINATION_OCCUPIED for alarm in alarms):
                await self._unblock()

    # Transports

    async def _settle(self, transport_id: str) -> None:
        view = await self._ask.get(f"/v1/transports/{transport_id}")
        if view["status"] not in ("failed", "unknown") or not self._all_at_rest(view):
            return
        container = view["containerId"]
        spot = self._plant.world.spot_of(container)
        assert spot is not None
        booked = await self._ask.get(f"/v1/containers/{container}")
        actions = view["problem"]["actions"]
        if spot in self._movers and booked.get("deviceId") != spot:
            spot = await self._carry_away(container, view["source"])
        if spot is None:
            return
        if spot in self._movers:
            await self._resolve(transport_id, "retry", None)
        elif "containerAt" in actions and not await self._resolve(transport_id, "containerAt", spot):
            await self._carry_away(container)  # and says so on the next walk

    def _all_at_rest(self, view: Json) -> bool:
        return all(self._plant.at_rest(command["deviceId"]) for command in view["commands"])

    async def _carry_away(self, container: str, *wishes: str) -> str | None:
        """Put a load down by hand, where no other is on its way to; return where."""
        locations = (await self._ask.get("/v1/locations", limit=1000))["items"]
        promised = {each["locationId"] for each in locations if "reservedBy" in each}
        for place in (*wishes, *self._storage):
            if place in promised:
                continue
            try:
                self._plant.world.place(container, place)
            except Impossible:
                continue
            return place
        return None

    async def _resolve(self, transport_id: str, action: str, location: str | None) -> bool:
        body: Json = {"action": action, **WHO}
        if location is not None:
            body["locationId"] = location
        reply = await self._ask.send("POST", f"/v1/transports/{transport_id}/resolve", body)
        self._count(f"{action} {reply.status if reply else 'unheard'}")
        return reply is None or reply.status != HTTPStatus.UNPROCESSABLE_ENTITY

    # Devices and places

    async def _mend(self, device_id: str) -> None:
        if self._lasts_at(device_id) or not self._plant.at_rest(device_id):
            return
        if device_id in self._vehicles:
            self._plant.localise(device_id)
            await asyncio.sleep(self._chance.uniform(*WALK_S))
        device = await self._ask.get(f"/v1/devices/{device_id}")
        if device_id in self._movers and not device["commands"]:
            await self._put_load_right(device_id, device)
        reply = await self._ask.send("POST", f"/v1/devices/{device_id}/reset", WHO)
        self._count(f"reset {reply.status if reply else 'unheard'}")

    def _lasts_at(self, device_id: str) -> bool:
        """Tell whether something is wrong at the device now. What is still to come nobody can see."""
        return any(
            view.fault.device == device_id
            and view.status is FaultStatus.ACTIVE
            and isinstance(view.fault, CAUSES)
            for view in self._plant.faults.views()
        )

    async def _put_load_right(self, device_id: str, device: Json) -> None:
        """Make true on board what the books say, or the other way round where a transport may say it."""
        aboard = self._plant.world.contents(device_id)
        for container in aboard:
            if container in device["containers"]:
                continue
            place = await self._carry_away(container)
            booked = await self._ask.get(f"/v1/containers/{container}")
            if booked.get("transportId") is None and place is not None:
                body = {"locationId": place, **WHO}
                reply = await self._ask.send("PUT", f"/v1/containers/{container}/location", body)
                self._count(f"locate {reply.status if reply else 'unheard'}")
        for container in device["containers"]:
            if container not in aboard and not self._plant.world.contents(device_id):
                self._plant.world.place(container, device_id)

    async def _lock(self, place: str) -> None:
        reply = await self._ask.send("POST", f"/v1/locations/{place}/block", WHO)
        self._count(f"block {reply.status if reply else 'unheard'}")

    async def _unblock(self) -> None:
        for location in (await self._ask.get("/v1/locations", blocked="true", limit=1000))["items"]:
            place = location["locationId"]
            if self._plant.world.contents(place) == tuple(location["containers"]):
                reply = await self._ask.send("POST", f"/v1/locations/{place}/unblock", WHO)
                self._count(f"unblock {reply.status if reply else 'unheard'}")

    def _count(self, decision: str) -> None:
        self.decisions[decision] = self.decisions.get(decision, 0) + 1
