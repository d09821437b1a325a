"""What rounds and acts read of tables that grow with every order, they find by an index, however many orders there have been."""

import re
from functools import partial

import pytest

from gateway.kernel.ports import Store
from gateway.store.inline import InlineStore
from gateway.wes.core import WesCore
from gateway.wes.counting.calls import CountCalls
from gateway.wes.counting.cycle import order_cycle_count
from gateway.wes.counting.views import lines_at_station, put_counts_away
from gateway.wes.counting.watch import CountWatch
from gateway.wes.floor.overtaken import Overtaken
from gateway.wes.floor.rounds import Lacking
from gateway.wes.floor.watch import Watch
from gateway.wes.orders.history import DAY_US, carry_over
from gateway.wes.orders.lateness import watch
from gateway.wes.performance import performance
from gateway.wes.planning.misplaced import Tidying
from gateway.wes.planning.replenishment import Replenishments
from gateway.wes.planning.rollback import Rollbacks
from gateway.wes.reporting import FIRST, list_outbound, report_on
from gateway.wes.stock.watch import StockWatch
from gateway.wes.throughput import throughput
from gateway.wes.timers import ShortOrders, expire, forget, tell_what_just_changed
from gateway.wes.transfers.calls import TransferCalls
from gateway.wes.transfers.views import put_transfers_away
from gateway.wes.upstream.monitors import look
from gateway.wes.upstream.sync import sync_changed
from tests.unit.chain_rig import chain, fill, order
from tests.unit.station_rig import Station, station
from tests.unit.test_wes_counts import desk, warehouse
from tests.unit.test_wes_transfers import PICK, RESERVE, Desk, leaving
from tests.unit.test_wes_transfers import desk as transfer_desk
from tests.unit.wes_rig import WAREHOUSE

pytestmark = pytest.mark.unit

BOUNDED = {"stations", "holders"}
"""As many rows as the warehouse has of them; these may be read as a whole."""
TABLE = re.compile(
    r"\b(?:FROM|JOIN|UPDATE) (\w+)(?: (?:AS )?(?!(?:AS|CROSS|GROUP|JOIN|LEFT|LIMIT|ON|ORDER|SET|UNION|WHERE)\b)(\w+))?"
)


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_no_round_reads_a_table_that_grows_as_a_whole(sequence: str) -> None:
    stock = {"near_expiry_days": 30, "overtaken_days": 1, "slow_days": 1}
    zones = [{"zone": "rejects", "purpose": "rejected"}]
    async with station(sequence=sequence, stock=stock, zones=zones) as line:
        asked = await work_through(line)
        assert len(asked) > 100
        wrong = {sql for sql in asked if await is_read_as_a_whole(line.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))


async def test_what_is_told_of_a_day_is_found_by_its_moment_however_many_days_there_were() -> None:
    async with station() as line:
        assert isinstance(line.store, InlineStore)
        asked: set[str] = set()
        line.store._connection.set_trace_callback(asked.add)
        await line.store.read(lambda tx: throughput(tx, 0))
        await line.store.read(lambda tx: performance(tx, WAREHOUSE, 24, 0))
        await line.store.read(lambda tx: report_on(tx, WAREHOUSE, 0, 1))
        await line.store.read(lambda tx: list_outbound(tx, 0, 1, FIRST, 1))
        line.store._connection.set_trace_callback(None)
        plans = [await plan_of(line.store, sql) for sql in asked if re.search("stages|ledger|arrivals", sql)]
        by_moment = (
            "INDEX stages_shipped (document=? AND code=? AND at_us>?)",
            "INDEX stock_events_adjusted (kind=? AND at>?)",
            "INDEX ledger_holder (holder_id=? AND at>? AND at<?)",
            "INDEX arrivals_ended (ended_at>? AND ended_at<?)",
        )
        assert [sum(index in plan for plan in plans) for index in by_moment] == [2, 1, 2, 1]


async def work_through(line: Station) -> set[str]:
    """Have orders shipped, cancelled and short, and carried over at last; return every statement that this took."""
    assert isinstance(line.store, InlineStore)
    asked: set[str] = set()
    line.store._connection.set_trace_callback(asked.add)
    await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
    await fill(line, "T-2", "A1-2-L-05", A=10)
    for number in range(3):
        await order(line, f"C-{number}", ("A", 5), ("B", 1))
    await order(line, "C-9", ("B", 99))
    await line.turn()
    await look_around(line)
    await line.turn()
    await line.cancel("C-1")
    await line.finish()
    line.core.clock.at_us += 1_000 * DAY_US
    await look_around(line)
    line.store._connection.set_trace_callback(None)
    return {sql for sql in asked if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)}


async def look_around(line: Station) -> None:
    """Do the rounds that do not belong to the chain once."""
    core = WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)
    store, context = core.store, core.context
    await ShortOrders(core).work()
    await Lacking(store, context).work()
    await Replenishments(store, context).work()
    await Rollbacks(store, context).work()
    await Watch(store, context, core.alarms).work()
    await StockWatch(store, context, core.alarms).work()
    await CountWatch(store, context, core.alarms).work()
    await Overtaken(store, context, core.alarms).work()
    await CountCalls(store, context).work()
    await Tidying(store, context, core.alarms).work()
    await put_counts_away(store, context)
    await TransferCalls(store, context).work()
    await put_transfers_away(store, context)
    for work in (expire, forget, look, tell_what_just_changed):
        await work(core)
    for carry in (watch, carry_over, sync_changed):
        await carry(store, context)


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_looking_for_what_waits_for_a_locked_place_reads_no_table_that_grows_as_a_whole(
    sequence: str,
) -> None:
    async with chain(sequence=sequence, grouping="static") as line:
        assert isinstance(line.store, InlineStore)
        asked: set[str] = set()
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await line.hear()
        line.gateway.block("A1-1-L-05", "Ann")
        await order(line, "C-1", ("A", 1))
        line.store._connection.set_trace_callback(asked.add)
        for _ in range(3):
            await line.round()
        line.store._connection.set_trace_callback(None)
        assert await line.core.rows("SELECT waits_for FROM work_orders") == [("T-1",)]
        statements = {sql for sql in asked if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)}
        wrong = {sql for sql in statements if await is_read_as_a_whole(line.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))


async def test_calling_containers_to_be_counted_reads_no_table_that_grows_as_a_whole() -> None:
    async with station(counting={"cycle": {"days": {"A": 1}}}) as line:
        assert isinstance(line.store, InlineStore)
        asked: set[str] = set()
        await fill(line, "T-1", "A1-1-L-05", A=10)
        line.walls.tell_place("T-1")
        await line.hear()
        line.core.clock.at_us += 1_000 * DAY_US
        line.store._connection.set_trace_callback(asked.add)
        await order_cycle_count(line.store, line.core.context)
        for _ in range(4):
            await CountCalls(line.store, line.core.context).work()
            await line.turn()
        shown = await line.store.read(partial(lines_at_station, station_id="station-1"))
        line.store._connection.set_trace_callback(None)
        assert shown
        statements = {sql for sql in asked if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)}
        wrong = {sql for sql in statements if await is_read_as_a_whole(line.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))


async def is_read_as_a_whole(store: Store, sql: str) -> bool:
    tables = {alias or table: table for table, alias in TABLE.findall(sql)}
    steps = (await plan_of(store, sql)).splitlines()
    scanned = [found[1] for step in steps if (found := re.fullmatch(r"SCAN (\w+)", step))]
    return any(name in tables and tables[name] not in BOUNDED for name in scanned)


async def plan_of(store: Store, sql: str) -> str:
    """Return how the database carries out a statement, a step a line."""
    return "\n".join(row[-1] for row in await store.read(lambda tx: tx.fetch(f"EXPLAIN QUERY PLAN {sql}")))


async def test_no_act_of_counting_reads_a_table_that_grows_as_a_whole() -> None:
    async with desk() as there:
        assert isinstance(there.line.store, InlineStore)
        asked: set[str] = set()
        await warehouse(there)
        there.line.store._connection.set_trace_callback(asked.add)
        for number, kind in enumerate(("notCountedForDays", "everything", "zone", "products", "locations")):
            more = {"days": 1} if kind == "notCountedForDays" else {}
            more |= {"zone": {"zone": "aisle-1"}, "products": {"skuIds": ["A"]}}.get(kind, {})
            more |= {"pattern": "A1-*"} if kind == "locations" else {}
            await there.order(f"N-{number}", scope={"kind": kind, **more})
            places = await there.places(f"N-{number}")
            await there.did("claims", "Ann", countId=f"N-{number}", places=9)
            for person in ("Ann", "Ben"):
                await there.did("unclaims", "Olga", countId=f"N-{number}", claimant="Ann")
                await there.counted(person, places["T-1", "A"], 9 - number)
            await there.approve(places["T-1", "A"])
            await there.did("ends", "Olga", countId=f"N-{number}", reason="enough")
        await there.get("counts", state="withdrawn")
        there.line.store._connection.set_trace_callback(None)
        statements = {sql for sql in asked if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)}
        wrong = {sql for sql in statements if await is_read_as_a_whole(there.line.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))


async def test_no_act_of_a_transfer_reads_a_table_that_grows_as_a_whole() -> None:
    async with transfer_desk() as there:
        assert isinstance(there.line.store, InlineStore)
        asked: set[str] = set()
        await fill(there.line, "T-9", "A1-1-L-05", B=10)
        there.line.walls.tell_place("T-9")
        await there.line.hear()
        there.line.store._connection.set_trace_callback(asked.add)
        lines = [Desk.line_of(4), {"skuId": "B", "quantity": 1, "source": "T-9", "target": PICK}]
        first, second = await there.approved(lines=lines)
        for _ in range(4):
            await TransferCalls(there.core.store, there.core.context).work()
            await there.line.turn()
        await there.take(first, 3)
        await there.did("miss", taskId=first, quantity=1, code="missing")
        await there.put(first, 2)
        await there.put(first, 1, RESERVE, damaged=True)
        await there.take(second, 1, "T-9")
        await there.did("abort", transferId="T-1", reason="enough")
        await there.did("lose", taskId=second, quantity=1, code="missing")
        (third,) = await there.approved(
            "T-2", lines=leaving(1), purpose="supply", leavesTo="warehouse", destination="WH-2"
        )
        await there.take(third, 1)
        await there.did("handOver", transferId="T-2")
        await there.did("confirm", transferId="T-2")
        await there.order("T-3")
        await there.did("delete", transferId="T-3", reason="a mistake")
        await there.get("transfers", open=True, skuId="A", source=RESERVE, target=PICK)
        await there.get("transferring/tasks")
        await there.get("transfers/T-1/log")
        await look_around(there.line)
        there.line.store._connection.set_trace_callback(None)
        statements = {sql for sql in asked if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)}
        wrong = {sql for sql in statements if await is_read_as_a_whole(there.line.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))
