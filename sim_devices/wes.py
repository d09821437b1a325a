"""A simulated WES: a client of the public contract like any other, which keeps a site busy.

It brings totes to station slots, has something put into the wall there, sends the totes back, and moves
others between levels, until it has asked for as many transports as it was told to. It learns of everything
from the event stream, and knows nothing of the gateway but what a WES knows.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import structlog

from gateway.site.model import PutWall, Site
from sim_devices.asking import RETRY_S, Asker
from sim_devices.clock import Random

log = structlog.get_logger()

HALTS: Final = frozenset({"transport.failed", "transport.unknown"})
"""It waits for somebody's decision, and may still end."""
ENDS: Final = frozenset({"transport.completed", "transport.cancelled"})
PUT_ENDS: Final = frozenset({"put.confirmed", "put.short", "put.cancelled", "put.unknown"})


@dataclass(slots=True)
class Tally:
    """What has become of the transports so far."""

    wanted: int | None
    accepted: int = 0
    ended: dict[str, str] = field(default_factory=dict[str, str])
    """How each transport stands that has ended or halted: its newest event of that kind."""
    puts: int = 0

    def count(self, ending: str) -> int:
        """Return how many transports have ended, or halted, so."""
        return sum(1 for event_type in self.ended.values() if event_type == f"transport.{ending}")

    def problems(self) -> dict[str, str]:
        """Return the transports that have not ended well, and how they stand."""
        return {
            transport_id: event_type.removeprefix("transport.")
            for transport_id, event_type in self.ended.items()
            if event_type != "transport.completed"
        }


class SimulatedWes:
    """Keeps a site busy through its HTTP interface."""

    def __init__(
        self,
        site: Site,
        http: httpx.AsyncClient,
        rng: Random,
        *,
        prefix: str,
        transports: int | None,
        movers: int = 4,
    ) -> None:
        """Prepare; `run` does the work.

        Args:
            site: stations, walls and racks.
            http: client with the gateway's base URL (and token).
            rng: decides which tote goes where.
            prefix: begins every id that it gives out, so that runs on the same data do not mix.
            transports: how many it asks for; None: until it is cancelled.
            movers: how many totes it moves within the rack at a time, besides those that go to stations.
        """
        self.tally = Tally(transports)
        self._site = site
        self._http = http
        self._asker = Asker(http, "WES")
        self._rng = rng
        self._prefix = prefix
        self._movers = movers
        self._numbers = iter(range(1, 10**9))
        self._homes: dict[str, str] = {}
        self._totes: list[str] = []
        self._free_slots: list[str] = []
        self._waiting: dict[str, asyncio.Future[str]] = {}

    async def run(self) -> None:
        """Work until as many transports as wanted have ended."""
        await self._take_stock()
        after = await self._newest_event()
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(after))
            async with asyncio.TaskGroup() as work:
                for station in self._site.stations:
                    for slot in station.slots:
                        work.create_task(self._serve_slot(slot, station.putwall))
                for _ in range(self._movers):
                    work.create_task(self._move_within_rack())
            listening.cancel()

    # What it does

    async def _serve_slot(self, slot: str, wall: str | None) -> None:
        while (container := await self._take_container()) is not None:
            if await self._transport(container, slot) != "transport.completed":
                return
            if wall is not None:
                await self._put(wall)
            if not self._more():
                return
            if await self._transport(container, self._homes[container]) != "transport.completed":
                return
            self._totes.append(container)

    async def _move_within_rack(self) -> None:
        while self._free_slots and (container := await self._take_container()) is not None:
            target = self._free_slots.pop(self._rng.randrange(len(self._free_slots)))
            if await self._transport(container, target) != "transport.completed":
                return
            self._free_slots.append(self._homes[container])
            self._homes[container] = target
            self._totes.append(container)

    async def _put(self, wall: str) -> None:
        device = self._site.by_id[wall]
        if not isinstance(device, PutWall):
            raise TypeError(f"{wall} is not a put wall")
        slot = self._rng.choice(device.slot_ids())
        put_id = f"{self._prefix}-put-{next(self._numbers)}"
        body = {"putId": put_id, "wall": wall, "slot": slot, "quantity": self._rng.randint(1, 5)}
        await self._post_and_wait("/v1/puts", put_id, body)
        self.tally.puts += 1

    async def _transport(self, container: str, destination: str) -> str:
        transport_id = f"{self._prefix}-{next(self._numbers)}"
        self.tally.accepted += 1
        body = {
            "transportId": transport_id,
            "containerId": container,
            "destination": destination,
            "priority": self._rng.randint(3, 7),
        }
        return await self._post_and_wait("/v1/transports", transport_id, body)

    def _more(self) -> bool:
        return self.tally.wanted is None or self.tally.accepted < self.tally.wanted

    async def _take_container(self) -> str | None:
        """Take a tote that nobody else has; None: no more transports are wanted, or there was never a tote."""
        while self._more() and self._homes:
            if self._totes:
                return self._totes.pop(self._rng.randrange(len(self._totes)))
            await asyncio.sleep(RETRY_S)
        return None

    # How it speaks

    async def _post_and_wait(self, path: str, subject: str, body: dict[str, Any]) -> str:
        """Ask until it is accepted (the id makes that safe), then wait for the end."""
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[subject] = ended
        answer = await self._asker.ask("POST", path, json=body)
        if not answer.is_success:
            raise RuntimeError(f"{path} was refused: {answer.text}")
        how = await ended
        del self._waiting[subject]
        return how

    async def _listen(self, after: int) -> None:
        told = False
        while True:
            try:
                async with aclosing(self._events(after)) as events:
                    async for event in events:
                        if told:
                            log.info("the event stream goes on")
                        told = False
                        after = event["seq"]
                        self._hear(event)
            except httpx.HTTPError as error:
                if not told:
                    log.warning("the event stream broke; listening again", error=str(error))
                told = True
            await asyncio.sleep(RETRY_S)

    async def _events(self, after: int) -> AsyncGenerator[dict[str, Any], None]:
        headers = {"Last-Event-ID": str(after)}
        async with self._http.stream("GET", "/v1/events/stream", headers=headers, timeout=None) as stream:
            stream.raise_for_status()
            rest = b""
            async for piece in stream.aiter_bytes():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.startswith(b"data:"):
                        yield json.loads(line.removeprefix(b"data:"))

    def _hear(self, event: dict[str, Any]) -> None:
        subject, event_type = event["subject"], event["type"]
        if event_type in HALTS | ENDS and subject in self._waiting:
            self.tally.ended[subject] = event_type
        if event_type in ENDS | PUT_ENDS:
            waiting = self._waiting.get(subject)
            if waiting is not None and not waiting.done():
                waiting.set_result(event_type)

    async def _newest_event(self) -> int:
        after = 0
        while True:
            answer = await self._http.get("/v1/events", params={"after": after, "limit": 1000})
            items = answer.raise_for_status().json()["items"]
            if not items:
                return after
            after = items[-1]["seq"]

    async def _take_stock(self) -> None:
        places = {
            container["containerId"]: container.get("locationId") async for container in self._containers()
        }
        storage = {slot.id for rack in self._site.racks for slot in rack.slots}
        self._homes = {name: place for name, place in places.items() if place in storage}
        self._totes = sorted(self._homes)
        self._free_slots = sorted(storage - set(self._homes.values()))

    async def _containers(self) -> AsyncGenerator[dict[str, Any], None]:
        params: dict[str, str] = {"limit": "500"}
        while True:
            page = (await self._http.get("/v1/containers", params=params)).raise_for_status().json()
            for container in page["items"]:
                yield container
            if page.get("nextCursor") is None:
                return
            params["cursor"] = page["nextCursor"]
