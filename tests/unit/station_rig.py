"""Stations with people and put walls, at the end of the chain of chain_rig.py."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from pydantic import TypeAdapter

from gateway.contract.acts import ActView, StationAct
from gateway.contract.events import EventType
from gateway.contract.faults import Refusal
from gateway.contract.puts import PutRequest, PutStatus, PutView
from gateway.contract.wms import CancelCommand, CancelledView
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Store
from gateway.store.inline import open_inline
from gateway.wes.floor.acts import perform
from gateway.wes.floor.cancel import cancel
from gateway.wes.floor.operations import push
from gateway.wes.floor.rounds import Floor, Lacking
from gateway.wes.floor.wall import PUT_HANDLERS
from gateway.wes.planning.boxes import TO_COME
from gateway.wes.planning.gateway import TAKEN, Answer, Reply
from gateway.wes.planning.hearing import Hearing
from gateway.wes.proof import prove
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.model import Holder, HolderKind
from tests.unit.chain_rig import Chain, ContractGateway, chain_on, fill, fill_holder, order
from tests.unit.feeding import START_US
from tests.unit.wes_rig import WAREHOUSE

ACT: TypeAdapter[Any] = TypeAdapter(StationAct)


class WallGateway(ContractGateway):
    """The gateway with put walls: each put is taken once, and a slot shows one at a time.

    Attributes:
        puts: every put that was taken, by id.
        put_ends: how they ended.
    """

    def __init__(self, places: dict[str, str]) -> None:
        super().__init__(places)
        self.puts: dict[str, PutRequest] = {}
        self.put_ends: dict[str, tuple[PutStatus, int | None]] = {}
        self.recalled: list[str] = []
        self.deaf = False
        """It does not answer."""

    async def submit_put(self, request: PutRequest) -> Answer:
        if self.deaf:
            return Answer(Reply.LATER, (), "no answer")
        known = self.puts.get(request.put_id)
        if known is not None:
            return TAKEN if known == request else Answer(Reply.CONFLICT, ("idReused",), "another body")
        self.puts[request.put_id] = request
        self._tell(EventType.PUT_LIT, request.put_id)
        return TAKEN

    async def cancel_put(self, put_id: str) -> Answer:
        if self.deaf:
            return Answer(Reply.LATER, (), "no answer")
        if put_id not in self.puts:
            return Answer(Reply.REFUSED, ("unknownPut",), "no such put")
        if put_id in self.put_ends:
            gone = self.put_ends[put_id][0] is PutStatus.CANCELLED
            return TAKEN if gone else Answer(Reply.CONFLICT, ("hasEnded",), "it has ended")
        self.recalled.append(put_id)
        return TAKEN

    async def find_put(self, put_id: str) -> PutView | None:
        put = self.puts.get(put_id)
        if put is None:
            return None
        status, confirmed = self.put_ends.get(put_id, (PutStatus.LIT, None))
        return PutView(
            put_id=put_id,
            wall=put.wall,
            slot=put.slot,
            quantity=put.quantity,
            colour=put.colour,
            blink=put.blink,
            text=None,
            status=status,
            confirmed_quantity=confirmed,
            created_at=to_datetime(START_US),
            updated_at=to_datetime(START_US),
        )

    def tell_place(self, container_id: str) -> None:
        """Tell where a container stands that came in later."""
        self._stand(container_id, self.places[container_id])

    def lit(self) -> list[str]:
        return [name for name in self.puts if name not in self.put_ends]

    def darken(self) -> None:
        """The walls carry out what was withdrawn."""
        for name in self.recalled:
            if name not in self.put_ends:
                self.end_put(name, PutStatus.CANCELLED, None)
        self.recalled.clear()

    def press(self, name: str, quantity: int | None = None) -> None:
        """A button ends a put, with all of it or less."""
        asked = self.puts[name].quantity
        put = asked if quantity is None else quantity
        self.end_put(name, PutStatus.CONFIRMED if put == asked else PutStatus.SHORT, put)

    def hand(self, wall: str, slot: str) -> None:
        """A hand goes through the curtain of a slot."""
        name = next((each for each in self.lit() if self.puts[each].slot == slot), None)
        self._tell(EventType.PUT_CURTAIN, f"{wall}/{slot}", wall=wall, slot=slot, count=1, putId=name)

    def end_put(self, name: str, status: PutStatus, quantity: int | None) -> None:
        self.put_ends[name] = (status, quantity)
        kind = {
            PutStatus.CONFIRMED: EventType.PUT_CONFIRMED,
            PutStatus.SHORT: EventType.PUT_SHORT,
            PutStatus.CANCELLED: EventType.PUT_CANCELLED,
            PutStatus.UNKNOWN: EventType.PUT_UNKNOWN,
        }[status]
        self._tell(kind, name, putId=name, slot=self.puts[name].slot, confirmedQuantity=quantity)


@dataclass
class Station(Chain):
    """The chain with people at its end."""

    acts: int = field(default=0)

    def __post_init__(self) -> None:
        Chain.__post_init__(self)
        context = self.core.context
        assert isinstance(self.gateway, WallGateway)
        self.walls = self.gateway
        self.hearing = Hearing(context, push, PUT_HANDLERS)
        self.dispatch._hearing = self.hearing  # pyright: ignore[reportPrivateUsage]
        self.floor = Floor(self.store, context, self.walls)
        self.lacking = Lacking(self.store, context)

    async def act(self, kind: str, **fields: Any) -> ActView:
        """Do an act of Ann's under a new id."""
        self.acts += 1
        return await self.again(f"act-{self.acts}", kind, **fields)

    async def again(self, act_id: str, kind: str, **fields: Any) -> ActView:
        act = ACT.validate_python({"act": kind, "act_id": act_id, "operator": "Ann"} | fields)
        return await self.store.write(partial(perform, context=self.core.context, act=act))

    async def refused(self, kind: str, **fields: Any) -> str:
        """Return the code of an act's refusal."""
        with pytest.raises(Refusal) as told:
            await self.act(kind, **fields)
        return told.value.reasons[0].code

    async def cancel(self, name: str) -> CancelledView:
        request = CancelCommand(order_no=f"ORD-{name}", reason="not wanted")
        job = partial(cancel, context=self.core.context, request=request)
        return await self.store.write(job)

    async def turn(self) -> None:
        """Everything that needs no person goes on by a round."""
        await self.think()
        self.walls.step()
        await self.hear()
        await self.floor.work()
        self.walls.darken()
        await self.hear()
        await self.floor.work()

    async def bring(self) -> int:
        """Go on until an operation is open; returns the oldest one."""
        for _ in range(20):
            await self.turn()
            if found := await self.operations():
                return found[0]
        raise AssertionError(await self.states())

    async def operations(self) -> list[int]:
        sql = "SELECT operation_id FROM operations WHERE state = 'open' ORDER BY operation_id"
        return [row[0] for row in await self.core.rows(sql)]

    async def container(self, operation_id: int) -> str:
        sql = (
            "SELECT p.container_id FROM operations o JOIN presentations p"
            " ON p.presentation_id = o.presentation_id WHERE o.operation_id = :id"
        )
        return (await self.core.rows(sql, id=operation_id))[0][0]

    async def tasks(self, operation_id: int) -> list[tuple[int, int]]:
        """Return (allocation, pieces still to be taken) of an operation."""
        sql = (
            "SELECT a.allocation_id, a.quantity - a.picked - a.short FROM allocations a JOIN operations o"
            " ON o.presentation_id = a.presentation_id WHERE o.operation_id = :id AND a.code IN (70, 80)"
            " ORDER BY a.allocation_id"
        )
        return [(row[0], row[1]) for row in await self.core.rows(sql, id=operation_id)]

    async def scan(self, operation_id: int) -> list[tuple[int, int]]:
        await self.act("scan", operation_id=operation_id, container_id=await self.container(operation_id))
        return await self.tasks(operation_id)

    async def light(self) -> None:
        """Have the walls show what was picked."""
        await self.floor.work()
        await self.hear()

    async def work_off(self, operation_id: int) -> None:
        """Do all of an operation without any trouble."""
        for allocation_id, quantity in await self.scan(operation_id):
            await self.act("pick", allocation_id=allocation_id, quantity=quantity)
        await self.light()
        for name in self.walls.lit():
            self.walls.press(name)
        await self.hear()
        await self.act("done", operation_id=operation_id)

    async def seal_all(self) -> list[int]:
        """Seal every box into which nothing more comes."""
        sql = f"SELECT w.work_id FROM work_orders w WHERE w.code = 90 AND {TO_COME} = 0 ORDER BY w.work_id"
        views = [await self.act("seal", work_id=row[0]) for row in await self.core.rows(sql)]
        return [view.package_id for view in views if view.package_id is not None]

    async def finish(self) -> None:
        """Work on until nothing is left to do, or nothing that people at stations can end, and ship all that is sealed."""
        for _ in range(60):
            await self.turn()
            for operation_id in await self.operations():
                await self.work_off(operation_id)
            await self.seal_all()
            if await self.is_quiet():
                break
        sql = "SELECT package_id FROM packages WHERE code = 150 ORDER BY package_id"
        ready = [row[0] for row in await self.core.rows(sql)]
        if ready:
            await self.act("ship", package_ids=ready)

    async def order_codes(self) -> list[int]:
        return await self.codes("orders")

    async def told(self) -> list[str]:
        return [message["status"] for message in await self.core.told()]

    async def check(self) -> None:
        """Stock, ledger and documents agree."""
        now = self.core.clock.now_us()
        assert not await self.store.read(partial(prove, now=now))


@asynccontextmanager
async def station(**changes: Any) -> AsyncGenerator[Station]:
    """Run the demo site with people, the products A and B and no stock."""
    async with open_inline(None, MIGRATIONS) as store:
        yield await station_on(store, **changes)


async def station_on(store: Store, **changes: Any) -> Station:
    """Return the same on a database of the WES."""
    line = await chain_on(store, **changes)
    return Station(line.core, WallGateway({}), store)


async def begun(line: Station, **changes: int) -> tuple[int, int]:
    """Bring a tote with 10 pieces for an order of 4 and scan it; returns the operation and the allocation."""
    await fill(line, "T-1", "A1-1-L-05", A=changes.get("there", 10))
    await order(line, "C-1", ("A", 4))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    return operation, allocation


async def put(line: Station, allocation: int, quantity: int, confirmed: int | None = None) -> int:
    """Pick pieces, put them into their slot, and let the wall tell; returns the put."""
    view = await line.act("pick", allocation_id=allocation, quantity=quantity)
    await line.light()
    (name,) = line.walls.lit()
    line.walls.press(name, confirmed)
    await line.hear()
    assert view.put_id is not None
    return view.put_id


async def questions(line: Station) -> list[tuple[str, str]]:
    sql = "SELECT kind, slot_id FROM questions WHERE settled_at IS NULL ORDER BY question_id"
    return [(row[0], row[1]) for row in await line.core.rows(sql)]


async def picked(line: Station) -> list[tuple[int, int, int]]:
    """Return (reserved, picked, short) of all order lines."""
    rows = await line.core.rows("SELECT reserved, picked, short FROM order_lines ORDER BY line_id")
    return [(row[0], row[1], row[2]) for row in rows]


async def shelf(line: Station, place: str = "FLAT-1", **stock: int) -> None:
    """Put goods on a shelf that people walk to."""
    there = Holder(holder_id=place, kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id=place)
    await fill_holder(line.core, there, **stock)
