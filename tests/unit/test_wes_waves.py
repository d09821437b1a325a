"""No wave grows beyond the limits that the site has set, whichever of them is reached first (S1-62)."""

import pytest

from gateway.wes.floor.views import list_works
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import chain, contradictions, fill, order
from tests.unit.test_wes_chain import ten_orders

pytestmark = pytest.mark.unit

SIZES = """SELECT w.wave_id, COUNT(DISTINCT w.order_id) AS orders, COUNT(DISTINCT w.work_id) AS boxes,
SUM(l.quantity) AS units FROM work_orders w JOIN work_lines l ON l.work_id = w.work_id
WHERE w.wave_id IS NOT NULL GROUP BY w.wave_id"""


@pytest.mark.parametrize("grouping", ["static", "dynamic"])
@pytest.mark.parametrize(("limit", "most"), [("orders", 3), ("boxes", 4), ("units", 9)])
async def test_a_wave_keeps_to_each_of_its_limits(grouping: str, limit: str, most: int) -> None:
    async with chain(grouping=grouping, waves={limit: most}) as line:
        await ten_orders(line)
        await line.until_quiet()
        waves = await line.core.rows(f"SELECT wave_id, {limit} FROM ({SIZES}) AS sizes")
        assert len(waves) > 1
        assert max(size for _, size in waves) <= most
        assert await line.codes("orders") == [90] * 10


async def test_work_of_a_static_wave_has_its_code_and_the_wave_is_written_to_its_orders() -> None:
    async with chain(grouping="static") as line:
        await ten_orders(line)
        await line.until_quiet()
        built = await line.core.rows(
            "SELECT DISTINCT document_id FROM stages WHERE document = 'work' AND code = '60'"
        )
        assert len(built) == 10
        assert await line.core.rows("SELECT COUNT(*) FROM orders WHERE wave_id IS NULL") == [(0,)]


@pytest.mark.parametrize(("grouping", "at_once"), [("dynamic", True), ("static", False)])
async def test_an_order_that_comes_while_others_are_picked_joins_a_dynamic_wave_but_not_a_static_one(
    grouping: str, at_once: bool
) -> None:
    async with chain(grouping=grouping) as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        for name in ("C-1", "C-2"):
            await order(line, name, ("A", 1))
            await line.think()
        (first, wave), (second, joined) = await line.core.rows(
            "SELECT slot_id, wave_id FROM work_orders ORDER BY work_id"
        )
        assert first is not None
        assert (second is not None, joined == wave) == (at_once, at_once)
        await line.until_quiet()
        assert await line.codes("orders") == [90, 90]


# ── a static wave with a container that does not come ─────────────────────────────────────────────────


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_what_waits_for_a_container_of_a_failed_transport_holds_up_neither_its_station_nor_the_next_wave(
    sequence: str,
) -> None:
    async with chain(grouping="static", sequence=sequence, waves={"orders": 2}) as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await fill(line, "T-2", "A1-1-L-06", B=10)
        line.gateway.fails.append("T-1")
        await line.store.write(lambda tx: close_station(tx, "station-2", "no light", "Ann"))
        await order(line, "C-1", ("A", 1))
        await order(line, "C-2", ("B", 1))
        for _ in range(6):
            await line.round()
        assert await line.codes("orders") == [70, 90]
        await order(line, "C-3", ("A", 1))
        await order(line, "C-4", ("B", 1))
        for _ in range(6):
            await line.round()
        await order(line, "C-5", ("B", 1))
        await order(line, "C-6", ("B", 1))
        for _ in range(20):
            await line.round()
        assert [code == 90 for code in await line.codes("orders")] == [False, True, False, True, True, True]
        waits = {
            each.order_no: each.waits_for
            for each in await line.store.read(lambda tx: list_works(tx, 2**53, 10, None, None))
        }
        assert waits["ORD-C-3"] == "T-1"
        assert [name for name, container in waits.items() if container] == ["ORD-C-3"]
        (halted,) = line.gateway.halted
        line.gateway.retry(halted)
        await line.until_quiet()
        assert await line.codes("orders") == [90] * 6
        assert await line.core.rows("SELECT 1 FROM work_orders WHERE waits_for IS NOT NULL") == []
        assert not await contradictions(line.core)


async def test_containers_that_do_not_come_leave_their_stations_room_to_others() -> None:
    """Given a station with 2 slots and no queue, others come though two containers for it have failed."""
    async with chain(stations={"queue": 0}) as line:
        await line.store.write(lambda tx: close_station(tx, "station-2", "no light", "Ann"))
        await line.core.products("C", "D")
        for number, sku in enumerate("ABCD"):
            await fill(line, f"T-{sku}", f"A1-1-L-0{number + 1}", **{sku: 10})
        line.gateway.fails += ["T-A", "T-B"]
        for sku in "ABCD":
            await order(line, f"C-{sku}", (sku, 1))
            for _ in range(4):
                await line.round()
        assert await line.codes("orders") == [70, 70, 90, 90]
        for transport_id in sorted(line.gateway.halted):
            line.gateway.retry(transport_id)
        await line.until_quiet()
        assert await line.codes("orders") == [90] * 4


async def test_goods_that_are_in_another_container_too_are_taken_from_there() -> None:
    async with chain(grouping="static") as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await fill(line, "T-2", "A1-4-R-20", A=1)
        line.gateway.fails.append("T-1")
        await order(line, "C-1", ("A", 1))
        for _ in range(4):
            await line.round()
        await order(line, "C-2", ("A", 1))
        await order(line, "C-3", ("A", 1), priority=9)
        for _ in range(12):
            await line.round()
        assert await line.codes("orders") == [70, 30, 90]


# ── a static wave of which something cannot go on ─────────────────────────────────────────────────────


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_work_of_a_static_wave_that_waits_for_a_person_holds_up_no_later_wave(sequence: str) -> None:
    async with chain(grouping="static", sequence=sequence) as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 1))
        while not (await line.core.rows("SELECT wave_id FROM work_orders"))[0][0]:
            await line.planner.work()
            await line.hear()
            await line.waves.work()
        await line.store.write(lambda tx: tx.execute("UPDATE work_orders SET held = 'rolled back too often'"))
        await order(line, "C-2", ("A", 1))
        for _ in range(10):
            await line.round()
        assert await line.core.rows("SELECT held IS NULL, code FROM work_orders WHERE code = 90") == [(1, 90)]
