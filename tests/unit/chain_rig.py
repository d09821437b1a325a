"""The chain from work orders to containers at stations, with a gateway that behaves as the contract and people who pick at once."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from gateway.contract.events import Event, EventType
from gateway.contract.plant import ContainerView, LocationView
from gateway.contract.puts import PutRequest, PutView
from gateway.contract.transports import TransportRequest, TransportView
from gateway.kernel.ports import Store, Tx
from gateway.site.load import load_site
from gateway.site.model import Site
from gateway.store.inline import open_inline
from gateway.wes.allocation.baseline import Greedy
from gateway.wes.allocation.port import Allocator
from gateway.wes.codes import Code
from gateway.wes.codes import PresentationState as S
from gateway.wes.layout import lay_out
from gateway.wes.planning.dispatch import Dispatch
from gateway.wes.planning.gateway import TAKEN, Answer, Gateway, Reply
from gateway.wes.planning.hearing import Hearing, last_heard, open_at_gateway
from gateway.wes.planning.plan import Planner
from gateway.wes.planning.presentations import find_presentation, move
from gateway.wes.planning.rollback import Rollbacks
from gateway.wes.planning.tasks import book_pick, claim, lock_tasks
from gateway.wes.planning.waves import Waves
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.model import Holder, HolderKind, Portion, Virtual
from gateway.wes.stock.opening import Batch, open_holder, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import put_away, receive
from gateway.wes.stock.verify import verify
from tests.unit.feeding import START_US
from tests.unit.wes_rig import WAREHOUSE, Core, act, command, core_on, settings

T = TypeVar("T")

DEMO = Path(__file__).parents[2] / "config" / "demo"
ROUNDS_MAX = 300


@cache
def demo_site() -> Site:
    return load_site(DEMO)


def rule(at: str, then: Any, **when: Any) -> dict[str, Any]:
    """Return a rule of the site as its file has it."""
    return {"at": at, "when": when, "then": then}


class ContractGateway:
    """Takes each id once, moves one container at a time, and tells every step by a numbered event.

    Attributes:
        places: where containers truly are.
        asked: every transport that was taken, by id.
        ended: how they ended.
        events: the feed.
        answers: what is answered instead, once each, for a transport's first asking.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self.places = places
        self.asked: dict[str, TransportRequest] = {}
        self.ended: dict[str, str] = {}
        self.events: list[Event] = []
        self.halted: set[str] = set()
        self.blocked: dict[str, str | None] = {}
        self.fails: list[str] = []
        """Containers whose next transport fails."""

    async def submit_transport(self, request: TransportRequest) -> Answer:
        known = self.asked.get(request.transport_id)
        if known is not None:
            return TAKEN if known == request else Answer(Reply.CONFLICT, ("idReused",), "another body")
        place = self.places.get(request.container_id)
        if place is None:
            return Answer(Reply.REFUSED, ("unknownContainer",), f"{request.container_id} is not known")
        if place == request.destination:
            return Answer(Reply.REFUSED, ("sameAsSource",), "it is there")
        if any(self.asked[name].container_id == request.container_id for name in self.open()):
            return Answer(Reply.CONFLICT, ("containerBusy",), "another transport has it")
        self.asked[request.transport_id] = request
        self._tell(EventType.TRANSPORT_ACCEPTED, request.transport_id)
        return TAKEN

    async def cancel_transport(self, transport_id: str) -> Answer:
        if transport_id not in self.asked:
            return Answer(Reply.REFUSED, ("unknownTransport",), "no such transport")
        if transport_id in self.halted:
            return Answer(Reply.CONFLICT, ("needsDecision",), "somebody has to decide")
        if transport_id in self.ended:
            gone = self.ended[transport_id] == "cancelled"
            return TAKEN if gone else Answer(Reply.CONFLICT, ("hasEnded",), "it has ended")
        self.resolve_by_cancel(transport_id)
        return TAKEN

    async def find_transport(self, transport_id: str) -> TransportView | None:
        raise AssertionError(f"{transport_id} is looked up, though its feed has no gap")

    async def submit_put(self, request: PutRequest) -> Answer:
        raise AssertionError(f"{request.put_id} is asked for, though no wall stands here")

    async def cancel_put(self, put_id: str) -> Answer:
        raise AssertionError(f"{put_id} is asked for, though no wall stands here")

    async def find_put(self, put_id: str) -> PutView | None:
        raise AssertionError(f"{put_id} is asked for, though no wall stands here")

    async def list_containers(self) -> Sequence[ContainerView]:
        return [ContainerView(container_id=name, location_id=place) for name, place in self.places.items()]

    async def list_blocked(self) -> Sequence[LocationView]:
        return []

    async def follow(self, after: int) -> AsyncGenerator[Sequence[Event]]:
        yield self.events[after:]

    def open(self) -> list[str]:
        return [name for name in self.asked if name not in self.ended]

    def step(self) -> None:
        """Let the transports whose destination is free get there, one after the other."""
        for name in self.open():
            request = self.asked[name]
            locked = self.blocked.get(self.places[request.container_id]) is not None
            if name in self.halted or locked or request.destination in self.blocked:
                continue
            if request.destination in self.places.values():
                continue
            if request.container_id in self.fails:
                self.fails.remove(request.container_id)
                self.halted.add(name)
                reason = {"code": "loadMissing", "title": "Missing", "detail": "it is not there"}
                self._tell(EventType.TRANSPORT_FAILED, name, reason=reason)
                continue
            self._stand(request.container_id, request.destination)
            self.ended[name] = "completed"
            self._tell(EventType.TRANSPORT_COMPLETED, name, locationId=request.destination)

    def retry(self, transport_id: str) -> None:
        self.halted.discard(transport_id)
        self._tell(EventType.TRANSPORT_RESOLVED, transport_id, action="retry")

    def resolve_by_cancel(self, transport_id: str, place: str | None = None) -> None:
        self.halted.discard(transport_id)
        container_id = self.asked[transport_id].container_id
        if place is not None:
            self._stand(container_id, place)
        self.ended[transport_id] = "cancelled"
        self._tell(EventType.TRANSPORT_CANCELLED, transport_id, locationId=self.places[container_id])

    def put_by_hand(self, container_id: str, place: str) -> None:
        """Somebody carries a container to a place, and tells."""
        self._stand(container_id, place)

    def remove(self, container_id: str) -> None:
        """A container leaves the site, and the gateway is told."""
        place = self.places.pop(container_id)
        self._tell(EventType.CONTAINER_REMOVED, container_id, containerId=container_id, locationId=place)

    def block(self, place: str, operator: str | None = None) -> None:
        """A place takes no loads any more."""
        self.blocked[place] = operator
        data = {"locationId": place, "reason": "bent rail", "operator": operator}
        self._tell(EventType.LOCATION_BLOCKED, place, **data)

    def unblock(self, place: str) -> None:
        """A place takes loads again."""
        del self.blocked[place]
        self._tell(EventType.LOCATION_UNBLOCKED, place, locationId=place, reason="mended", operator="Ann")

    def _stand(self, container_id: str, place: str) -> None:
        self.places[container_id] = place
        data = {"containerId": container_id, "locationId": place}
        self._tell(EventType.CONTAINER_LOCATED, container_id, **data)

    def _tell(self, kind: EventType, subject: str, **data: Any) -> None:
        seq = len(self.events) + 1
        self.events.append(
            Event(
                id=str(seq),
                seq=seq,
                source="test",
                type=kind,
                subject=subject,
                time="2026-01-01T00:00:00Z",
                data=data,
            )
        )


class Crash(Exception):  # noqa: N818 - names the condition
    """The process ends here."""


@dataclass
class MortalStore:
    """A store whose process dies before its n-th commit."""

    store: Store
    commits_left: int = 1_000_000

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        if self.commits_left <= 0:
            raise Crash
        self.commits_left -= 1
        return await self.store.write(job)

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.store.read(job)


@dataclass
class Chain:
    """One life of the WES beside one gateway."""

    core: Core
    gateway: ContractGateway
    store: Store
    allocator: Allocator = field(default_factory=Greedy)

    def __post_init__(self) -> None:
        context, port = self.core.context, self.gateway
        checked: Gateway = port
        self.hearing = Hearing(context)
        self.dispatch = Dispatch(self.store, context, checked, self.hearing)
        self.planner = Planner(self.store, context, self.allocator, lambda _: None)
        self.rollbacks = Rollbacks(self.store, context)
        self.waves = Waves(self.store, context)

    async def hear(self) -> None:
        if await self.store.read(last_heard) is None:
            containers = await self.gateway.list_containers()
            assert not await self.store.read(open_at_gateway)
            await self.store.write(lambda tx: self.hearing.catch_up(tx, containers, [], {}))
        after = await self.store.read(last_heard) or 0
        async for events in self.gateway.follow(after):
            for event in events:
                await self.store.write(partial(self.hearing.hear, events=[event]))

    async def think(self) -> None:
        await self.hear()
        await self.waves.work()
        await self.planner.work()
        await self.dispatch.work()
        await self.rollbacks.work()

    async def round(self) -> None:
        """Everybody does what is to be done once."""
        await self.think()
        self.gateway.step()
        await self.hear()
        await self.serve()

    async def serve(self) -> None:
        """Pick everything from every container that has arrived, and let it go."""
        sql = "SELECT presentation_id FROM presentations WHERE state = 'arrived' AND purpose = 'pick' ORDER BY presentation_id"
        for (number,) in await self.core.rows(sql):
            await self.store.write(partial(pick_all, core=self.core, presentation_id=number))

    async def serve_one(self, container_id: str) -> None:
        """Pick everything from one container that has arrived, and let it go."""
        sql = "SELECT presentation_id FROM presentations WHERE state = 'arrived' AND container_id = :name"
        ((number,),) = await self.core.rows(sql, name=container_id)
        await self.store.write(partial(pick_all, core=self.core, presentation_id=number))

    async def until_quiet(self) -> None:
        """Go on until everything is picked and every container is home."""
        for _ in range(ROUNDS_MAX):
            await self.round()
            if await self.is_quiet():
                return
        raise AssertionError(
            await self.core.rows("SELECT * FROM presentations WHERE state NOT IN ('done', 'cancelled')")
        )

    async def is_quiet(self) -> bool:
        works = "SELECT COUNT(*) FROM work_orders WHERE code < 90 AND code <> 40"
        open_ones = "SELECT COUNT(*) FROM presentations WHERE state NOT IN ('done', 'cancelled')"
        rollbacks = "SELECT COUNT(*) FROM rollbacks WHERE ended_at IS NULL"
        counts = [(await self.core.rows(sql))[0][0] for sql in (works, open_ones, rollbacks)]
        return not any(counts)

    async def states(self) -> list[tuple[str, str, str]]:
        """Return (container, purpose, state) of all presentations in order."""
        rows = await self.core.rows(
            "SELECT container_id, purpose, state FROM presentations ORDER BY presentation_id"
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def codes(self, table: str = "work_orders") -> list[int]:
        key = {"work_orders": "work_id", "orders": "order_id", "allocations": "allocation_id"}[table]
        return [row[0] for row in await self.core.rows(f"SELECT code FROM {table} ORDER BY {key}")]


async def pick_all(tx: Tx, core: Core, presentation_id: int) -> None:
    """Stand in for people at a station: pick what a presentation is for, and take full boxes out of their slots."""
    context = core.context
    where = f"a.presentation_id = :presentation_id AND a.code < {Code.PICKED:d}"
    await claim(tx, context, await lock_tasks(tx, where, presentation_id=presentation_id), "Ann")
    tasks = await lock_tasks(tx, where, presentation_id=presentation_id)
    for task in tasks:
        await book_pick(tx, context, task, task.rest, (), "Ann")
    await tx.execute(
        "UPDATE wall_slots SET work_id = NULL WHERE work_id IN (SELECT work_id FROM work_orders WHERE code = 90)"
    )
    presentation = await find_presentation(tx, presentation_id)
    assert presentation is not None
    await move(tx, context, presentation, S.LEAVING)


@asynccontextmanager
async def chain(**changes: Any) -> AsyncGenerator[Chain]:
    """Run the chain at the demo site, with the products A and B and no stock."""
    async with open_inline(None, MIGRATIONS) as store:
        yield await chain_on(store, **changes)


async def chain_on(store: Store, **changes: Any) -> Chain:
    """Return the chain on a database of the WES."""
    wes = settings(**changes)
    core = await core_on(store, wes)
    core.context = replace(core.context, layout=lay_out(demo_site(), wes.stations.boxes))
    await core.products("A", "B")
    return Chain(core, ContractGateway({}), store)


async def fill(line: Chain, tote: str, place: str, **stock: int) -> None:
    """Put a tote with stock into the rack, known to the gateway and to the WES."""
    line.gateway.places[tote] = place
    await stock_up(line.core, tote, **stock)


async def goods_in_receiving(line: Chain, sku: str, quantity: int) -> int:
    """Goods that can be promised, and are at no place where they can be fetched."""
    core = line.core
    area = Virtual.RCV_AREA.of(WAREHOUSE)

    async def job(tx: Any) -> int:
        batch = Batch(warehouse_id=WAREHOUSE, owner_id="me", sku=sku, received_at=START_US, lot_no=f"{sku}-1")
        lot = await open_lot(tx, core.context.ids, batch)
        await post(tx, receive(act(core.context), lot, Portion(area, lot.lot_id, quantity)))
        return lot.lot_id

    return await core.store.write(job)


async def put_into(line: Chain, tote: str, lot_id: int, quantity: int) -> None:
    """Put such goods into a tote."""
    area = Virtual.RCV_AREA.of(WAREHOUSE)
    await line.core.store.write(
        lambda tx: post(tx, put_away(act(line.core.context), [Portion(area, lot_id, quantity)], tote))
    )


async def stock_up(core: Core, tote: str, **stock: int) -> None:
    """Put stock into a tote."""
    await fill_holder(
        core, Holder(holder_id=tote, kind=HolderKind.CONTAINER, warehouse_id=WAREHOUSE), **stock
    )


async def fill_holder(core: Core, holder: Holder, **stock: int) -> None:
    """Open a place for stock, and put some there, a lot for each product."""

    async def job(tx: Tx) -> None:
        await open_holder(tx, holder)
        for sku, quantity in stock.items():
            batch = Batch(
                warehouse_id=WAREHOUSE, owner_id="me", sku=sku, received_at=START_US, lot_no=f"{sku}-1"
            )
            lot = await open_lot(tx, core.context.ids, batch)
            await post(tx, receive(act(core.context), lot, Portion(holder.holder_id, lot.lot_id, quantity)))

    await core.store.write(job)


async def order(line: Chain, name: str, *items: tuple[str, int], **changes: Any) -> None:
    """Let an order come in."""
    await line.core.submit(command(name, *items, **changes))


async def contradictions(core: Core) -> list[Any]:
    """Return everything that stock, ledger and documents disagree about."""
    found: list[Any] = list(await core.store.read(partial(verify, now=core.clock.now_us())))
    allocated = """SELECT holder_id, lot_id, SUM(books), SUM(wanted) FROM (
    SELECT p.holder_id, p.lot_id, p.allocated AS books, 0 AS wanted FROM positions p
    JOIN holders h ON h.holder_id = p.holder_id WHERE h.kind <> 'virtual'
    UNION ALL SELECT a.holder_id, a.lot_id, 0, a.quantity - a.picked - a.short FROM allocations a
    LEFT JOIN rollbacks r ON r.rollback_id = a.rollback_id WHERE a.holder_id IS NOT NULL
    AND (a.code < 90 OR (a.code = 199 AND r.ended_at IS NULL AND r.rollback_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM stock_events e WHERE e.event_id = 'rollback-' || r.rollback_id)))
    ) AS sides GROUP BY holder_id, lot_id HAVING SUM(books) <> SUM(wanted)"""
    promised = """SELECT lot_id, SUM(books), SUM(wanted) FROM (
    SELECT lot_id, reserved AS books, 0 AS wanted FROM lots
    UNION ALL SELECT lot_id, 0, quantity FROM lot_reservations
    UNION ALL SELECT a.lot_id, 0, a.quantity - a.short FROM allocations a
    LEFT JOIN rollbacks r ON r.rollback_id = a.rollback_id WHERE a.code < 190
    OR (a.code = 199 AND r.rollback_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM stock_events e WHERE e.event_id = 'rollback-' || r.rollback_id))
    ) AS sides GROUP BY lot_id HAVING SUM(books) <> SUM(wanted)"""
    unbound = """SELECT w.work_id, w.code FROM work_orders w WHERE w.code BETWEEN 50 AND 89
    AND NOT EXISTS (SELECT 1 FROM allocations a WHERE a.work_id = w.work_id AND a.code < 190)"""
    for name, sql in (("allocated", allocated), ("promised", promised), ("unbound", unbound)):
        found += [(name, *row) for row in await core.rows(sql)]
    return found
