"""A package tells who gets it, and by whom, to whoever prints its label."""

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_labels import label_routes
from gateway.wes.core import WesCore
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import station

pytestmark = pytest.mark.unit


async def test_a_label_shows_the_address_and_the_carrier_of_the_order() -> None:
    async with station() as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        app.include_router(label_routes(core))
        add_problem_handlers(app)
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2), carrierCode="SF", serviceType="express")
        await line.work_off(await line.bring())
        (package,) = await line.seal_all()
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://wes/v1/wes"
        ) as http:
            label = (await http.get(f"/packages/{package}/label")).json()
            assert (await http.get("/packages/4711/label")).status_code == 404
        assert (label["packageId"], label["orderNo"]) == (package, "ORD-C-1")
        assert [
            label[name] for name in ("consignee", "phone", "province", "city", "district", "address")
        ] == [
            "Li Lei",
            "13800000000",
            "Zhejiang",
            "Hangzhou",
            "Xihu",
            "1 Wensan Road",
        ]
        assert (label["carrierCode"], label["serviceType"], label["trackingNo"]) == ("SF", "express", None)
