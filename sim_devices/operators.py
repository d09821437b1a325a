"""Simulated people: at stations, on foot, and at the packing table. They know of the WES what its pages know: /v1/wes.

An act is sent under one id until it is answered, so that nothing that they do happens twice, whatever becomes of the wire. They
make mistakes as often as their habits say, and put right what they are asked about. Slots of a put wall are pressed by whoever
stands there (sim_devices/picker.py); these people only take, scan, seal and tell.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

import httpx
import structlog

from sim_devices.asking import Asker
from sim_devices.clock import Random, SimClock
from sim_devices.labels import code_on

log = structlog.get_logger()

LOOK_S: Final = 0.25
"""Between two looks at a page, in the loop's own seconds: pages do not get faster with motion."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How people work: seconds of simulated time, and shares (0 … 1) of what goes wrong.

    `at` and `erring` make other people of them.

    Attributes:
        scan_s, pick_s, seal_s, look_s: of one act on average; each takes between half and one and a half of it.
        wrong_scan: another label is scanned first.
        wrong_goods: where goods are scanned, what lies beside them is taken first.
        short: a piece is not found.
        damaged: a piece is not fit to be sold.
        by_hand: pieces are put and the wall's button is not used.
        wrong_slot: of those, the first slot that is named is a wrong one.
        miscount: a review, or a count of stock, counts one piece too few.
    """

    scan_s: float = 1.5
    pick_s: float = 3.0
    seal_s: float = 4.0
    look_s: float = 5.0
    wrong_scan: float = 0.01
    wrong_goods: float = 0.01
    short: float = 0.0
    damaged: float = 0.0
    by_hand: float = 0.0
    wrong_slot: float = 0.1
    miscount: float = 0.02

    def at(self, pace: float) -> "Habits":
        """Return the habits of people who do everything so many times as fast."""
        return replace(
            self,
            scan_s=self.scan_s / pace,
            pick_s=self.pick_s / pace,
            seal_s=self.seal_s / pace,
            look_s=self.look_s / pace,
        )

    def erring(self, share: float) -> "Habits":
        """Return the habits of people to whom everything that can go wrong happens so often."""
        return replace(
            self,
            wrong_scan=share,
            wrong_goods=share,
            short=share,
            damaged=share,
            by_hand=share,
            wrong_slot=share,
            miscount=share,
        )


@dataclass(slots=True)
class Person:
    """Somebody with a name, a pair of hands and a page of the WES.

    Attributes:
        name: also begins the ids of what is done, so a run has names that no earlier run had on the same data.
        done: how often each kind of act was done.
        refused: how often an act was refused, by its code.
    """

    name: str
    http: httpx.AsyncClient
    clock: SimClock
    chance: Random
    habits: Habits = field(default_factory=Habits)
    done: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _asker: Asker = field(init=False)

    def __post_init__(self) -> None:
        self._asker = Asker(self.http, self.name)

    async def act(self, kind: str, **fields: Any) -> Item | None:
        """Do something; None: it was refused, because things have changed meanwhile or it was wrong."""
        return await self._do(kind, "acts", {"act": kind, **fields})

    async def receive_return(self, **fields: Any) -> Item | None:
        """Receive what has come back; None: it was refused."""
        return await self._do("receiveReturn", "inbound/returns", fields)

    async def receive(self, **fields: Any) -> Item | None:
        """Receive what has come; None: it was refused."""
        return await self._do("receive", "inbound/receipts", fields)

    async def count_line(self, **fields: Any) -> Item | None:
        """Tell what was counted of a line of a stock count; None: it was refused."""
        return await self._do("countLine", "counting/results", fields)

    async def _do(self, kind: str, path: str, content: Item) -> Item | None:
        body = {"actId": f"{self.name}-{next(self._numbers)}", "operator": self.name, **content}
        answer = await self._asker.ask("POST", f"/v1/wes/{path}", json=body)
        if answer.is_success:
            self.done[kind] += 1
            return answer.json()
        code = answer.json()["reasons"][0]["code"]
        self.refused[code] += 1
        log.debug("an act was refused", operator=self.name, act=kind, code=code)
        return None

    async def open_station(self, station_id: str) -> None:
        """Begin to work at a station."""
        body = {"operator": self.name}
        answer = await self._asker.ask("POST", f"/v1/wes/stations/{station_id}/open", json=body)
        answer.raise_for_status()

    async def see(self, path: str, **params: Any) -> Item:
        """Look at a page."""
        answer = await self._asker.ask("GET", f"/v1/wes/{path}", params=params)
        return answer.raise_for_status().json()

    async def take_time(self, seconds: float) -> None:
        """Be busy for about so long."""
        await self.clock.sleep(seconds * self.chance.uniform(0.5, 1.5))

    def happens(self, share: float) -> bool:
        """Tell whether something happens that happens so often."""
        return self.chance.random() < share


class Picker:
    """Works at one station: scans, picks, answers, seals, counts, lets containers go."""

    def __init__(self, person: Person, station_id: str) -> None:
        self._person = person
        self._station_id = station_id
        self._told: set[int] = set()
        """Puts that are lit, and are told by hand or were decided to be pressed."""
        self._counted: set[int] = set()
        """Lines of stock counts that the station shows, and that this person has counted."""

    async def run(self) -> None:
        """Open the station, and work until cancelled."""
        await self._person.open_station(self._station_id)
        await _keep_at(self.step)

    async def step(self) -> bool:
        """Do what is to be done now; False: nothing is."""
        station = await self._person.see(f"stations/{self._station_id}")
        self._told &= _lit(station)
        busy = False
        for question in station["questions"]:
            busy = await self._answer(question) or busy
        for box in station["boxes"]:
            if box["complete"]:
                await self._person.take_time(self._person.habits.seal_s)
                busy = await self._person.act("seal", workId=box["workId"]) is not None or busy
        for operation in station["operations"]:
            busy = await self._work(operation) or busy
        for goods in station["replenishments"]:
            busy = await move_goods(self._person, goods) or busy
        self._counted &= {line["lineId"] for line in station["counts"]}
        for line in station["counts"]:
            busy = await self._count(line) or busy
        return busy

    async def _count(self, line: Item) -> bool:
        """Count what lies there, which is what the WES has there, one piece too few now and then; units are not read."""
        person, which = self._person, line["lineId"]
        if line["serial"] or which in self._counted:  # what is counted again is for somebody else
            return False
        self._counted.add(which)
        await person.take_time(person.habits.look_s)
        there = (await person.see(f"holders/{line['holderId']}/stock"))["items"]
        pieces = sum(
            lot["quantity"] for lot in there if (lot["skuId"], lot["lotNo"]) == (line["skuId"], line["lotNo"])
        )
        if person.happens(person.habits.miscount):
            pieces = max(0, pieces - 1)
        return await person.count_line(lineId=which, quantity=pieces) is not None

    async def _answer(self, question: Item) -> bool:
        await self._person.take_time(self._person.habits.look_s)
        return await self._person.act("answer", questionId=question["questionId"]) is not None

    async def _work(self, operation: Item) -> bool:
        person, habits = self._person, self._person.habits
        number = operation["operationId"]
        if not operation["scanned"]:
            await person.take_time(habits.scan_s)
            if person.happens(habits.wrong_scan):
                await person.act("scan", operationId=number, containerId="ANOTHER-LABEL")
            scanned = await person.act("scan", operationId=number, containerId=operation["containerId"])
            return scanned is not None
        open_tasks = [task for task in operation["tasks"] if task["rest"] and task["held"] is None]
        if open_tasks:
            return await self._take(open_tasks[0])
        lit = [put for task in operation["tasks"] for put in task["puts"]]
        if lit:
            return await self._tell(lit)
        if any(task["rest"] for task in operation["tasks"]):
            return await person.act("reject", operationId=number, reason="its work is held") is not None
        return await person.act("done", operationId=number) is not None

    async def _take(self, task: Item) -> bool:
        person, habits = self._person, self._person.habits
        await person.take_time(habits.pick_s)
        which = {"allocationId": task["allocationId"]}
        for kind, share in (("short", habits.short), ("damaged", habits.damaged)):
            if person.happens(share):
                return await person.act(kind, **which, quantity=1) is not None
        return await take(person, "pick", task, **which, quantity=task["rest"]) is not None

    async def _tell(self, lit: list[Item]) -> bool:
        """Tell by hand what some puts were; the others are left to the wall's buttons."""
        person, habits = self._person, self._person.habits
        fresh = [put for put in lit if put["putId"] not in self._told]
        for put in fresh:
            self._told.add(put["putId"])
            if not person.happens(habits.by_hand):
                continue
            await person.take_time(habits.pick_s)
            told = {"putId": put["putId"], "quantity": put["quantity"]}
            if person.happens(habits.wrong_slot):
                await person.act("put", **told, slotId="ANOTHER-SLOT")
            await person.act("put", **told, slotId=put["slotId"])
        return bool(fresh)


def _lit(station: Item) -> set[int]:
    """Return the puts that a station's page shows as lit."""
    tasks = (task for operation in station["operations"] for task in operation["tasks"])
    return {put["putId"] for task in tasks for put in task["puts"]}


async def take(person: Person, kind: str, goods: Item, **fields: Any) -> Item | None:
    """Take goods, and scan them where the page asks for it; None: it was refused."""
    if goods["scan"] == "none":
        return await person.act(kind, **fields)
    if person.happens(person.habits.wrong_goods):
        await person.act(kind, **fields, scan="BESIDE-IT")
    return await person.act(kind, **fields, scan=code_on(goods))


async def move_goods(person: Person, goods: Item) -> bool:
    """Carry out a replenishment where its places say; False: somebody else is at it, or it cannot be done now."""
    which = {"replenishmentId": goods["replenishmentId"]}
    if goods["operator"] not in (None, person.name) or goods["targetId"] is None:
        return False
    if goods["operator"] is None and await person.act("beginReplenishment", **which) is None:
        return False
    await person.take_time(person.habits.pick_s)
    if person.happens(person.habits.short):
        lacks = await person.act("endReplenishment", **which, reason="a piece is not there", missing=1)
        return lacks is not None
    done = {**which, "holderId": goods["targetId"], "quantity": goods["rest"]}
    return await take(person, "replenish", goods, **done) is not None


class Walker:
    """Walks to shelves: fills them up, claims work of pieces and of cases, picks and seals it."""

    def __init__(self, person: Person) -> None:
        self._person = person

    async def run(self) -> None:
        """Work until cancelled."""
        await _keep_at(self.step)

    async def step(self) -> bool:
        """Do one replenishment, or claim and do one piece of work; False: there is none."""
        for goods in (await self._person.see("replenishments"))["items"]:
            on_foot = goods["stationId"] is None and goods["state"] in ("open", "begun")
            if on_foot and await move_goods(self._person, goods):
                return True
        for cases in (False, True):
            claimed = await self._person.act("claim", cases=cases)
            for work_id in claimed["workIds"] if claimed else ():
                await self._do(work_id)
                return True
        return False

    async def _do(self, work_id: int) -> None:
        person, habits = self._person, self._person.habits
        while True:
            work = await person.see(f"works/{work_id}")
            tasks = [task for task in work["tasks"] if task["rest"]]
            if not tasks:
                break
            await person.take_time(habits.pick_s)
            which = {"allocationId": tasks[0]["allocationId"]}
            if person.happens(habits.short):
                done = await person.act("short", **which, quantity=1)
            else:
                done = await take(person, "pick", tasks[0], **which, quantity=tasks[0]["rest"])
            if done is None:
                break
        await person.take_time(habits.seal_s)
        await person.act("seal", workId=work_id)


class Packer:
    """Stands at the packing table: reviews, ships, and brings back what nobody wants any more."""

    def __init__(self, person: Person) -> None:
        self._person = person

    async def run(self) -> None:
        """Work until cancelled."""
        await _keep_at(self.step)

    async def step(self) -> bool:
        """Do what is to be done now; False: nothing is."""
        person = self._person
        busy = False
        for code in (135, 140):
            for package in (await person.see("packages", statusCode=code))["items"]:
                busy = await self._review(package) or busy
        ready = (await person.see("packages", statusCode=150))["items"]
        for package in reversed(ready):
            await person.take_time(person.habits.seal_s)
            which = {"packageIds": [package["packageId"]], "trackingNo": f"T{package['packageNo']}"}
            busy = await person.act("ship", **which) is not None or busy
        for goods in (await person.see("put-backs"))["items"]:
            await person.take_time(person.habits.look_s)
            which = {"putBackId": goods["putBackId"], "holderId": goods["fromHolder"]}
            busy = await person.act("putBack", **which) is not None or busy
        return busy

    async def _review(self, package: Item) -> bool:
        person = self._person
        await person.take_time(person.habits.look_s)
        lines = Counter[int]()
        for line in package["lines"]:
            lines[line["lineId"]] += line["quantity"]
        first = min(lines)
        if person.happens(person.habits.miscount):
            await self._count(package, lines - Counter({first: 1}))
        return await self._count(package, lines) is not None

    async def _count(self, package: Item, lines: Counter[int]) -> Item | None:
        items = [{"lineId": line_id, "quantity": quantity} for line_id, quantity in lines.items()]
        return await self._person.act("review", packageId=package["packageId"], items=items)


class Receiver:
    """Stands at the dock: receives what customers send back, and what was bought."""

    def __init__(self, person: Person) -> None:
        self._person = person

    async def run(self) -> None:
        """Work until cancelled."""
        await _keep_at(self.step)

    async def step(self) -> bool:
        """Receive what has been announced; False: nothing has. It has to be inspected: for the dock no box is as new."""
        person = self._person
        busy = False
        for goods in (await person.see("inbound/returns"))["items"]:
            if goods["state"] != "announced":
                continue
            await person.take_time(person.habits.look_s)
            quality = "damaged" if person.happens(person.habits.damaged) else "inspect"
            lines = [
                {"skuId": line["skuId"], "quantity": line["announced"], "quality": quality}
                for line in goods["lines"]
            ]
            done = await person.receive_return(returnNo=goods["returnNo"], complete=True, lines=lines)
            busy = done is not None or busy
        for goods in (await person.see("arrivals", open="true"))["items"]:
            busy = await self._unload(goods) or busy
        return busy

    async def _unload(self, goods: Item) -> bool:
        """Receive half of what still lacks of a line, to be inspected: trucks come one after the other."""
        person = self._person
        await person.take_time(person.habits.look_s)
        line = next(line for line in goods["lines"] if line["lacks"])
        came = {
            "skuId": line["skuId"],
            "quantity": (line["lacks"] + 1) // 2,
            "lotNo": goods["noticeNo"],
            "quality": "pending",
        }
        return await person.receive(noticeNo=goods["noticeNo"], lines=[came]) is not None


async def _keep_at(step: Callable[[], Awaitable[bool]]) -> None:
    """Do one thing after the other until cancelled; where there was nothing to do, look again after a while."""
    while True:
        if not await step():
            await asyncio.sleep(LOOK_S)
