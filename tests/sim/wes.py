"""A simulated WES: speaks the contract in process, asks again until it is answered, and remembers all it was told.

It keeps so many transports open: totes to stations and back, moves within the rack, puts, now and then a cancel.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import Final

import httpx
from pydantic_core import from_json

from gateway.site.model import PutWall, Site
from tests.sim.front import Front
from tests.sim.telephone import RETRY_S, Json, Telephone
from tests.virtual_loop import loop_time

THINK_S: Final = (0.2, 6.0)
CANCELLED_SHARE: Final = 0.04
PATIENCE_S: Final = 60.0
ENDS: Final = frozenset({"transport.completed", "transport.cancelled"})
PUT_ENDS: Final = frozenset({"put.confirmed", "put.short", "put.cancelled", "put.unknown"})


@dataclass
class Known:
    """What the WES knows.

    Attributes:
        events: every event of the feed in order, as text.
        acknowledged: every transport and put that the gateway has taken, with the time of the answer.
        ended: how and when they ended.
        refused: requests that the gateway did not take, by code.
    """

    events: list[str] = field(default_factory=list[str])
    acknowledged: dict[str, float] = field(default_factory=dict[str, float])
    ended: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    refused: dict[str, int] = field(default_factory=dict[str, int])

    def open(self) -> list[str]:
        """Return what was taken and has not ended."""
        return [subject for subject in self.acknowledged if subject not in self.ended]


class Wes(Telephone):
    """Keeps a site busy.

    Args:
        totes: so many are at each slot of a station, or under way there or back.
        movers: so many moves within the rack are under way at once.

    Attributes:
        known: what it knows.
    """

    def __init__(self, site: Site, front: Front, chance: Random, totes: int = 1, movers: int = 4) -> None:
        super().__init__(front)
        self.known = Known()
        self._site = site
        self._chance = chance
        self._totes = totes
        self._movers = movers
        self._asks = True
        self._count = 0
        self._slots = [slot.id for rack in site.racks for slot in rack.slots]
        self._places: dict[str, str] = {each.container: each.location for each in site.initial_stock()}
        self._taken: set[str] = set()
        self._targets: list[str] = []
        self._waiting: dict[str, asyncio.Future[str]] = {}

    def stop_asking(self) -> None:
        """Ask for nothing new; wait for what is open."""
        self._asks = False

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            for station in self._site.stations:
                for slot in station.slots * self._totes:
                    tasks.create_task(self._serve(slot, station.putwall))
            for _ in range(self._movers):
                tasks.create_task(self._move())

    # What it does

    async def _serve(self, slot: str, wall: str | None) -> None:
        while True:
            await self._think()
            container = self._pick()
            if container is None:
                continue
            if await self._bring(container, slot) == "transport.completed" and wall is not None:
                await self._put(wall)
            await self._bring_back(container)
            self._taken.discard(container)

    async def _bring_back(self, container: str) -> None:
        while self._places.get(container) not in self._slots:
            await self._bring(container, self._choose_slot())
            await asyncio.sleep(RETRY_S)

    async def _move(self) -> None:
        while True:
            await self._think()
            container = self._pick()
            if container is None:
                continue
            await self._bring(container, self._choose_slot())
            self._taken.discard(container)

    async def _think(self) -> None:
        await asyncio.sleep(self._chance.uniform(*THINK_S))
        while not self._asks:
            await asyncio.sleep(10.0)

    def _pick(self) -> str | None:
        slots = set(self._slots)
        free = [name for name, place in self._places.items() if place in slots and name not in self._taken]
        if not free:
            return None
        container = self._chance.choice(sorted(free))
        self._taken.add(container)
        return container

    def _choose_slot(self) -> str:
        occupied = {*self._places.values(), *self._targets}
        return self._chance.choice([slot for slot in self._slots if slot not in occupied])

    async def _bring(self, container: str, destination: str) -> str:
        self._targets.append(destination)
        try:
            return await self._transport(container, destination)
        finally:
            self._targets.remove(destination)

    async def _transport(self, container: str, destination: str) -> str:
        transport_id = self._new_id("T")
        body = {
            "transportId": transport_id,
            "containerId": container,
            "destination": destination,
            "priority": self._chance.randint(3, 7),
        }
        ended = await self._ask("/v1/transports", transport_id, body)
        if ended is None:
            return "refused"
        if self._chance.random() < CANCELLED_SHARE:
            await asyncio.sleep(self._chance.uniform(0.0, 60.0))
            await self.send("POST", f"/v1/transports/{transport_id}/cancel")
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await asyncio.shield(ended)
            except TimeoutError:
                if self._is_taken(destination, container):
                    await self.send("POST", f"/v1/transports/{transport_id}/cancel")

    def _is_taken(self, destination: str, container: str) -> bool:
        """Another tote stands there: one that was brought there because its own transport was cancelled."""
        return any(place == destination and name != container for name, place in self._places.items())

    async def _put(self, wall_id: str) -> None:
        wall = self._site.by_id[wall_id]
        assert isinstance(wall, PutWall)
        put_id = self._new_id("P")
        slot = self._chance.choice(wall.slot_ids())
        body = {"putId": put_id, "wall": wall_id, "slot": slot, "quantity": self._chance.randint(1, 5)}
        ended = await self._ask("/v1/puts", put_id, body)
        if ended is not None:
            await ended

    async def _ask(self, path: str, subject: str, body: Json) -> asyncio.Future[str] | None:
        """Ask until it is answered: the id makes that safe. Return what tells its end; None: refused."""
        ended = self._waiting[subject] = asyncio.get_running_loop().create_future()
        while True:
            reply = await self.send("POST", path, body)
            if reply is not None and reply.status in (200, 202):
                self.known.acknowledged[subject] = loop_time()
                return ended
            if reply is not None and reply.status < 500 and reply.status != 429:
                code = from_json(reply.body)["reasons"][0]["code"]
                self.known.refused[code] = self.known.refused.get(code, 0) + 1
                del self._waiting[subject]
                return None
            await asyncio.sleep(RETRY_S)

    def _new_id(self, letter: str) -> str:
        self._count += 1
        return f"{letter}-{self._count:06}"

    # What it hears

    async def _listen(self) -> None:
        while True:
            try:
                async with aclosing(self.events(len(self.known.events))) as events:
                    async for text in events:
                        self._hear(text)
            except httpx.TransportError:
                pass
            await asyncio.sleep(RETRY_S)

    def _hear(self, text: str) -> None:
        event = from_json(text)
        self.known.events.append(text)
        if event["seq"] != len(self.known.events):
            self.violations.append(f"event {event['seq']} came where {len(self.known.events)} was due")
        subject, kind = event["subject"], event["type"]
        if kind == "container.located":
            self._places[subject] = event["data"]["locationId"]
        if kind in ENDS | PUT_ENDS:
            if subject in self.known.ended:
                self.violations.append(f"{subject} ended twice: {self.known.ended[subject]}, then {kind}")
            self.known.ended[subject] = kind, loop_time()
            waiting = self._waiting.pop(subject, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(kind)
