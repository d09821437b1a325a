"""A recall beside what else is done at that moment, and what came back without its number: nothing slips out of it (S2-144)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.corrections import JudgeLot, LotQuality, MergeGoods
from gateway.contract.faults import Refusal
from gateway.contract.inbound import Receive
from gateway.contract.returns import ReceiveReturn
from gateway.kernel.ports import Store
from gateway.wes.corrections import correct
from gateway.wes.inbound import take_in
from gateway.wes.recall import go_on, recall
from gateway.wes.returns import take_back
from tests.unit.chain_rig import order
from tests.unit.station_rig import Station, station_on
from tests.wes.between import between
from tests.wes.test_wes_recall import (
    asked,
    call_back,
    core_of,
    fill,
    is_sound,
    lay,
    line,
    lot,
    shipped,
    to_take_out,
)

__all__ = ["line"]

pytestmark = pytest.mark.unit

Doing = Callable[[Store], Awaitable[Any]]


def merging(line: Station) -> Doing:
    """Return the act of whoever makes five pieces of lot L in T-1 pieces of lot M."""
    body = {"act_id": "office", "operator": "Eve", "reason": "one tote", "sku_id": "A", "lot_no": "L"}
    where = {"holder_id": "T-1", "quantity": 5, "target_lot_no": "M"}
    request = MergeGoods.model_validate(body | where)
    return lambda store: store.write(partial(correct, context=line.core.context, request=request))


def coming_back(line: Station, act_id: str, quantity: int = 1, **goods: Any) -> Doing:
    """Return the act of whoever receives saleable pieces of A that come back from order C-1."""
    piece = {"skuId": "A", "quantity": quantity, "quality": "saleable"} | goods
    body = {"actId": act_id, "operator": "Dora", "orderNo": "ORD-C-1", "lines": [piece]}
    request = ReceiveReturn.model_validate(body)
    return lambda store: store.write(partial(take_back, context=line.core.context, request=request))


def judging(line: Station) -> Doing:
    """Return the act of whoever finds that lot L is good."""
    body = {"act_id": "J-1", "operator": "Eve", "reason": "a mistake", "sku_id": "A", "lot_no": "L"}
    request = JudgeLot.model_validate(body | {"quality": LotQuality.QUALIFIED})
    return lambda store: store.write(partial(correct, context=line.core.context, request=request))


def recalling(line: Station) -> Doing:
    return lambda store: store.write(partial(recall, context=line.core.context, request=asked()))


async def usable(line: Station) -> dict[str, int]:
    """Return the pieces that can be promised, by lot."""
    sql = (
        "SELECT lot_no, quantity FROM lots WHERE quality = 'qualified' AND recalled = 0 AND quantity > 0"
        " ORDER BY lot_no"
    )
    return dict(await line.core.rows(sql))


async def test_what_comes_back_of_an_order_that_had_the_lot_too_is_looked_into(line: Station) -> None:
    await order(line, "C-1", ("A", 24))
    await line.finish()
    await call_back(line)
    view = await coming_back(line, "B-1")(line.store)
    assert view.to_inspect == ("A",)
    assert await usable(line) == {"M": 16}
    assert (await coming_back(line, "B-2", lotNo="M")(line.store)).to_inspect is None
    assert await usable(line) == {"M": 16, "M-R": 1}
    await is_sound(line)


async def test_a_recall_that_is_sent_again_after_its_act_is_forgotten_changes_nothing(line: Station) -> None:
    await call_back(line)
    await line.store.write(lambda tx: tx.execute("DELETE FROM acts"))
    view = await call_back(line)
    assert isinstance(view, ActView)
    await is_sound(line)


STATEMENTS = (2, 4, 6, 8, 11, 14)
"""Where one may halt here was found by trying every statement; some are kept."""


async def test_what_came_back_and_nobody_knows_the_lot_of_is_recalled_too(line: Station) -> None:
    await order(line, "C-1", ("A", 24))
    await line.finish()
    await coming_back(line, "B-1")(line.store)
    assert await usable(line) == {"-R": 1, "M": 16}
    view = await call_back(line)
    assert view.recalled is not None
    assert [each.lot_no for each in view.recalled] == ["L", "-R"]
    assert await usable(line) == {"M": 16}
    await line.check()


async def test_a_unit_that_comes_back_into_its_recalled_lot_is_told_as_one_to_be_looked_into(
    store: Store,
) -> None:
    line = await station_on(store)
    await line.core.products("A", serial_tracked=True, version=2)
    line.gateway.places["T-1"] = "A1-1-L-05"
    goods = {"skuId": "A", "quantity": 2, "lotNo": "L", "upns": ["U-1", "U-2"]}
    body = {"actId": "in", "operator": "Dora", "holderId": "T-1", "lines": [goods]}
    request = Receive.model_validate(body)
    await store.write(partial(take_in, context=line.core.context, request=request))
    await order(line, "C-1", ("A", 1))
    ((allocation, _),) = await line.scan(await line.bring())
    await line.act("pick", allocation_id=allocation, quantity=1, upns=["U-1"])
    await line.light()
    line.walls.press(line.walls.lit()[0])
    await line.hear()
    await line.finish()
    await call_back(line)
    assert (await coming_back(line, "B-1", upns=["U-1"])(store)).to_inspect == ("A",)
    ((quality,),) = await line.core.rows("SELECT inspect FROM return_lines")
    assert quality == 1
    await is_sound(line)


async def test_a_recall_that_was_taken_back_before_it_was_gone_on_with_takes_nothing_off_its_orders(
    line: Station,
) -> None:
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    await recalling(line)(line.store)
    await judging(line)(line.store)
    await go_on(core_of(line))
    assert await lot(line) == ("qualified", 20, 4, 4, 0)
    assert await to_take_out(line) == []
    await line.finish()
    assert await shipped(line) == {"L": 4}
    await line.check()


async def test_a_recalled_lot_is_not_brought_to_where_it_is_picked(store: Store) -> None:
    rules = [
        {"at": "picking", "then": "flat"},
        {"at": "move", "then": {"pick": "A1-4-R-1?", "reserve": "A1-4-R-0?"}},
    ]
    line = await station_on(store, rules=rules)
    await lay(line, "A1-4-R-01", "L", 10)
    await lay(line, "A1-4-R-10", "M", 10)
    await order(line, "C-1", ("A", 4))
    await line.turn()
    ((number,),) = await line.core.rows("SELECT replenishment_id FROM replenishments WHERE state = 'open'")
    await line.act("beginReplenishment", replenishment_id=number)
    await recalling(line)(store)
    with pytest.raises(Refusal) as refused:
        await line.act("replenish", replenishment_id=number, holder_id="A1-4-R-11", quantity=4)
    assert "lot L is recalled: bring what you have of it back" in str(refused.value)
    await go_on(core_of(line))
    await line.act("endReplenishment", replenishment_id=number, reason="it is recalled")
    await line.check()


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
@pytest.mark.parametrize("before", STATEMENTS)
@pytest.mark.parametrize("first", ["merge", "recall"])
async def test_what_is_merged_while_its_lot_is_recalled_is_recalled_too(
    store: Store, first: str, before: int
) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", "L", 20)
    await fill(line, "T-2", "A1-2-L-05", "M", 20)
    acts = (merging(line), recalling(line)) if first == "merge" else (recalling(line), merging(line))
    _, outcomes = await between(store, before, *acts)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal):
            raise outcome
    await go_on(core_of(line))
    merged = (await lot(line, "M"))[1] == 25
    assert await usable(line) == ({} if merged else {"M": 20})
    await is_sound(line)


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
@pytest.mark.parametrize("before", STATEMENTS)
@pytest.mark.parametrize("first", ["return", "recall"])
async def test_what_comes_back_while_its_lot_is_recalled_is_not_sold(
    store: Store, first: str, before: int
) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", "L", 20)
    await order(line, "C-1", ("A", 4))
    await line.finish()
    back = coming_back(line, "B-1")
    acts = (back, recalling(line)) if first == "return" else (recalling(line), back)
    _, outcomes = await between(store, before, *acts)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    await go_on(core_of(line))
    assert await usable(line) == {}
    await is_sound(line)


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
@pytest.mark.parametrize("before", [1, 2, 3, 4])
async def test_who_judges_a_recalled_lot_to_be_good_at_the_moment_at_which_it_is_barred_has_the_last_word(
    store: Store, before: int
) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", "L", 20)
    await recalling(line)(store)

    async def barring(halting: Store) -> None:
        await go_on(replace(core_of(line), store=halting))

    _, outcomes = await between(store, before, barring, judging(line))
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    await go_on(core_of(line))
    assert await usable(line) == {"L": 20}
    await line.check()
