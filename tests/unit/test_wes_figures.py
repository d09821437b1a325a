"""A simulated supplier's totes, and the figures of a WES that the live view shows."""

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.wes_inbound import inbound_routes
from gateway.api.wms import wms_routes
from gateway.wes.codes import Code
from gateway.wes.core import WesCore
from gateway.wes.figures import Figures, read_figures
from sim_devices.clock import seeded
from sim_devices.supplier import SimulatedSupplier
from tests.unit.chain_rig import Chain, chain, contradictions, fill, order
from tests.unit.wes_rig import WAREHOUSE

pytestmark = pytest.mark.unit


async def figures(line: Chain) -> Figures:
    return await line.core.store.read(lambda tx: read_figures(tx, WAREHOUSE))


async def test_pile_on_is_what_was_picked_per_tote_that_came() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        before = await figures(line)
        assert (before.pile_on, before.quantity, before.promised, before.orders) == (None, 10, 0, {})
        for name in ("C-1", "C-2"):
            await order(line, name, ("A", 2))
        promised = await figures(line)
        assert (promised.promised, promised.orders) == (4, {Code.PREALLOCATED: 2})
        await line.until_quiet()
        after = await figures(line)
        assert (after.picked, after.presentations, after.pile_on) == (4, 1, 4.0)


async def test_a_container_at_a_station_is_shown_there() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await order(line, "C-1", ("A", 2))
        while not (await figures(line)).at_stations:
            await line.think()
            line.gateway.step()
            await line.hear()
        assert list((await figures(line)).at_stations.values()) == [1]


async def test_a_supplier_fills_every_tote_once() -> None:
    async with chain() as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        app.include_router(inbound_routes(core))
        app.include_router(wms_routes(core))
        totes = [f"T-{number}" for number in range(10)]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
            await SimulatedSupplier(http, seeded(1, "supplier")).fill(totes)
            filled = await figures(line)
            await SimulatedSupplier(http, seeded(1, "supplier")).fill(totes)
        assert filled.quantity > 0
        assert await figures(line) == filled
        rows = await line.core.rows("SELECT DISTINCT holder_id FROM positions ORDER BY holder_id")
        assert [row[0] for row in rows] == totes
        assert await contradictions(line.core) == []
