"""Pieces that are known by number before a lit slot: a button is heard whatever has become of the piece meanwhile."""

from functools import partial

import pytest

from gateway.contract.corrections import MoveGoods
from gateway.contract.inbound import Receive
from gateway.wes.corrections import correct
from gateway.wes.inbound import take_in
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, picked, questions, station

pytestmark = pytest.mark.unit

UNITS = ("U-1", "U-2", "U-3")


async def lit(line: Station) -> int:
    """One of three numbered pieces is in a hand before a lit slot; returns its allocation."""
    await line.core.products("A", serial_tracked=True, version=2)
    await fill(line, "T-2", "A1-1-L-06")
    goods = {"skuId": "A", "quantity": 3, "lotNo": "A-1", "upns": UNITS}
    body = {"actId": "in", "operator": "Dora", "holderId": "T-1", "lines": [goods]}
    request = Receive.model_validate(body)
    await line.store.write(partial(take_in, context=line.core.context, request=request))
    line.gateway.places["T-1"] = "A1-1-L-05"
    await order(line, "C-1", ("A", 1))
    ((allocation, _),) = await line.scan(await line.bring())
    await line.act("pick", allocation_id=allocation, quantity=1, upns=["U-1"])
    await line.light()
    return allocation


async def test_a_piece_that_the_books_have_elsewhere_by_now_is_taken_out_again_and_the_feed_goes_on() -> None:
    async with station() as line:
        allocation = await lit(line)
        body = {"actId": "move", "operator": "Bob", "reason": "tidied up", "skuId": "A", "lotNo": "A-1"}
        where = {"holderId": "T-1", "targetId": "T-2", "quantity": 1, "upns": ["U-1"]}
        request = MoveGoods.model_validate(body | where)
        await line.store.write(partial(correct, context=line.core.context, request=request))
        line.walls.press(line.walls.lit()[0])
        await line.hear()
        assert [kind for kind, _ in await questions(line)] == ["unwanted"]
        assert await picked(line) == [(1, 0, 0)]
        await line.act("pick", allocation_id=allocation, quantity=1, upns=["U-2"])
        await line.light()
        line.walls.press(line.walls.lit()[0])
        await line.hear()
        assert await picked(line) == [(0, 1, 0)]
        await line.check()
