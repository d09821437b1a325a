"""From a container that has arrived to an order that has left, and what people do in between."""

import pytest

from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import station

pytestmark = pytest.mark.unit


async def test_an_order_is_picked_into_the_wall_sealed_and_shipped() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 2), ("B", 3))
        operation = await line.bring()
        tasks = await line.scan(operation)
        assert sorted(quantity for _, quantity in tasks) == [2, 3]
        assert await line.order_codes() == [80]
        for allocation_id, quantity in tasks:
            await line.act("pick", allocation_id=allocation_id, quantity=quantity)
        assert await line.refused("done", operation_id=operation) == "notDone"
        await line.light()
        assert sorted(line.walls.puts[name].quantity for name in line.walls.lit()) == [2, 3]
        for name in line.walls.lit():
            line.walls.press(name)
        await line.hear()
        assert await line.order_codes() == [90]
        await line.act("done", operation_id=operation)
        (package,) = await line.seal_all()
        assert await line.order_codes() == [150]
        await line.check()
        await line.act("ship", package_ids=[package], tracking_no="SF-1", weight_kg=1.5)
        assert await line.order_codes() == [190]
        assert await line.told() == ["RECEIVED", "PICKING", "SHIPPED"]
        assert (await line.core.told())[-1]["trackingNo"] == "SF-1"
        assert await line.core.rows("SELECT quantity, reserved, allocated, held FROM pools ORDER BY sku") == [
            (8, 0, 0, 0),
            (7, 0, 0, 0),
        ]
        await line.check()
