"""From boxes to a shipped order: seal, review, gather, ship; and goods that are known by number."""

import pytest
from pydantic import ValidationError

from gateway.kernel.ports import Tx
from gateway.wes.stock.model import Holder, HolderKind, Portion
from gateway.wes.stock.opening import Batch, open_holder, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from tests.unit.chain_rig import fill, order
from tests.unit.feeding import START_US
from tests.unit.station_rig import Station, begun, picked, put, shelf, station
from tests.unit.wes_rig import WAREHOUSE, act

pytestmark = pytest.mark.unit


REVIEWED = {"rules": [{"at": "review", "then": "required"}]}


async def sealed(line: Station, quantity: int = 4) -> tuple[int, int]:
    """Pick an order and seal it; returns the package and its line."""
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", quantity))
    await line.work_off(await line.bring())
    (package,) = await line.seal_all()
    ((line_id,),) = await line.core.rows("SELECT line_id FROM order_lines")
    return package, line_id


async def test_a_package_is_reviewed_where_the_rule_says_so() -> None:
    async with station(**REVIEWED) as line:
        package, line_id = await sealed(line)
        assert await line.order_codes() == [135]
        assert await line.refused("ship", package_ids=[package]) == "notReady"
        await line.act("beginReview", package_id=package)
        assert await line.order_codes() == [140]
        view = await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 4}])
        assert view.differs is False
        assert await line.order_codes() == [150]


async def test_mixed_boxes_of_distribution_are_reviewed_those_of_production_and_whole_cases_are_not() -> None:
    rules = [
        {"at": "audit.packaging", "then": "case"},
        {"at": "review", "when": {"ext.business": "distribution"}, "then": "required"},
        {"at": "review", "then": "skipped"},
        {"at": "picking", "then": "flat"},
    ]
    async with station(rules=rules) as line:
        await line.core.products("A", units_per_case=6, version=2)
        await shelf(line, "PALLET-1", A=60)
        await order(line, "C-1", ("A", 14), extInfo={"business": "distribution"})
        await order(line, "C-2", ("A", 2), extInfo={"business": "production"})
        await line.turn()
        for cases in (False, False, True):
            assert (await line.act("claim", cases=cases)).work_ids
        for allocation, quantity in await line.core.rows("SELECT allocation_id, quantity FROM allocations"):
            await line.act("pick", allocation_id=allocation, quantity=quantity)
        await line.seal_all()
        boxes = await line.core.rows(
            "SELECT o.oms_order_no, p.kind, p.code FROM packages p JOIN orders o ON o.order_id = p.order_id"
            " ORDER BY o.order_id, p.kind"
        )
        assert boxes == [("ORD-C-1", "case", 150), ("ORD-C-1", "mixed", 135), ("ORD-C-2", "mixed", 150)]
        assert await line.order_codes() == [135, 150]
        await line.check()


async def test_a_difference_is_told_and_a_second_count_settles_it() -> None:
    async with station(**REVIEWED) as line:
        package, line_id = await sealed(line)
        view = await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 5}])
        assert view.differs
        assert await line.order_codes() == [140]
        assert (await line.told())[-1] == "EXCEPTION"
        assert await line.refused("accept", package_id=package) == "surplus"
        await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 4}])
        assert await line.order_codes() == [150]
        assert await line.core.rows("SELECT COUNT(*) FROM order_exceptions WHERE settled_at IS NULL") == [
            (0,)
        ]


async def test_what_a_review_misses_is_held_and_picked_again() -> None:
    async with station(**REVIEWED) as line:
        package, line_id = await sealed(line)
        await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 3}])
        await line.act("accept", package_id=package)
        await line.check()
        assert await picked(line) == [(1, 3, 0)]
        for _ in range(10):
            await line.turn()
            for operation in await line.operations():
                await line.work_off(operation)
        (second,) = await line.seal_all()
        await line.act("review", package_id=second, items=[{"line_id": line_id, "quantity": 1}])
        await line.act("ship", package_ids=[package, second])
        assert await line.order_codes() == [190]
        assert await line.core.rows("SELECT held FROM positions WHERE holder_id LIKE '%PICK_TO'") == [(1,)]
        await line.check()


async def test_a_review_that_finds_nothing_leaves_no_package() -> None:
    async with station(**REVIEWED) as line:
        package, _ = await sealed(line)
        await line.act("review", package_id=package, items=[])
        await line.act("accept", package_id=package)
        assert await line.core.rows("SELECT code FROM packages") == [(199,)]
        assert await picked(line) == [(4, 0, 0)]
        await line.check()


async def test_an_order_may_leave_by_itself() -> None:
    async with station(rules=[{"at": "shipping", "then": "automatic"}]) as line:
        await sealed(line)
        assert await line.order_codes() == [190]
        assert await line.told() == ["RECEIVED", "PICKING", "SHIPPED"]
        await line.check()


async def test_upstream_hears_of_each_box_and_of_the_order_with_the_last() -> None:
    rules = [{"at": "feedback", "then": "box"}]
    async with station(rules=rules) as line:
        operation, allocation = await begun(line)
        await put(line, allocation, 3)
        ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
        first = (await line.act("seal", work_id=work)).package_id
        await put(line, allocation, 1)
        await line.act("done", operation_id=operation)
        second = (await line.act("seal", work_id=work)).package_id
        await line.act("gather", package_id=second, place="LANE-1")
        await line.act("ship", package_ids=[first], tracking_no="SF-1")
        assert await line.order_codes() == [150]
        await line.check()
        await line.act("ship", package_ids=[second], tracking_no="SF-2")
        assert await line.order_codes() == [190]
        told = [(each["status"], each.get("packageCount")) for each in await line.core.told()]
        assert told[2:] == [("PACKAGE_SHIPPED", 1), ("SHIPPED", 2)]
        await line.check()


async def test_packages_that_are_shipped_together_are_weighed_one_by_one() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 1))
        await order(line, "C-2", ("A", 2))
        await line.work_off(await line.bring())
        packages = await line.seal_all()
        weights = [
            {"package_id": package, "weight_kg": weight}
            for package, weight in zip(packages, (1.5, 2.5), strict=True)
        ]
        with pytest.raises(ValidationError, match="and no others"):
            await line.act("ship", package_ids=packages[:1], weights=weights)
        await line.act("ship", package_ids=packages, weights=weights)
        told = [each["weight"] for each in await line.core.told() if each["status"] == "SHIPPED"]
        assert told == [1.5, 2.5]


async def test_a_sealed_slot_is_free_for_the_next_order() -> None:
    async with station() as line:
        await sealed(line)
        assert await line.core.rows("SELECT COUNT(*) FROM wall_slots WHERE work_id IS NOT NULL") == [(0,)]


async def test_an_empty_box_is_not_sealed() -> None:
    async with station() as line:
        await begun(line)
        ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
        assert await line.refused("seal", work_id=work) == "empty"


async def serial_tote(line: Station, *upns: str) -> int:
    """Bring a tote of pieces that each have a number, for an order of two; returns the allocation."""
    core = line.core

    async def job(tx: Tx) -> None:
        await open_holder(tx, Holder(holder_id="T-1", kind=HolderKind.CONTAINER, warehouse_id=WAREHOUSE))
        batch = Batch(warehouse_id=WAREHOUSE, owner_id="me", sku="A", received_at=START_US, serial=True)
        lot = await open_lot(tx, core.context.ids, batch)
        await post(tx, receive(act(core.context), lot, Portion("T-1", lot.lot_id, len(upns), upns)))

    line.walls.places["T-1"] = "A1-1-L-05"
    await core.store.write(job)
    await order(line, "C-1", ("A", 2))
    ((allocation, _),) = await line.scan(await line.bring())
    return allocation


async def test_pieces_with_numbers_go_into_the_wall_one_at_a_time_and_leave_with_their_numbers() -> None:
    async with station() as line:
        allocation = await serial_tote(line, "U-1", "U-2", "U-3")
        pick = {"allocation_id": allocation, "quantity": 1}
        assert await line.refused("pick", **pick) == "unitsMissing"
        assert await line.refused("pick", **pick, upns=["U-9"]) == "unknownUnit"
        both = {"allocation_id": allocation, "quantity": 2, "upns": ["U-1", "U-2"]}
        assert await line.refused("pick", **both) == "oneAtATime"
        await line.act("pick", **pick, upns=["U-3"])
        assert await line.refused("pick", **pick, upns=["U-3"]) == "lit"
        await line.act("pick", **pick, upns=["U-1"])
        await line.light()
        for name in line.walls.lit():
            line.walls.press(name)
        await line.hear()
        (package,) = await line.seal_all()
        await line.act("ship", package_ids=[package])
        units = await line.core.rows("SELECT upn, holder_id FROM units ORDER BY upn")
        assert units == [("U-1", "SHIPPED"), ("U-2", "T-1"), ("U-3", "SHIPPED")]
        await line.check()


async def test_a_cancelled_orders_units_come_back_by_their_numbers() -> None:
    async with station() as line:
        allocation = await serial_tote(line, "U-1", "U-2", "U-3")
        await line.act("pick", allocation_id=allocation, quantity=1, upns=["U-2"])
        await line.light()
        line.walls.press(line.walls.lit()[0])
        await line.hear()
        await line.cancel("C-1")
        ((number, upns),) = await line.core.rows("SELECT put_back_id, upns FROM put_backs")
        assert upns == '["U-2"]'
        await line.act("putBack", put_back_id=number, holder_id="T-1")
        assert await line.core.rows("SELECT DISTINCT holder_id FROM units") == [("T-1",)]
        assert await line.order_codes() == [199]
        await line.check()


async def test_a_unit_that_was_told_wrong_is_in_its_container_again() -> None:
    async with station() as line:
        allocation = await serial_tote(line, "U-1", "U-2", "U-3")
        view = await line.act("pick", allocation_id=allocation, quantity=1, upns=["U-2"])
        await line.light()
        line.walls.press(line.walls.lit()[0])
        await line.hear()
        await line.act("adjust", put_id=view.put_id, quantity=0)
        assert await line.core.rows("SELECT DISTINCT holder_id FROM units") == [("T-1",)]
        await line.check()
