"""People at stations on either database, and several of them at once: each piece is picked once, each act done once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from gateway.contract.faults import Refusal
from gateway.kernel.ports import Store
from gateway.wes.alarms import Alarms
from gateway.wes.attention import list_exceptions
from gateway.wes.floor.views import station_view
from gateway.wes.floor.wall import DARK_US
from gateway.wes.floor.watch import Watch
from gateway.wes.orders.declined import Declined
from gateway.wes.planning.rollback import TRIES_MAX
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on

RULES = [{"at": "review", "then": "required"}]


async def begun(line: Station, quantity: int) -> tuple[int, int]:
    """Bring a tote for an order and scan it; returns the operation and the allocation."""
    await fill(line, "T-1", "A1-1-L-05", A=20)
    await order(line, "C-1", ("A", quantity))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    return operation, allocation


async def test_what_waits_for_a_person_is_found_on_either_database(store: Store) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", A=20)
    await order(line, "C-1", ("A", 2))
    for _ in range(TRIES_MAX):
        ((allocation, _),) = await line.scan(await line.bring())
        await line.act("pick", allocation_id=allocation, quantity=1)
        await line.light()
        line.walls.deaf = True
        (operation,) = await line.operations()
        await line.act("reject", operation_id=operation, reason="the page does not answer")
        await line.floor.work()
        line.core.clock.at_us += DARK_US
        await line.floor.work()
        standing = Alarms()
        await Watch(store, line.core.context, standing).work()
        assert list(standing.standing) == ["stillLit"]
        line.walls.deaf = False
        for _ in range(4):
            await line.turn()
    (matter,) = await store.read(lambda tx: list_exceptions(tx, 0, 10))
    assert matter.kind == "rolledBack"
    ((work_id,),) = await line.core.rows("SELECT work_id FROM work_orders WHERE held IS NOT NULL")
    await line.act("resume", work_id=work_id)
    ((allocation, _),) = await line.scan(await line.bring())
    await line.act("pick", allocation_id=allocation, quantity=1)
    await store.write(lambda tx: line.hearing.catch_up(tx, [], [], {}))
    view = await store.read(lambda tx: station_view(tx, line.core.context, "station-1"))
    assert [len(each.tasks) for each in view.operations] == [1]
    assert (view.boxes[0].quantity, view.coming) == (2, ())
    await line.check()


async def outcome(line: Station, act_id: str, kind: str, **fields: Any) -> str:
    try:
        view = await line.again(act_id, kind, **fields)
    except Refusal as refusal:
        return refusal.reasons[0].code
    return "again" if view.again else "done"


async def test_a_day_with_shortage_damage_review_cancellation_and_everything_shipped(store: Store) -> None:
    line = await station_on(store, rules=RULES)
    for number in range(3):
        await fill(line, f"T-{number}", f"A1-{1 + number}-L-05", A=8, B=8)
    for number in range(4):
        await order(line, f"C-{number}", ("A", 2), ("B", 1))
    operation = await line.bring()
    tasks = await line.scan(operation)
    await line.act("short", allocation_id=tasks[0][0], quantity=1)
    await line.act("damaged", allocation_id=tasks[1][0], quantity=1)
    for allocation, quantity in await line.tasks(operation):
        await line.act("pick", allocation_id=allocation, quantity=quantity)
    await line.light()
    first, *others = line.walls.lit()
    number = int(first[1:].split("-")[0])
    slot = line.walls.puts[first].slot
    await line.act("put", put_id=number, slot_id=slot, quantity=line.walls.puts[first].quantity)
    for name in others:
        line.walls.press(name)
    await line.hear()
    await line.act("adjust", put_id=int(others[0][1:].split("-")[0]), quantity=0)
    await line.check()
    await line.cancel("C-0")
    for _ in range(30):
        await line.turn()
        for each in await line.operations():
            await line.work_off(each)
        await line.seal_all()
        for package, line_id, pieces in await line.core.rows(
            "SELECT p.package_id, x.line_id, x.quantity FROM packages p JOIN package_lines x"
            " ON x.package_id = p.package_id WHERE p.code = 135 ORDER BY p.package_id LIMIT 1"
        ):
            lines = await line.core.rows(
                "SELECT line_id, quantity FROM package_lines WHERE package_id = :id", id=package
            )
            items = [{"line_id": key, "quantity": count} for key, count in lines if key != line_id]
            view = await line.act("review", package_id=package, items=items)
            assert view.differs
            items.append({"line_id": line_id, "quantity": pieces})
            await line.act("review", package_id=package, items=items)
        for (package,) in await line.core.rows("SELECT package_id FROM packages WHERE code = 150"):
            await line.act("gather", package_id=package, place="LANE-1")
            await line.act(
                "ship",
                package_ids=[package],
                tracking_no="SF-1",
                weights=[{"package_id": package, "weight_kg": 1.0}],
            )
        for (goods,) in await line.core.rows("SELECT put_back_id FROM put_backs WHERE done_at IS NULL"):
            await line.act("putBack", put_back_id=goods, holder_id="T-0")
        if set(await line.order_codes()) <= {190, 199}:
            break
    assert Counter(await line.order_codes()) == {190: 3, 199: 1}
    await line.check()


async def test_an_act_that_is_sent_many_times_at_once_is_done_once(store: Store) -> None:
    line = await station_on(store)
    _, allocation = await begun(line, 4)
    fields = {"allocation_id": allocation, "quantity": 2}
    outcomes = await asyncio.gather(*(outcome(line, "mine", "pick", **fields) for _ in range(20)))
    assert Counter(outcomes) == {"done": 1, "again": 19}
    await line.check()


async def test_many_hands_take_no_more_than_is_asked_for(store: Store) -> None:
    line = await station_on(store)
    _, allocation = await begun(line, 10)
    kinds = ["pick", "short", "pick", "damaged"] * 6
    outcomes = await asyncio.gather(
        *(
            outcome(line, f"hand-{n}", kind, allocation_id=allocation, quantity=1)
            for n, kind in enumerate(kinds)
        )
    )
    assert outcomes.count("done") <= 12
    await line.light()
    for name in line.walls.lit():
        line.walls.press(name)
    await line.hear()
    await line.check()
    ((quantity, picked, short),) = await line.core.rows(
        "SELECT quantity, picked, short FROM allocations WHERE allocation_id = :id", id=allocation
    )
    assert picked + short == quantity


@pytest.mark.parametrize("round_", range(3))
async def test_a_cancellation_among_many_hands_leaves_the_books_equal(store: Store, round_: int) -> None:
    line = await station_on(store)
    operation, allocation = await begun(line, 8)

    async def cancel() -> str:
        await asyncio.sleep(0.002 * round_)
        try:
            return (await line.cancel("C-1")).status
        except Declined as declined:
            return declined.code.value

    fields = {"allocation_id": allocation, "quantity": 1}
    hands = [outcome(line, f"hand-{n}", "pick", **fields) for n in range(8)]
    status, *_ = await asyncio.gather(cancel(), *hands, cancel())
    assert status in ("CANCELLED", "CANCELLING")
    await line.light()
    for name in line.walls.lit()[:2]:
        line.walls.press(name)
    for _ in range(3):
        await line.turn()
    for (goods,) in await line.core.rows("SELECT put_back_id FROM put_backs WHERE done_at IS NULL"):
        await line.act("putBack", put_back_id=goods, holder_id="T-1")
    await line.act("done", operation_id=operation)
    assert await line.order_codes() == [199]
    assert await line.core.rows("SELECT quantity, reserved, allocated FROM pools") == [(20, 0, 0)]
    assert (await line.told()).count("CANCELLED") == 1
    await line.check()
