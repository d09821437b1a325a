"""Static waves, on both databases (S0-47)."""

from gateway.kernel.ports import Store
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import begun, put, station_on


async def test_what_came_short_in_a_static_wave_and_waits_for_stock_holds_up_no_later_wave(
    store: Store,
) -> None:
    line = await station_on(store, grouping="static")
    operation, allocation = await begun(line, there=4)
    await put(line, allocation, 3)
    await line.act("short", allocation_id=allocation, quantity=1)
    await line.act("done", operation_id=operation)
    await fill(line, "T-2", "A1-2-L-05", B=10)
    line.walls.tell_place("T-2")
    await order(line, "C-2", ("B", 2))
    await line.finish()
    assert await line.order_codes() == [30, 190]
    await fill(line, "T-3", "A1-2-L-06", A=10)
    line.walls.tell_place("T-3")
    await line.lacking.work()
    await line.finish()
    assert await line.order_codes() == [190, 190]
    await line.check()
