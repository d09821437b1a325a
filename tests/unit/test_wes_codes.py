"""The codes of S1: each has a name, a header follows from its lines, and no document shows one outside of its range."""

import pytest

from gateway.wes.codes import ENDED, RANGES, Code, header
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

NAMED = {
    10: "ISSUED",
    20: "PREALLOCATION_FAILED",
    30: "PREALLOCATED",
    40: "ALLOCATION_FAILED",
    50: "ALLOCATED",
    60: "WAVE_BUILT",
    70: "RELEASED",
    80: "PICKING",
    90: "PICKED",
    135: "WAITING_FOR_REVIEW",
    140: "REVIEWING",
    150: "REVIEWED",
    190: "SHIPPED",
}


def test_every_code_of_the_source_has_its_name() -> None:
    assert {code.value: code.name for code in Code if 10 <= code <= 190} == NAMED


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([30, 30], 30),
        ([30, 90], 30),
        ([20, 30], 30),
        ([20, 20], 20),
        ([199, 90], 90),
        ([199, 199], 199),
    ],
    ids=str,
)
def test_a_header_has_come_as_far_as_the_least_of_its_living_lines(lines: list[int], expected: int) -> None:
    assert header(map(Code, lines)) == expected


async def in_range(line: Station) -> None:
    for table, (least, most) in RANGES.items():
        for (code,) in await line.core.rows(f"SELECT DISTINCT code FROM {table}"):
            assert least <= code <= most or code in (*ENDED, Code.CANCELLING), table


async def in_step(line: Station, code: Code) -> None:
    """Allocations, work orders, lines and orders stand at the same code (S1-71, S1-73)."""
    for table in ("allocations", "work_orders", "order_lines", "orders"):
        assert await line.core.rows(f"SELECT DISTINCT code FROM {table}") == [(code,)], table


async def test_picking_moves_all_four_documents_together() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 2), ("B", 3))
        operation = await line.bring()
        await in_step(line, Code.RELEASED)
        await line.scan(operation)
        await in_step(line, Code.PICKING)
        await line.work_off(operation)
        await in_step(line, Code.PICKED)
        (package,) = await line.seal_all()
        await line.act("ship", package_ids=[package])
        await in_step(line, Code.SHIPPED)


async def test_from_issue_to_shipment_no_document_leaves_its_range_and_each_stage_has_its_moment() -> None:
    async with station(rules=[{"at": "review", "then": "required"}]) as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await in_range(line)
        operation = await line.bring()
        await in_range(line)
        await line.work_off(operation)
        await in_range(line)
        (package,) = await line.seal_all()
        await line.act("beginReview", package_id=package)
        await in_range(line)
        rows = await line.core.rows("SELECT line_id, quantity FROM package_lines ORDER BY line_id")
        items = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in rows]
        await line.act("review", package_id=package, items=items)
        await line.act("gather", package_id=package, place="LANE-1")
        assert await line.core.rows("SELECT consolidation_id FROM packages") == [("LANE-1",)]
        await line.act("ship", package_ids=[package])
        await in_range(line)
        stages = await line.core.rows(
            "SELECT code, at_us FROM stages WHERE document = 'order' ORDER BY at_us, CAST(code AS BIGINT)"
        )
        assert [int(code) for code, _ in stages] == [10, 30, 70, 80, 90, 135, 140, 150, 190]
        assert await line.core.rows("SELECT quantity, operator FROM picks ORDER BY quantity") == [
            (2, "Ann"),
            (3, "Ann"),
        ]
        assert await line.core.rows("SELECT claimant FROM work_orders") == [("Ann",)]
