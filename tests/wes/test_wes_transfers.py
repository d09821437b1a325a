"""Transfers on both databases, with totes that come to stations, beside all that goes on there, crash or not (S2-53…60, S2-75).

Given in every test: totes T-1 with ten of A and five of B, and T-2 with ten of A, in the rack of the demo site; goods go from
there to flat places A1-4-R-1?, to which people walk.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pydantic import TypeAdapter

from gateway.contract.corrections import RecallLot
from gateway.contract.counts import CountLine, OrderCount
from gateway.contract.faults import Refusal
from gateway.contract.transfers import OrderTransfer, TransferAct, TransferDecision, TransferTaskView
from gateway.kernel.ports import Store
from gateway.site.model import ContainerType
from gateway.store.inline import open_inline
from gateway.wes.alarms import Alarms
from gateway.wes.core import WesCore
from gateway.wes.counting.acts import do_counting
from gateway.wes.counting.documents import order_count
from gateway.wes.floor.watch import UNATTENDED_US, Watch
from gateway.wes.orders.history import DAY_US, carry_over
from gateway.wes.planning.stations import close_station
from gateway.wes.recall import go_on, recall
from gateway.wes.schema import MIGRATIONS
from gateway.wes.transfers import calls
from gateway.wes.transfers.acts import do_transfer
from gateway.wes.transfers.calls import TransferCalls
from gateway.wes.transfers.ordering import order_transfer
from gateway.wes.transfers.views import put_transfers_away, show_transfer, tasks_at_station
from tests.unit.chain_rig import Crash, MortalStore, fill, order
from tests.unit.station_rig import Station, station_on

ACT: TypeAdapter[Any] = TypeAdapter(TransferAct | TransferDecision)
STATIONS = ("station-1", "station-2")
HOMES = {"T-1": "A1-1-L-05", "T-2": "A1-2-L-05"}
PICK, SECOND = "A1-4-R-10", "A1-4-R-11"


async def line_on(store: Store, **changes: Any) -> Station:
    opened = await station_on(store, **changes)
    await fill(opened, "T-1", HOMES["T-1"], A=10, B=5)
    await fill(opened, "T-2", HOMES["T-2"], A=10)
    for tote in HOMES:
        opened.walls.tell_place(tote)
    await opened.hear()
    return opened


@pytest.fixture
async def line(store: Store) -> Station:
    """Return the line on each of both databases."""
    return await line_on(store)


@pytest.fixture
async def alone() -> AsyncGenerator[Station]:
    """Run the line in memory, where nobody acts at the same time."""
    async with open_inline(None, MIGRATIONS) as store:
        yield await line_on(store)


def wanted(quantity: int, sku: str = "A", **more: Any) -> dict[str, Any]:
    return {"skuId": sku, "quantity": quantity, "target": "A1-4-R-1?"} | more


async def ordered(line: Station, *lines: dict[str, Any], transfer_id: str = "N-1", **more: Any) -> None:
    body = {
        "transferId": transfer_id,
        "purpose": "replenish",
        "operator": "Olga",
        "reason": "to pick",
        "lines": lines,
    } | more
    job = partial(order_transfer, context=line.core.context, order=OrderTransfer.model_validate(body))
    await line.store.write(job)


async def did(line: Station, what: str, operator: str = "Ann", **fields: Any) -> str:
    line.acts += 1
    said = {"act": what, "act_id": f"transfer-{line.acts}", "operator": operator} | fields
    job = partial(do_transfer, context=line.core.context, request=ACT.validate_python(said))
    return str((await line.store.write(job)).transfer_state)


async def tried(line: Station, what: str, **fields: Any) -> str:
    """Return "" or the code of the refusal."""
    try:
        await did(line, what, **fields)
    except Refusal as refused:
        return refused.reasons[0].code
    return ""


async def approved(line: Station, *lines: dict[str, Any], transfer_id: str = "N-1", **more: Any) -> None:
    await ordered(line, *lines, transfer_id=transfer_id, **more)
    await did(line, "approve", "Boss", transfer_id=transfer_id)


async def turn(line: Station, rounds: int = 4) -> None:
    """Everything that needs no person goes on."""
    for _ in range(rounds):
        await line.turn()
        await TransferCalls(line.store, line.core.context).work()


async def shown(line: Station) -> dict[str, TransferTaskView]:
    """Return what the stations show, by tote."""
    tasks = [
        each
        for name in STATIONS
        for each in await line.store.read(
            partial(tasks_at_station, context=line.core.context, station_id=name)
        )
    ]
    return {each.source_id: each for each in tasks}


async def state(line: Station, transfer_id: str = "N-1") -> str:
    job = partial(show_transfer, context=line.core.context, transfer_no=transfer_id)
    return (await line.store.read(job)).state


async def carried_out(line: Station) -> None:
    """Take and put all that the stations show, and what is on the way."""
    for tote, task in (await shown(line)).items():
        which: dict[str, Any] = {"task_id": task.task_id}
        if task.rest:
            await did(line, "take", holder_id=tote, quantity=task.rest, **which)
        await did(line, "put", holder_id=PICK, quantity=task.rest + task.moving, **which)


async def where(line: Station) -> dict[tuple[str, str], int]:
    """Return pieces by holder and product."""
    rows = await line.core.rows(
        "SELECT p.holder_id, o.sku, p.quantity FROM positions p JOIN lots l ON l.lot_id = p.lot_id"
        " JOIN pools o ON o.pool_id = l.pool_id WHERE p.quantity > 0 ORDER BY p.holder_id, o.sku"
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def settled(line: Station) -> bool:
    rows = await line.core.rows("SELECT COUNT(*) FROM presentations WHERE state NOT IN ('done', 'cancelled')")
    return rows[0][0] == 0


# ── totes at stations ─────────────────────────────────────────────────────────────────────────────────


async def test_totes_come_to_a_station_are_taken_from_and_go_back(line: Station) -> None:
    await ordered(line, wanted(4, source="T-1"), wanted(2, "B"), wanted(3, source="T-2"))
    await turn(line)
    assert await shown(line) == {}, "nobody has approved it"
    await did(line, "approve", "Boss", transfer_id="N-1")
    await turn(line)
    here = await shown(line)
    assert sorted(here) == ["T-1", "T-2"]
    assert await tried(line, "take", task_id=here["T-2"].task_id, holder_id="T-1", quantity=1) == "wrongPlace"
    await carried_out(line)
    await turn(line)
    assert sorted(await shown(line)) == ["T-1"], "of A and B one is left to be taken out of it"
    await carried_out(line)
    await turn(line)
    assert (await state(line), await settled(line)) == ("done", True)
    assert all(line.gateway.places[tote].startswith("A1-") for tote in HOMES)
    assert await where(line) == {
        ("T-1", "A"): 6,
        ("T-1", "B"): 3,
        ("T-2", "A"): 7,
        (PICK, "A"): 7,
        (PICK, "B"): 2,
    }
    await line.check()


async def test_nothing_is_taken_out_of_a_tote_before_it_stands_there(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1"))
    ((number,),) = await alone.core.rows("SELECT task_id FROM transfer_tasks")
    which: dict[str, Any] = {"task_id": number, "holder_id": "T-1", "quantity": 4}
    assert await tried(alone, "take", **which) == "notHere"
    await TransferCalls(alone.store, alone.core.context).work()
    await alone.think()
    assert await tried(alone, "take", **which) == "notHere", "it is on its way"
    await turn(alone)
    assert await tried(alone, "take", **which) == ""


async def test_orders_pick_what_is_left_and_a_tote_that_picks_want_comes_for_the_transfer_afterwards(
    alone: Station,
) -> None:
    await order(alone, "C-1", ("B", 2))
    operation = await alone.bring()
    await approved(alone, wanted(3, "B"))
    await turn(alone)
    assert await shown(alone) == {}, "it stands there to be picked from"
    assert await alone.operations() == [operation]
    await alone.finish()
    await turn(alone, 8)
    await carried_out(alone)
    await turn(alone, 8)
    assert (await alone.order_codes(), await state(alone), await settled(alone)) == ([190], "done", True)
    assert ("T-1", "B") not in await where(alone)
    await alone.check()


async def test_a_tote_that_was_emptied_for_a_transfer_is_no_source_for_orders(alone: Station) -> None:
    await approved(alone, wanted(10, source="T-1"), wanted(10, source="T-2"))
    await order(alone, "C-1", ("A", 1))
    await turn(alone)
    assert await alone.order_codes() == [20]
    await did(alone, "abort", transfer_id="N-1", reason="the order is first")
    await alone.lacking.work()
    await turn(alone, 8)
    assert (await state(alone), await shown(alone)) == ("aborted", {})
    await alone.check()


async def test_totes_that_are_not_wanted_any_more_turn_round(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1"), wanted(4, source="T-2"))
    await TransferCalls(alone.store, alone.core.context).work()
    await alone.think()
    await did(alone, "abort", transfer_id="N-1", reason="not needed")
    await turn(alone)
    assert (await state(alone), await settled(alone), alone.gateway.places) == ("aborted", True, HOMES)


async def test_a_station_that_closes_sends_its_tote_to_another_one(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1"))
    await turn(alone)
    first = (await shown(alone))["T-1"].station_id
    assert first is not None
    await alone.store.write(partial(close_station, station_id=first, reason="no light", operator="Ann"))
    await turn(alone, 8)
    assert (await shown(alone))["T-1"].station_id not in (first, None)


async def test_a_tote_whose_transport_was_given_up_is_called_again(alone: Station) -> None:
    alone.gateway.fails.append("T-1")
    await approved(alone, wanted(4, source="T-1"))
    await turn(alone)
    (halted,) = alone.gateway.halted
    alone.gateway.resolve_by_cancel(halted)
    await turn(alone, 8)
    assert sorted(await shown(alone)) == ["T-1"]


async def test_no_tote_is_called_from_a_locked_place(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1"))
    alone.gateway.block(HOMES["T-1"], "Ann")
    await turn(alone)
    assert await shown(alone) == {}
    alone.gateway.unblock(HOMES["T-1"])
    await turn(alone)
    assert sorted(await shown(alone)) == ["T-1"]


async def test_goods_go_from_tote_to_tote_once_both_stand_at_a_station(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1", target="T-2"))
    await TransferCalls(alone.store, alone.core.context).work()
    assert await alone.core.rows("SELECT container_id FROM presentations") == [("T-1",)]
    await turn(alone, 8)
    task = (await shown(alone))["T-1"]
    assert task.station_id == task.target_station_id is not None
    assert alone.gateway.places.keys() - {"T-1", "T-2"} == set()
    await did(alone, "take", task_id=task.task_id, holder_id="T-1", quantity=4)
    await turn(alone)
    assert alone.gateway.places["T-1"].startswith("A1-"), "nothing more is taken out of it"
    assert await did(alone, "put", task_id=task.task_id, holder_id="T-2", quantity=4) == "done"
    await turn(alone)
    assert await settled(alone)
    assert await where(alone) == {("T-1", "A"): 6, ("T-1", "B"): 5, ("T-2", "A"): 14}
    await alone.check()


async def test_a_station_with_one_slot_is_enough_to_go_from_tote_to_tote(alone: Station) -> None:
    for slot in ("S1-2", "S2-1", "S2-2"):
        alone.gateway.block(slot, "Ann")
    await approved(alone, wanted(4, source="T-1", target="T-2"))
    await turn(alone)
    number = (await shown(alone))["T-1"].task_id
    await did(alone, "take", task_id=number, holder_id="T-1", quantity=4)
    assert await tried(alone, "put", task_id=number, holder_id="T-2", quantity=4) == "notHere"
    await turn(alone, 8)
    assert await did(alone, "put", task_id=number, holder_id="T-2", quantity=4) == "done"
    await turn(alone)
    assert await settled(alone)


async def test_a_tote_that_is_filled_does_not_stand_in_the_way_of_one_that_is_still_to_come(
    alone: Station,
) -> None:
    for slot in ("S1-2", "S2-1", "S2-2"):
        alone.gateway.block(slot, "Ann")
    await fill(alone, "T-3", "A1-3-L-05")
    alone.walls.tell_place("T-3")
    await alone.hear()
    await approved(alone, wanted(4, source="T-1", target="T-3"), wanted(4, source="T-2", target="T-3"))
    alone.gateway.block(HOMES["T-2"], "Ann")
    await turn(alone)
    first = (await shown(alone))["T-1"].task_id
    await did(alone, "take", task_id=first, holder_id="T-1", quantity=4)
    await turn(alone, 8)
    alone.gateway.unblock(HOMES["T-2"])
    await turn(alone)
    assert await did(alone, "put", task_id=first, holder_id="T-3", quantity=4) == "executing"
    await turn(alone, 12)
    second = (await shown(alone))["T-2"].task_id
    await did(alone, "take", task_id=second, holder_id="T-2", quantity=4)
    await turn(alone, 8)
    assert await did(alone, "put", task_id=second, holder_id="T-3", quantity=4) == "done"
    await turn(alone)
    assert await settled(alone)
    await alone.check()


async def test_a_tote_that_nobody_takes_from_is_an_alarm(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1"))
    await turn(alone)
    alarms = Alarms()
    alone.core.clock.at_us += UNATTENDED_US
    await Watch(alone.store, alone.core.context, alarms).work()
    assert "T-1 at station-" in alarms.standing["notTransferred"].text
    await carried_out(alone)
    await Watch(alone.store, alone.core.context, alarms).work()
    assert "notTransferred" not in alarms.standing


async def test_containers_that_people_walk_to_keep_no_others_from_being_called(
    alone: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = alone.core.context.layout
    types, serving = (ContainerType(id="pallet", containers=("T-1",)),), {**layout.serving, "pallet": ()}
    changed = replace(layout, types=types, serving=serving)
    alone.core.context = replace(alone.core.context, layout=changed)
    monkeypatch.setattr(calls, "STEP", 1)  # as many as a round looks at
    await approved(alone, wanted(4, source="T-1"), wanted(4, source="T-2"))
    called = TransferCalls(alone.store, alone.core.context)
    for _ in range(3):
        await called.work()
    assert await alone.core.rows("SELECT container_id FROM presentations") == [("T-2",)]


async def test_where_no_station_is_people_walk_to_totes(alone: Station) -> None:
    context = alone.core.context
    alone.core.context = replace(context, layout=replace(context.layout, serving={}))
    await approved(alone, wanted(4, source="T-1"))
    await turn(alone)
    ((number,),) = await alone.core.rows("SELECT task_id FROM transfer_tasks")
    assert await did(alone, "take", task_id=number, holder_id="T-1", quantity=4) == "outDone"


# ── at the same moment ────────────────────────────────────────────────────────────────────────────────


async def test_two_who_approve_at_once_bind_the_goods_once(line: Station) -> None:
    await ordered(line, wanted(12))
    told = await asyncio.gather(*(tried(line, "approve", transfer_id="N-1") for _ in range(4)))
    assert sorted(told) == ["", "wrongState", "wrongState", "wrongState"]
    assert await line.core.rows("SELECT reserved, allocated FROM pools WHERE sku = 'A'") == [(12, 12)]


async def test_transfers_that_want_the_same_goods_get_no_more_than_there_are(line: Station) -> None:
    for number in range(4):
        await ordered(line, wanted(8), transfer_id=f"N-{number}")
    told = await asyncio.gather(*(tried(line, "approve", transfer_id=f"N-{number}") for number in range(4)))
    assert 1 <= told.count("") <= 2
    assert set(told) <= {"", "notEnough", "stock"}
    for number in range(4):
        await tried(line, "approve", transfer_id=f"N-{number}")
    assert await line.core.rows("SELECT allocated FROM pools WHERE sku = 'A'") == [(16,)]
    await line.check()


async def test_many_hands_move_what_was_ordered_and_no_more(line: Station) -> None:
    await approved(line, wanted(6, source="T-1"))
    await turn(line)
    which: dict[str, Any] = {"task_id": (await shown(line))["T-1"].task_id}
    taken = await asyncio.gather(
        *(tried(line, "take", holder_id="T-1", quantity=1 + number % 2, **which) for number in range(8))
    )
    while "" in taken:
        taken = [await tried(line, "take", holder_id="T-1", quantity=1, **which)]
    put = await asyncio.gather(*(tried(line, "put", holder_id=PICK, quantity=1, **which) for _ in range(8)))
    assert put.count("") == 6
    assert (await state(line), (await where(line))[PICK, "A"]) == ("done", 6)
    await line.check()


async def test_who_aborts_beside_who_takes_loses_nothing(line: Station) -> None:
    await approved(line, wanted(6, source="T-1"))
    await turn(line)
    which: dict[str, Any] = {"task_id": (await shown(line))["T-1"].task_id}
    await asyncio.gather(
        *(tried(line, "take", holder_id="T-1", quantity=2, **which) for _ in range(3)),
        tried(line, "abort", transfer_id="N-1", reason="not needed"),
    )
    await tried(line, "abort", transfer_id="N-1", reason="not needed")
    await line.check()
    ((moving,),) = await line.core.rows("SELECT taken - put - aside - lost FROM transfer_tasks")
    if moving:
        await did(line, "put", holder_id=SECOND, quantity=moving, **which)
    await turn(line)
    assert (await state(line), await settled(line)) == ("aborted", True)
    await line.check()


async def recalled(line: Station) -> None:
    said = {"act_id": "bad", "operator": "Olga", "reason": "glass in it", "sku_id": "A", "lot_no": "A-1"}
    job = partial(recall, context=line.core.context, request=RecallLot.model_validate(said))
    await line.store.write(job)


async def test_a_lot_that_is_recalled_while_it_is_approved_is_bound_to_nothing_in_the_end(
    line: Station,
) -> None:
    await ordered(line, wanted(12))
    told, _ = await asyncio.gather(tried(line, "approve", transfer_id="N-1"), recalled(line))
    assert told in ("", "notEnough", "stock")
    await go_on(WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers))
    assert await line.core.rows("SELECT quality, reserved FROM lots WHERE lot_no = 'A-1'") == [
        ("rejected", 0)
    ]
    assert await state(line) == ("aborted" if told == "" else "draft")
    await line.check()


async def test_a_lot_that_is_recalled_while_it_leaves_has_left_before_or_does_not_leave(
    line: Station,
) -> None:
    lines = [{"skuId": "A", "quantity": 4, "source": "T-1"}]
    await approved(line, *lines, purpose="supply", leavesTo="warehouse", destination="WH-2")
    await turn(line)
    task = (await shown(line))["T-1"]
    await did(line, "take", task_id=task.task_id, holder_id="T-1", quantity=4)
    told, _ = await asyncio.gather(tried(line, "handOver", transfer_id="N-1"), recalled(line))
    await go_on(WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers))
    assert (told, await state(line)) in (("", "inTransit"), ("lotBarred", "outDone"))
    if told:
        await did(line, "put", task_id=task.task_id, holder_id=SECOND, quantity=4)
        assert await state(line) == "aborted"
    assert await line.core.rows("SELECT quality, reserved FROM lots WHERE lot_no = 'A-1'") == [
        ("rejected", 0)
    ]
    await line.check()


async def test_who_counts_where_goods_have_been_taken_out_finds_what_the_books_have(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1"))
    await turn(alone)
    await did(alone, "take", task_id=(await shown(alone))["T-1"].task_id, holder_id="T-1", quantity=4)
    context = alone.core.context
    scope = {"kind": "products", "skuIds": ["A"]}
    body = {"countId": "C-1", "scope": scope, "operator": "Olga", "reason": "year end"}
    await alone.store.write(partial(order_count, context=context, order=OrderCount.model_validate(body)))
    rows = await alone.core.rows("SELECT line_id FROM count_lines WHERE holder_id = 'T-1'")
    count = CountLine.model_validate({"act_id": "c", "operator": "Ben", "line_id": rows[0][0], "quantity": 6})
    view = await alone.store.write(partial(do_counting, context=context, request=count))
    assert view.line_states == ("agreed",)


# ── dying, and long after ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("commits", range(0, 36, 3))
async def test_dying_before_any_commit_loses_no_piece_and_leaves_no_tote_behind(commits: int) -> None:
    async with open_inline(None, MIGRATIONS) as store:
        line = await line_on(store)
        await ordered(line, wanted(4, source="T-1"), wanted(3, source="T-2"))
        await ordered(line, wanted(2, "B"), transfer_id="N-2")
        mortal = Station(line.core, line.gateway, MortalStore(store, commits), acts=line.acts)
        try:
            for number in ("N-1", "N-2"):
                await did(mortal, "approve", transfer_id=number)
            await turn(mortal)
            await carried_out(mortal)
            await turn(mortal)
            await did(mortal, "abort", transfer_id="N-2", reason="enough")
            await turn(mortal)
        except (Crash, Refusal):
            pass
        line = Station(line.core, line.gateway, store, acts=100)
        for number in ("N-1", "N-2"):
            assert await tried(line, "approve", transfer_id=number) in ("", "wrongState", "hasEnded")
        for _ in range(4):
            await line.check()
            await turn(line)
            await carried_out(line)
        await turn(line)
        assert await settled(line)
        assert (await state(line), await state(line, "N-2")) in (("done", "done"), ("done", "aborted"))
        there = await where(line)
        assert (there["T-1", "A"], there["T-2", "A"], there[PICK, "A"]) == (6, 7, 7)
        assert there["T-1", "B"] + there.get((PICK, "B"), 0) == 5
        await line.check()


async def test_long_after_the_visits_of_totes_are_forgotten_and_the_transfer_is_not(alone: Station) -> None:
    await approved(alone, wanted(4, source="T-1"))
    await turn(alone)
    await carried_out(alone)
    await turn(alone)
    before = await alone.store.read(partial(show_transfer, context=alone.core.context, transfer_no="N-1"))
    alone.core.clock.at_us += 1_000 * DAY_US
    await carry_over(alone.store, alone.core.context)
    assert await alone.core.rows("SELECT COUNT(*) FROM presentations WHERE purpose = 'replenish'") == [(1,)]
    await put_transfers_away(alone.store, alone.core.context)
    await carry_over(alone.store, alone.core.context)
    assert await alone.core.rows("SELECT COUNT(*) FROM presentations") == [(0,)]
    after = await alone.store.read(partial(show_transfer, context=alone.core.context, transfer_no="N-1"))
    assert after == before
    await alone.check()
