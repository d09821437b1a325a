"""What a station is told about a container that has arrived (S0-31), and what a person is shown of it (S3-21)."""

import json

import pytest

from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import station
from tests.unit.test_wes_floor_api import get, pages

pytestmark = pytest.mark.unit


async def test_what_a_station_is_told_names_product_batch_place_order_and_slot() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        await line.bring()
        ((payload, arrived_at),) = await line.core.rows(
            "SELECT o.payload, p.destination FROM operations o JOIN presentations p"
            " ON p.presentation_id = o.presentation_id"
        )
        ((allocation, work, slot),) = await line.core.rows(
            "SELECT a.allocation_id, w.work_id, w.slot_id FROM allocations a"
            " JOIN work_orders w ON w.work_id = a.work_id"
        )
        assert json.loads(payload) == {
            "containerId": "T-1",
            "locationId": arrived_at,
            "wall": "wall-1",
            "tasks": [
                {
                    "allocationId": allocation,
                    "workId": work,
                    "orderNo": "ORD-C-1",
                    "skuId": "A",
                    "lotNo": "A-1",
                    "expiryAt": None,
                    "cell": None,
                    "quantity": 2,
                    "slotId": slot,
                }
            ],
        }


async def test_a_person_is_shown_how_much_of_which_batch_out_of_which_container_goes_into_which_slot() -> (
    None
):
    async with station() as line, pages(line) as http:
        await line.core.products("A", version=2, skuName="Tea", barcodes=["690"])
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        await line.bring()
        (shown,) = (await get(http, "stations/station-1"))["operations"]
        (task,) = shown["tasks"]
        assert (shown["containerId"], shown["locationId"]) == ("T-1", "S1-1")
        named = {key: task[key] for key in ("holderId", "lotNo", "quantity", "name", "barcodes")}
        assert named == {
            "holderId": "T-1",
            "lotNo": "A-1",
            "quantity": 2,
            "name": "Tea",
            "barcodes": ["690"],
        }
        assert task["slotId"].startswith("W1-")
