"""From work orders to containers at stations and back, each once."""

import pytest

from tests.unit.chain_rig import chain, contradictions, fill, order

pytestmark = pytest.mark.unit


async def test_a_tote_comes_to_a_station_for_an_order_and_goes_back() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await line.think()
        assert await line.codes() == [70]
        assert await line.codes("orders") == [70]
        assert await line.states() == [("T-1", "pick", "sent")]
        line.gateway.step()
        await line.hear()
        assert await line.states() == [("T-1", "pick", "arrived")]
        assert line.gateway.places["T-1"] == "S1-1"
        await line.serve()
        await line.think()
        assert await line.states() == [("T-1", "pick", "done"), ("T-1", "return", "sent")]
        await line.until_quiet()
        assert line.gateway.places["T-1"].startswith("A1-")
        assert await line.codes("orders") == [90]
        assert not await contradictions(line.core)
