"""Places that a person has locked: what stands there waits, and holds up nothing else, on both databases."""

import pytest

from gateway.kernel.ports import Store
from gateway.wes.floor.views import list_works
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import chain_on, contradictions, fill, order
from tests.unit.test_wes_blocks import block, unblock

pytestmark = pytest.mark.contract


@pytest.mark.parametrize("when", ["before", "under way"])
@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_what_waits_for_a_container_of_a_locked_place_holds_up_neither_its_station_nor_the_next_wave(
    store: Store, sequence: str, when: str
) -> None:
    """Given one station, and goods of one container whose place a person locks, before or after it has been asked for."""
    line = await chain_on(store, grouping="static", sequence=sequence, waves={"orders": 2})
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await fill(line, "T-2", "A1-1-L-06", B=10)
    await line.hear()
    await line.store.write(lambda tx: close_station(tx, "station-2", "no light", "Ann"))
    if when == "before":
        await block(line, "A1-1-L-05")
    await order(line, "C-1", ("A", 1))
    await order(line, "C-2", ("B", 1))
    if when == "under way":
        while "T-1" not in {request.container_id for request in line.gateway.asked.values()}:
            await line.think()
        await block(line, "A1-1-L-05")
    for _ in range(6):
        await line.round()
    for number, sku in enumerate("ABBB", start=3):
        await order(line, f"C-{number}", (sku, 1))
        for _ in range(6):
            await line.round()
    for _ in range(12):
        await line.round()
    assert [code == 90 for code in await line.codes("orders")] == [False, True, False, True, True, True]
    works = await line.store.read(lambda tx: list_works(tx, 2**53, 10, None, None))
    assert ("ORD-C-3", "T-1") in {(each.order_no, each.waits_for) for each in works}
    await unblock(line, "A1-1-L-05")
    await line.until_quiet()
    assert await line.codes("orders") == [90] * 6
    assert await line.core.rows("SELECT 1 FROM work_orders WHERE waits_for IS NOT NULL") == []
    assert not await contradictions(line.core)


async def test_containers_whose_places_are_locked_leave_their_stations_room_to_others(store: Store) -> None:
    """Given a station with 2 slots and no queue, and two containers for it that cannot leave their places any more."""
    line = await chain_on(store, stations={"queue": 0})
    await line.store.write(lambda tx: close_station(tx, "station-2", "no light", "Ann"))
    await line.core.products("C", "D")
    for number, sku in enumerate("ABCD"):
        await fill(line, f"T-{sku}", f"A1-1-L-0{number + 1}", **{sku: 10})
    for sku in "AB":
        await order(line, f"C-{sku}", (sku, 1))
    while len(line.gateway.asked) < 2:
        await line.think()
    await block(line, "A1-1-L-01", "A1-1-L-02")
    for sku in "CD":
        await order(line, f"C-{sku}", (sku, 1))
        for _ in range(6):
            await line.round()
    assert await line.codes("orders") == [70, 70, 90, 90]
    await unblock(line, "A1-1-L-01", "A1-1-L-02")
    await line.until_quiet()
    assert await line.codes("orders") == [90] * 4


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_a_station_whose_slots_are_all_locked_gets_no_work(store: Store, sequence: str) -> None:
    line = await chain_on(store, sequence=sequence)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await fill(line, "T-2", "A1-1-L-06", B=10)
    await line.hear()
    await block(line, "S1-1", "S1-2")
    for number, sku in enumerate("ABAB"):
        await order(line, f"C-{number}", (sku, 1))
    await line.round()
    await line.until_quiet()
    assert await line.codes("orders") == [90] * 4
    assert await line.core.rows("SELECT DISTINCT station_id FROM work_orders") == [("station-2",)]
    await unblock(line, "S1-1", "S1-2")
