"""Two acts at the same moment on PostgreSQL: whatever gets between two statements of one, each happens wholly or not at all.

In SQLite one transaction follows the other. Where one may halt here was found by trying every statement; some are kept.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest
from pydantic_core import from_json

from gateway.contract.acts import ActView
from gateway.contract.faults import Refusal
from gateway.contract.inbound import Store as StoreContainer
from gateway.contract.puts import PutStatus
from gateway.contract.wms import CancelCommand
from gateway.kernel.ports import Row, Store
from gateway.wes.codes import PutState
from gateway.wes.floor.acts import perform
from gateway.wes.floor.cancel import cancel
from gateway.wes.floor.wall import DARK_US, LOOK_US, Wall
from gateway.wes.inbound import store_container
from gateway.wes.planning.home import bring_strays_home
from gateway.wes.planning.plan import Planner
from gateway.wes.planning.rollback import advance, begin_rollback
from gateway.wes.stock.model import Holder, HolderKind
from gateway.wes.upstream.sync import sync_changed
from tests.unit.chain_rig import fill, fill_holder, goods_in_receiving, order, put_into
from tests.unit.station_rig import ACT, Station, begun, questions, shelf, station_on
from tests.unit.wes_rig import WAREHOUSE
from tests.wes.between import between

pytestmark = pytest.mark.parametrize("store", ["postgres"], indirect=True)

Doing = Callable[[Store], Awaitable[Any]]


def acting(line: Station, kind: str, operator: str, **fields: Any) -> Doing:
    body = {"act": kind, "act_id": f"{kind}-{operator}", "operator": operator} | fields
    act = ACT.validate_python(body)
    return lambda store: store.write(partial(perform, context=line.core.context, act=act))


def cancelling(line: Station) -> Doing:
    request = CancelCommand(order_no="ORD-C-1", reason="not wanted")
    return lambda store: store.write(partial(cancel, context=line.core.context, request=request))


def hearing(line: Station, heard: int) -> Doing:
    return lambda store: store.write(partial(line.hearing.hear, events=line.walls.events[heard:]))


async def both(
    store: Store, before: int, outer: Doing, inner: Doing, refusal: str | None = None
) -> list[Any]:
    """Do both acts; at most one is refused, for this reason."""
    reached, outcomes = await between(store, before, outer, inner)
    assert reached, "there are so many statements"
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            assert outcome.reasons[0].code == refusal
        elif isinstance(outcome, BaseException):
            raise outcome
    return outcomes


# ── a cancellation ────────────────────────────────────────────────────────────────────────────────────


async def rolled_back(line: Station, steps: int) -> Doing:
    """One of four pieces is picked, and the container is given up: so many steps of its rollback are done; returns the next."""
    operation, allocation = await begun(line)
    await line.act("pick", allocation_id=allocation, quantity=1)
    await line.light()
    line.walls.press(line.walls.lit()[0])
    await line.hear()
    await line.act("reject", operation_id=operation, reason="the page does not answer")
    ((number,),) = await line.core.rows("SELECT rollback_id FROM rollbacks")
    step = partial(advance, context=line.core.context, rollback_id=number)
    for _ in range(steps):
        await line.store.write(step)
    return lambda store: store.write(step)


async def is_cancelled(line: Station) -> None:
    """The order ends as cancelled, and all its goods are free."""
    for _ in range(4):
        await line.turn()
    for (goods,) in await line.core.rows("SELECT put_back_id FROM put_backs WHERE done_at IS NULL"):
        await line.act("putBack", put_back_id=goods, holder_id="T-1")
    await line.turn()
    assert await line.order_codes() == [199]
    assert await line.core.rows("SELECT reserved, allocated FROM pools WHERE sku = 'A'") == [(0, 0)]
    await line.check()


@pytest.mark.parametrize(("steps", "before"), [(0, 5), (1, 5), (2, 6)])
async def test_an_order_is_cancelled_while_its_container_is_rolled_back(
    store: Store, steps: int, before: int
) -> None:
    line = await station_on(store)
    step = await rolled_back(line, steps)
    await both(store, before, step, cancelling(line))
    await is_cancelled(line)


@pytest.mark.parametrize(("steps", "before"), [(0, 13), (1, 25), (3, 40)])
async def test_a_container_is_rolled_back_while_its_order_is_cancelled(
    store: Store, steps: int, before: int
) -> None:
    line = await station_on(store)
    step = await rolled_back(line, steps)
    await both(store, before, cancelling(line), step)
    await is_cancelled(line)


@pytest.mark.parametrize("is_there_again", [False, True])
@pytest.mark.parametrize("before", [5, 9])
async def test_an_order_that_is_cancelled_while_its_shortage_is_settled_does_not_come_back(
    store: Store, before: int, is_there_again: bool
) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", B=1)
    lot_id = await goods_in_receiving(line, "A", 5)
    await order(line, "C-1", ("A", 3))
    await line.hear()
    if is_there_again:
        await line.planner.work()
        assert await line.codes() == [40]
        await put_into(line, "T-1", lot_id, 5)

    async def plan(halting: Store) -> None:
        await Planner(halting, line.core.context, line.allocator, lambda _: None).work()

    await both(store, before, plan, cancelling(line))
    await is_cancelled(line)


async def shared(line: Station) -> Doing:
    """A tote is on its way for one order, and another one waits that wants something else out of it; returns the planning."""
    await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
    await order(line, "C-1", ("A", 4))
    await line.think()
    await order(line, "C-2", ("B", 2))
    return lambda store: Planner(store, line.core.context, line.allocator, lambda _: None).work()


@pytest.mark.parametrize("before", [32, 33])
async def test_a_tote_that_is_called_back_while_another_order_shares_it_comes_for_that_one(
    store: Store, before: int
) -> None:
    line = await station_on(store)
    await both(store, before, await shared(line), cancelling(line))
    await line.finish()
    assert await line.order_codes() == [199, 190]
    await line.check()


@pytest.mark.parametrize("before", [60, 64])
async def test_an_order_shares_a_tote_at_the_moment_in_which_it_is_called_back(
    store: Store, before: int
) -> None:
    line = await station_on(store)
    await both(store, before, cancelling(line), await shared(line))
    await line.finish()
    assert await line.order_codes() == [199, 190]
    await line.check()


@pytest.mark.parametrize(("before", "swapped"), [(5, False), (11, False), (61, True)])
async def test_a_tote_arrives_while_its_order_is_cancelled(store: Store, before: int, swapped: bool) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 4))
    await line.think()
    heard = len(line.walls.events)
    line.walls.step()
    outer, inner = hearing(line, heard), cancelling(line)
    if swapped:
        outer, inner = inner, outer
    await both(store, before, outer, inner)
    await line.hear()
    await is_cancelled(line)


@pytest.mark.parametrize("before", [3, 6])
async def test_a_button_that_is_pressed_while_its_container_is_rolled_back_counts_once(
    store: Store, before: int
) -> None:
    line = await station_on(store)
    _, allocation = await begun(line)
    await line.act("pick", allocation_id=allocation, quantity=2)
    await line.light()
    heard = len(line.walls.events)
    line.walls.press(line.walls.lit()[0])
    ((standing,),) = await line.core.rows("SELECT presentation_id FROM presentations WHERE state = 'arrived'")
    context = line.core.context
    await store.write(
        partial(begin_rollback, context=context, presentation_id=standing, reason="it is closed")
    )
    ((number,),) = await line.core.rows("SELECT rollback_id FROM rollbacks")
    step = partial(advance, context=context, rollback_id=number)
    await store.write(step)
    await both(store, before, lambda halting: halting.write(step), hearing(line, heard))
    await line.check()
    await line.finish()
    assert await line.order_codes() == [190]
    await line.check()


async def stray(line: Station) -> tuple[Doing, Doing]:
    """A container stands at a station for nothing; returns that a person has it stored, and that it goes home by itself."""
    await fill(line, "T-1", "S1-1", A=1)
    await line.hear()
    context = line.core.context
    body = {"actId": "home", "operator": "Ann", "containerId": "T-1"}
    request = StoreContainer.model_validate(body)
    return (
        lambda store: store.write(partial(store_container, context=context, request=request)),
        lambda store: store.write(partial(bring_strays_home, context=context)),
    )


@pytest.mark.parametrize("before", [3, 10])
async def test_a_container_is_stored_by_a_person_at_the_moment_in_which_it_goes_home(
    store: Store, before: int
) -> None:
    line = await station_on(store)
    by_hand, by_itself = await stray(line)
    await both(store, before, by_hand, by_itself, refusal="overtaken" if before > 3 else "busy")
    assert await line.states() == [("T-1", "return", "called")]


async def test_a_container_goes_home_at_the_moment_in_which_a_person_has_it_stored(store: Store) -> None:
    line = await station_on(store)
    by_hand, by_itself = await stray(line)
    await both(store, 8, by_itself, by_hand)
    assert await line.states() == [("T-1", "putaway", "called")]


# ── people ────────────────────────────────────────────────────────────────────────────────────────────


async def claimed(line: Station, before: int, **which: Any) -> list[tuple[int, ...]]:
    """Let two people claim work at the same moment; returns what each of them got."""
    outer, inner = (acting(line, "claim", name, **which) for name in ("Ann", "Bob"))
    views: Sequence[ActView] = await both(line.store, before, outer, inner)
    return [view.work_ids or () for view in views]


@pytest.mark.parametrize("before", [3, 5, 12])
async def test_two_people_never_get_the_cases_of_one_place(store: Store, before: int) -> None:
    line = await station_on(store, rules=[{"at": "audit.packaging", "then": "case"}])
    await line.core.products("A", units_per_case=6, version=2)
    await shelf(line, "FLAT-1", A=12)
    await shelf(line, "FLAT-2", A=12)
    await order(line, "C-1", ("A", 24))
    await line.turn()
    first, second = await claimed(line, before, cases=True)
    assert first and second and first != second
    assert await line.codes() == [80, 80]
    await line.check()


@pytest.mark.parametrize("before", [3, 5, 12])
async def test_who_is_too_late_for_one_work_order_gets_the_next(store: Store, before: int) -> None:
    line = await station_on(store, rules=[{"at": "picking", "then": "flat"}])
    await shelf(line, "FLAT-1", A=12)
    await order(line, "C-1", ("A", 2))
    await order(line, "C-2", ("A", 2))
    await line.turn()
    first, second = await claimed(line, before)
    assert first and second and first != second
    await line.check()


@pytest.mark.parametrize("before", [3, 4])
async def test_a_replenishment_is_given_up_while_pieces_of_it_are_put_down(store: Store, before: int) -> None:
    move = {"at": "move", "then": {"pick": "A1-4-R-1?", "reserve": "A1-4-R-0?"}}
    line = await station_on(store, rules=[{"at": "picking", "then": "flat"}, move])
    for place, quantity in (("A1-4-R-10", 3), ("A1-4-R-01", 30)):
        flat = Holder(holder_id=place, kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id=place)
        await fill_holder(line.core, flat, A=quantity)
    await order(line, "C-1", ("A", 5))
    await line.turn()
    ((number,),) = await line.core.rows("SELECT replenishment_id FROM replenishments")
    await line.act("beginReplenishment", replenishment_id=number)
    giving_up = acting(line, "endReplenishment", "Ann", replenishment_id=number, reason="no room")
    where = {"holder_id": "A1-4-R-10", "quantity": 1}
    putting = acting(line, "replenish", "Ann", replenishment_id=number, **where)
    await both(store, before, giving_up, putting, refusal="hasEnded")
    told = await line.core.rows("SELECT state, moved FROM replenishments")
    assert list(told) in ([("done", 1)], [("withdrawn", 0)])
    await line.check()


# ── the wall ──────────────────────────────────────────────────────────────────────────────────────────


async def is_put_once(line: Station) -> None:
    """What a put tells is what was picked by it, also after it was looked up; the books agree."""
    for _ in range(2):
        await line.turn()
        line.core.clock.at_us += LOOK_US
    await line.turn()
    puts: Sequence[Row] = await line.core.rows(
        "SELECT state, COALESCE(confirmed, 0), CAST(COALESCE((SELECT SUM(k.quantity) FROM picks k"
        " WHERE k.put_id = wall_puts.put_id), 0) AS BIGINT) FROM wall_puts"
    )
    assert list(puts) == [(PutState.CONFIRMED, 2, 2)]
    await line.check()


@pytest.mark.parametrize("before", [3, 5])
async def test_a_slot_is_withdrawn_while_its_button_is_heard(store: Store, before: int) -> None:
    line = await station_on(store)
    _, allocation = await begun(line)
    view = await line.act("pick", allocation_id=allocation, quantity=2)
    await line.light()
    heard = len(line.walls.events)
    line.walls.press(line.walls.lit()[0])
    withdrawing = acting(line, "withdraw", "Ann", put_id=view.put_id)
    await both(store, before, withdrawing, hearing(line, heard), refusal="hasEnded")
    await is_put_once(line)


@pytest.mark.parametrize("before", [3, 6])
async def test_a_button_is_faster_than_the_answer_that_its_slot_was_taken(store: Store, before: int) -> None:
    line = await station_on(store)
    _, allocation = await begun(line)
    await line.act("pick", allocation_id=allocation, quantity=2)
    heard = len(line.walls.events)

    async def press(_: Store) -> None:
        line.walls.press(line.walls.lit()[0])
        await hearing(line, heard)(store)

    async def light(halting: Store) -> None:
        await Wall(halting, line.core.context, line.walls).work()

    await both(store, before, light, press)
    await is_put_once(line)


@pytest.mark.parametrize("before", [8, 9, 12])
async def test_a_slot_goes_dark_while_somebody_is_told_that_it_does_not(store: Store, before: int) -> None:
    line = await station_on(store)
    _, allocation = await begun(line)
    view = await line.act("pick", allocation_id=allocation, quantity=2)
    await line.light()
    (name,) = line.walls.lit()
    await line.act("withdraw", put_id=view.put_id)
    line.walls.deaf = True
    await line.floor.work()
    line.core.clock.at_us += DARK_US
    heard = len(line.walls.events)

    async def darken(_: Store) -> None:
        line.walls.end_put(name, PutStatus.CANCELLED, None)
        await hearing(line, heard)(store)

    async def tell(halting: Store) -> None:
        await Wall(halting, line.core.context, line.walls).work()

    await both(store, before, tell, darken)
    assert await questions(line) == []


# ── upstream ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before", [2, 3])
async def test_upstream_is_told_each_version_of_a_stock_once_and_the_last_one_is_true(
    store: Store, before: int
) -> None:
    line = await station_on(store)
    core = line.core
    await core.stock("A", 10)

    async def look(store: Store) -> None:
        await sync_changed(store, core.context)

    async def look_again(store: Store) -> None:
        await core.stock("A", 1)
        await look(store)

    await look(store)
    await core.stock("A", 1)
    await both(store, before, look, look_again)
    rows = await core.rows("SELECT sequence, body FROM outbox WHERE lane LIKE 'stock:%' ORDER BY message_id")
    versions = [row[0] for row in rows]
    assert len(set(versions)) == len(versions)
    told = from_json(max(rows)[1])
    assert await core.rows("SELECT available, version FROM stock_syncs") == [
        (told["availableQty"], told["version"])
    ]
    await look(store)
    assert await core.rows("SELECT available FROM stock_syncs") == [(12,)]
