"""Work without a station: on foot, whole cases, and what the gateway's side chooses."""

from functools import partial

import pytest

from gateway.contract.stations import AssignedPart
from gateway.kernel.ports import Tx
from gateway.wes.floor.claims import arrive
from gateway.wes.floor.views import list_claimed
from gateway.wes.stock.model import Holder, HolderKind, Portion
from gateway.wes.stock.opening import Batch, open_holder, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, shelf, station
from tests.unit.wes_rig import WAREHOUSE, act

pytestmark = pytest.mark.unit


async def test_people_on_foot_get_the_most_pressing_work_that_they_can_carry() -> None:
    async with station(rules=[{"at": "picking", "then": "flat"}]) as line:
        await shelf(line, A=100)
        for name, quantity, priority in (("C-1", 3, 1), ("C-2", 9, 5), ("C-3", 2, 5), ("C-4", 4, 5)):
            await order(line, name, ("A", quantity), priority=priority)
        await line.turn()
        claimed: list[int] = []
        for units in (5, 5, 5, 5):
            for work in (await line.act("claim", units=units)).work_ids or ():
                sql = "SELECT quantity FROM work_lines WHERE work_id = :id"
                claimed.append((await line.core.rows(sql, id=work))[0][0])
        assert claimed == [4, 2, 3]
        assert (await line.act("claim")).work_ids is not None
        assert (await line.act("claim")).work_ids == ()
        await line.check()


async def test_what_somebody_on_foot_has_taken_on_is_listed_until_it_is_sealed() -> None:
    async with station(rules=[{"at": "picking", "then": "flat"}]) as line:
        await shelf(line, A=100)
        await order(line, "C-1", ("A", 3))
        await order(line, "C-2", ("A", 4))
        await line.turn()

        async def listed(claimant: str) -> list[tuple[str, list[int]]]:
            works = await line.store.read(lambda tx: list_claimed(tx, line.core.context, claimant, 0, 10))
            return [(work.order_no, [task.rest for task in work.tasks]) for work in works]

        assert await listed("Ann") == []
        await line.act("claim", units=4)
        assert await listed("Ann") == [("ORD-C-2", [4])]
        assert await listed("Bob") == []
        ((allocation,),) = await line.core.rows("SELECT allocation_id FROM allocations WHERE quantity = 4")
        await line.act("pick", allocation_id=allocation, quantity=4)
        assert await listed("Ann") == [("ORD-C-2", [0])], "it is still to be sealed"
        await line.seal_all()
        assert await listed("Ann") == []


async def test_whole_cases_are_claimed_place_by_place_and_become_work_then() -> None:
    rules = [{"at": "audit.packaging", "then": "case"}, {"at": "review", "then": "required"}]
    async with station(rules=rules) as line:
        await line.core.products("A", unitsPerCase=6, version=2)
        await shelf(line, "PALLET-1", A=6)
        await shelf(line, "PALLET-2", A=12)
        await order(line, "C-1", ("A", 18))
        await line.turn()
        works = [(await line.act("claim", cases=True)).work_ids for _ in range(3)]
        assert works[2] == ()
        assert len({work for each in works for work in each or ()}) == 2
        for allocation, quantity in await line.core.rows("SELECT allocation_id, quantity FROM allocations"):
            await line.act("pick", allocation_id=allocation, quantity=quantity)
        await line.seal_all()
        assert await line.core.rows("SELECT DISTINCT kind FROM packages") == [("case",)]
        assert await line.order_codes() == [150], "whole cases are never reviewed"
        await line.check()


async def test_a_case_is_of_one_lot_and_what_no_lot_has_a_whole_one_of_is_picked_as_pieces() -> None:
    rules = [{"at": "audit.packaging", "then": "case"}, {"at": "picking", "then": "flat"}]
    async with station(rules=rules) as line:
        await line.core.products("A", unitsPerCase=6, version=2)
        for lot_no, quantity in (("A-1", 4), ("A-2", 8), ("A-3", 6)):
            await lay(line, lot_no, quantity)
        await order(line, "C-1", ("A", 18))
        await line.turn()
        bound = await line.core.rows(
            "SELECT w.mode, l.lot_no, a.quantity FROM allocations a JOIN lots l ON l.lot_id = a.lot_id"
            " JOIN work_orders w ON w.work_id = a.work_id ORDER BY w.mode, l.lot_no"
        )
        assert bound == [
            ("flat", "A-1", 4),
            ("flat", "A-2", 2),
            ("fullCase", "A-2", 6),
            ("fullCase", "A-3", 6),
        ]
        await line.check()


async def lay(line: Station, lot_no: str, quantity: int) -> None:
    """Put a lot of A on a pallet of its own."""
    context = line.core.context
    pallet = Holder(
        holder_id=f"PALLET-{lot_no}", kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id="P"
    )

    async def job(tx: Tx) -> None:
        await open_holder(tx, pallet)
        batch = Batch(
            warehouse_id=WAREHOUSE, owner_id="me", sku="A", received_at=context.clock.now_us(), lot_no=lot_no
        )
        lot = await open_lot(tx, context.ids, batch)
        await post(tx, receive(act(context), lot, Portion(pallet.holder_id, lot.lot_id, quantity)))

    await line.store.write(job)


async def test_a_black_box_tells_which_container_it_chose_and_may_split() -> None:
    async with station(rules=[{"at": "picking", "then": "blackBox"}]) as line:
        await fill(line, "T-1", "A1-1-L-05", A=3)
        await fill(line, "T-2", "A1-1-L-06", A=3)
        await order(line, "C-1", ("A", 4))
        await line.turn()
        ((allocation,),) = await line.core.rows("SELECT allocation_id FROM allocations")
        for tote, quantity in (("T-1", 3), ("T-2", 1)):
            parts = [AssignedPart(allocation_id=allocation, quantity=quantity, cell="1")]
            job = partial(
                arrive,
                context=line.core.context,
                container_id=tote,
                station_id="station-1",
                location_id="S1-1",
                parts=parts,
            )
            await line.store.write(job)
            await line.check()
            (operation,) = await line.operations()
            await line.work_off(operation)
            rows = await line.core.rows("SELECT allocation_id FROM allocations WHERE holder_id IS NULL")
            allocation = rows[0][0] if rows else 0
        assert await line.order_codes() == [90]
        await line.check()
