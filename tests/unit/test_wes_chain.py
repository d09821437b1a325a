"""From work orders to containers at stations and back, each once."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gateway.kernel.ports import Tx
from gateway.wes.planning.binding import assign
from gateway.wes.planning.plan import commit
from gateway.wes.planning.rollback import begin_rollback
from gateway.wes.planning.snapshot import look
from gateway.wes.planning.stations import close_station
from gateway.wes.stock.model import Holder, HolderKind, Portion, Virtual
from gateway.wes.stock.opening import open_holder
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import put_away
from tests.unit.chain_rig import (
    Chain,
    chain,
    contradictions,
    fill,
    fill_holder,
    goods_in_receiving,
    order,
    put_into,
    rule,
)
from tests.unit.wes_rig import WAREHOUSE, act

pytestmark = pytest.mark.unit

WAYS = [
    pytest.param({"sequence": sequence, "grouping": grouping}, id=f"{sequence}-{grouping}")
    for sequence in ("waveFirst", "allocateFirst")
    for grouping in ("static", "dynamic")
]


async def ten_orders(line: Chain) -> None:
    for number in range(12):
        await fill(line, f"T-{number}", f"A1-{1 + number % 4}-L-{1 + number:02}", A=4, B=4)
    for number in range(10):
        await order(line, f"C-{number}", ("A", 2), ("B", 1 + number % 3), priority=number % 10)


async def test_a_tote_comes_to_a_station_for_an_order_and_goes_back() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await line.think()
        assert await line.codes() == [70]
        assert await line.codes("orders") == [70]
        assert await line.states() == [("T-1", "pick", "sent")]
        line.gateway.step()
        await line.hear()
        assert await line.states() == [("T-1", "pick", "arrived")]
        assert line.gateway.places["T-1"] == "S1-1"
        await line.serve()
        await line.think()
        assert await line.states() == [("T-1", "pick", "done"), ("T-1", "return", "sent")]
        await line.until_quiet()
        assert line.gateway.places["T-1"].startswith("A1-")
        assert await line.codes("orders") == [90]
        assert not await contradictions(line.core)


@pytest.mark.parametrize("way", WAYS)
async def test_many_orders_are_picked_and_every_tote_goes_home(way: dict[str, str]) -> None:
    async with chain(**way, waves={"orders": 4}) as line:
        await ten_orders(line)
        await line.until_quiet()
        assert await line.codes("orders") == [90] * 10
        assert all(place.startswith("A1-") for place in line.gateway.places.values())
        assert max(Counter(line.gateway.places.values()).values()) == 1
        assert not await contradictions(line.core)
        waves = await line.core.rows("SELECT wave_id, COUNT(*) FROM orders GROUP BY wave_id")
        assert None not in [wave for wave, _ in waves]
        assert max(count for _, count in waves) <= 4


async def test_a_station_finishes_its_part_of_a_static_wave_before_it_takes_anothers() -> None:
    async with chain(grouping="static", waves={"orders": 2}) as line:
        await ten_orders(line)
        sql = """SELECT station_id, COUNT(DISTINCT wave_id) FROM work_orders
        WHERE code BETWEEN 70 AND 89 GROUP BY station_id"""
        for _ in range(60):
            await line.round()
            assert all(waves == 1 for _, waves in await line.core.rows(sql))
        assert await line.codes("orders") == [90] * 10


async def test_no_more_totes_come_to_a_station_than_its_slots_and_queue_hold() -> None:
    async with chain(stations={"queue": 0}) as line:
        await ten_orders(line)
        sql = """SELECT station_id, COUNT(*) FROM presentations WHERE purpose = 'pick'
        AND state IN ('called', 'sent', 'arrived') GROUP BY station_id"""
        for _ in range(20):
            await line.think()
            assert all(count <= 2 for _, count in await line.core.rows(sql))
            await line.round()


@pytest.mark.parametrize("way", WAYS)
async def test_an_order_larger_than_what_a_station_has_before_it_at_a_time_is_served_like_any_other(
    way: dict[str, str],
) -> None:
    """Given stations with 2 slots, a queue of 1 and at most 5 pieces waiting, an order of 8 totes and 16 pieces is picked."""
    async with chain(**way, stations={"queue": 1, "units": 5}) as line:
        skus = [f"K{number}" for number in range(8)]
        await line.core.products(*skus)
        for number, sku in enumerate(skus):
            await fill(line, f"T-{number}", f"A1-1-L-{number + 1:02}", **{sku: 4})
        await order(line, "C-1", *((sku, 2) for sku in skus))
        await order(line, "C-2", ("K0", 2))
        await line.until_quiet()
        assert await line.codes("orders") == [90, 90]
        assert not await contradictions(line.core)


async def test_orders_for_the_same_tote_share_its_presentation() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 1))
        await line.think()
        await order(line, "C-2", ("B", 1))
        await line.think()
        assert await line.states() == [("T-1", "pick", "sent")]
        await line.until_quiet()
        assert await line.codes("orders") == [90, 90]


async def test_an_order_for_a_tote_that_has_arrived_keeps_it_there_for_another_operation() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 1))
        await line.think()
        line.gateway.step()
        await line.hear()
        await order(line, "C-2", ("B", 1))
        await line.think()
        await line.serve()
        await line.think()
        assert await line.states() == [("T-1", "pick", "done"), ("T-1", "pick", "arrived")]
        assert len(line.gateway.asked) == 1
        await line.until_quiet()
        assert await line.codes("orders") == [90, 90]
        assert not await contradictions(line.core)


@pytest.mark.parametrize("is_told", [True, False], ids=("told by the feed", "before the feed reaches back"))
async def test_a_container_that_has_left_the_site_stands_nowhere_and_others_have_its_place(
    *, is_told: bool
) -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=1)
        await fill(line, "T-2", "A1-1-L-06", A=9)
        await line.hear()
        if is_told:
            line.gateway.remove("T-1")
            await line.hear()
        else:
            del line.gateway.places["T-1"]
            containers = await line.gateway.list_containers()
            await line.store.write(lambda tx: line.hearing.catch_up(tx, containers, [], {}))
        assert await line.core.rows(
            "SELECT holder_id, location_id FROM holders WHERE kind = 'container' ORDER BY holder_id"
        ) == [("T-1", None), ("T-2", "A1-1-L-06")]
        await order(line, "C-1", ("A", 2))
        await line.until_quiet()
        assert await line.codes("orders") == [90]


async def test_an_event_that_comes_twice_changes_nothing() -> None:
    async with chain() as line:
        await ten_orders(line)
        await line.round()
        before = await line.states()
        await line.store.write(lambda tx: line.hearing.hear(tx, line.gateway.events))
        assert await line.states() == before


async def test_a_feed_that_is_heard_again_from_its_beginning_moves_nothing_twice() -> None:
    async with chain() as line:
        await ten_orders(line)
        for _ in range(3):
            await line.round()
        await line.store.write(lambda tx: tx.execute("UPDATE cursors SET seq = 0"))
        await line.until_quiet()
        assert await line.codes("orders") == [90] * 10
        assert not await contradictions(line.core)


async def test_a_container_with_the_name_of_a_flat_place_stops_no_event() -> None:
    async with chain() as line:
        shelf = Holder(
            holder_id="SHELF", kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id="SHELF"
        )
        await fill_holder(line.core, shelf, A=4)
        await fill(line, "T-1", "A1-1-L-05", A=4)
        await line.hear()
        line.gateway.put_by_hand("SHELF", "A1-1-L-06")
        line.gateway.put_by_hand("T-1", "A1-1-L-07")
        await line.hear()
        assert await line.core.rows(
            "SELECT holder_id, location_id FROM holders WHERE kind <> 'virtual'"
            " AND location_id IS NOT NULL ORDER BY holder_id"
        ) == [("SHELF", "SHELF"), ("T-1", "A1-1-L-07")]


async def test_a_failed_transport_waits_for_a_decision_and_goes_on() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 1))
        line.gateway.fails.append("T-1")
        await line.round()
        await line.round()
        assert await line.states() == [("T-1", "pick", "failed")]
        ((reason,),) = await line.core.rows("SELECT reason FROM presentations")
        assert reason == "Missing: it is not there"
        (transport_id,) = line.gateway.halted
        line.gateway.retry(transport_id)
        await line.until_quiet()
        assert await line.codes("orders") == [90]


async def test_a_transport_that_somebody_cancels_is_asked_for_anew() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 1))
        await line.think()
        (first,) = line.gateway.asked
        line.gateway.resolve_by_cancel(first)
        await line.until_quiet()
        picks = [name for name, request in line.gateway.asked.items() if request.destination == "S1-1"]
        assert picks == [first, f"{first.removesuffix('-1')}-2"]
        assert await line.codes("orders") == [90]


async def test_a_tote_that_the_gateway_does_not_know_is_replaced_by_another() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await fill(line, "T-2", "A1-4-R-20", A=10)
        await order(line, "C-1", ("A", 1))
        await line.hear()
        del line.gateway.places["T-1"]
        await line.until_quiet()
        assert await line.states() == [
            ("T-1", "pick", "cancelled"),
            ("T-2", "pick", "done"),
            ("T-2", "return", "done"),
        ]
        assert await line.codes() == [199, 90]
        assert await line.codes("orders") == [90]
        ((old, new),) = await line.core.rows(
            "SELECT replaces, work_id FROM work_orders WHERE replaces IS NOT NULL"
        )
        assert old < new
        assert not await contradictions(line.core)


async def test_a_station_that_is_closed_gives_its_work_to_the_other_one() -> None:
    async with chain() as line:
        await ten_orders(line)
        await line.round()
        await line.think()
        await line.store.write(lambda tx: close_station(tx, "station-1", "no light", "Ann"))
        await line.until_quiet()
        done = await line.core.rows("SELECT station_id, code FROM work_orders WHERE code = 90")
        assert {station for station, _ in done} >= {"station-2"}
        assert await line.codes("orders") == [90] * 10
        assert all(place.startswith("A1-") for place in line.gateway.places.values())
        assert not await contradictions(line.core)


async def test_a_rollback_at_the_station_keeps_what_is_picked_and_the_rest_comes_into_the_same_box() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await fill(line, "T-2", "A1-1-L-02", B=10)
        await order(line, "C-1", ("A", 2), ("B", 2))
        await line.think()
        line.gateway.step()
        line.gateway.step()
        await line.hear()
        await line.serve_one("T-1")
        ((number,),) = await line.core.rows(
            "SELECT presentation_id FROM presentations WHERE container_id = 'T-2' AND purpose = 'pick'"
        )
        await line.store.write(
            lambda tx: begin_rollback(tx, line.core.context, number, "the page does not answer")
        )
        await line.until_quiet()
        assert await line.codes() == [90, 199]
        lines = await line.core.rows(
            "SELECT quantity, picked, short FROM work_lines ORDER BY work_id, line_id"
        )
        assert lines == [(2, 2, 0), (2, 2, 0), (2, 0, 2)], "the new one has handed its part to the box"
        assert await line.codes("orders") == [90]
        assert not await contradictions(line.core)


async def test_what_is_to_go_into_a_put_wall_goes_where_one_is_and_everything_else_anywhere() -> None:
    rules = [{"at": "picking", "when": {"carrier": "SF"}, "then": "wall"}]
    async with chain(rules=rules, stations={"boxes": 2}) as line:
        layout = line.core.context.layout
        bare = replace(layout.stations["station-1"], wall=None, boxes=("station-1:1", "station-1:2"))
        stations = {**layout.stations, "station-1": bare}
        line.core.context = replace(line.core.context, layout=replace(layout, stations=stations))
        line = Chain(line.core, line.gateway, line.store)
        await fill(line, "T-1", "A1-1-L-01", A=20)
        await fill(line, "T-2", "A1-2-L-01", B=20)
        for number in range(6):
            sku, carrier = ("A", "SF") if number % 2 else ("B", "YTO")
            await order(line, f"C-{number}", (sku, 1), carrierCode=carrier)
        await line.until_quiet()
        rows = await line.core.rows("SELECT DISTINCT mode, station_id FROM work_orders WHERE mode = 'wall'")
        assert rows == [("wall", "station-2")]
        assert await line.codes("orders") == [90] * 6
        assert not await contradictions(line.core)


# ── work without stations ─────────────────────────────────────────────────────────────────────────────


async def test_black_box_work_is_bound_to_lots_and_the_other_side_says_from_where() -> None:
    async with chain(rules=[rule("picking", "blackBox")]) as line:
        await fill(line, "T-1", "A1-1-L-01", A=3)
        await fill(line, "T-2", "A1-1-L-02", A=3)
        await order(line, "C-1", ("A", 5))
        await line.think()
        assert await line.codes() == [70]
        ((number, holder),) = await line.core.rows("SELECT allocation_id, holder_id FROM allocations")
        assert holder is None
        parts = [("T-1", "3", 3), ("T-2", None, 2)]
        await line.store.write(lambda tx: assign(tx, line.core.context, number, parts))
        rows = await line.core.rows(
            "SELECT holder_id, cell, quantity FROM allocations ORDER BY allocation_id"
        )
        assert rows == [("T-1", "3", 3), ("T-2", None, 2)]
        assert await line.states() == []


async def test_work_on_foot_is_bound_to_flat_places_and_released() -> None:
    async with chain(rules=[rule("picking", "flat")]) as line:
        core = line.core
        await fill(line, "T-1", "A1-1-L-01", A=3)
        await core.store.write(
            lambda tx: open_holder(
                tx,
                Holder(holder_id="F-1", kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id="F-1"),
            )
        )
        lot_id = await goods_in_receiving(line, "A", 4)
        await put_into(line, "F-1", lot_id, 4)
        await order(line, "C-1", ("A", 4))
        await line.think()
        assert await line.codes() == [70]
        assert await core.rows("SELECT holder_id, quantity FROM allocations") == [("F-1", 4)]
        assert not await contradictions(core)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ((15, 20), [("F-1", 10), ("F-2", 10)]),
        ((15, 5), [("F-1", 10), ("F-1", 5), ("F-2", 5)]),
        ((25, 5), [("F-1", 20)]),
    ],
    ids=("whole ones in both", "one has to be opened", "all of it in one place"),
)
async def test_whole_cases_are_taken_whole_wherever_that_is_possible(
    there: tuple[int, int], taken: list[tuple[str, int]]
) -> None:
    async with chain(rules=[rule("audit.packaging", "case")]) as line:
        await line.core.products("A", unitsPerCase=10, version=2)
        for name, quantity in zip(("F-1", "F-2"), there, strict=True):
            place = Holder(holder_id=name, kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id=name)
            await fill_holder(line.core, place, A=quantity)
        await order(line, "C-1", ("A", 20))
        await line.think()
        assert await line.core.rows("SELECT mode, code FROM work_orders") == [("fullCase", 70)]
        assert await line.core.rows("SELECT holder_id, quantity FROM allocations") == taken
        assert not await contradictions(line.core)


# ── an answer on a snapshot ───────────────────────────────────────────────────────────────────────────


async def hold_work(tx: Tx) -> None:
    await tx.execute("UPDATE work_orders SET held = 'batch' WHERE priority = 9")


async def close(tx: Tx) -> None:
    for station in ("station-1", "station-2"):
        await close_station(tx, station, "no light", "Ann")


async def take_slots(tx: Tx) -> None:
    slots = [{"slot": f"W{wall}-{number:02}"} for wall in (1, 2) for number in range(1, 13)]
    await tx.execute_many(
        "INSERT INTO wall_slots (slot_id, station_id, work_id, sealed)"
        " SELECT :slot, 'station-1', MAX(work_id), 0 FROM work_orders",
        slots,
    )


@pytest.mark.parametrize(
    ("change", "left"), [(hold_work, 1), (close, 2), (take_slots, 2)], ids=["held", "closed", "slots taken"]
)
async def test_what_no_longer_holds_of_an_answer_waits_and_the_rest_goes_on(change: Any, left: int) -> None:
    async with chain() as line:
        context = line.core.context
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await order(line, "C-1", ("A", 1), priority=9)
        await order(line, "C-2", ("A", 1), priority=1)
        await line.hear()
        shot = await line.store.read(lambda tx: look(tx, context))
        answer = await line.allocator.plan(shot.problem)
        assert len(answer.plan.assignments) == 2
        await line.store.write(change)
        await line.store.write(lambda tx: commit(tx, context, shot, answer.plan))
        assert (await line.codes()).count(30) == left
        assert not await contradictions(line.core)


async def test_an_answer_with_stock_that_is_gone_leaves_its_work_orders_waiting() -> None:
    async with chain() as line:
        core = line.core
        await fill(line, "T-1", "A1-1-L-01", A=1)
        await fill(line, "T-2", "A1-1-L-02", A=1)
        await order(line, "C-1", ("A", 1))
        await order(line, "C-2", ("A", 1))
        await line.hear()
        shot = await line.store.read(lambda tx: look(tx, core.context))
        answer = await line.allocator.plan(shot.problem)
        ((lot_id,),) = await core.rows("SELECT lot_id FROM lots")
        area = Virtual.RCV_AREA.of(WAREHOUSE)
        await line.store.write(
            lambda tx: post(tx, put_away(act(core.context), [Portion("T-1", lot_id, 1)], area))
        )
        await line.store.write(lambda tx: commit(tx, core.context, shot, answer.plan))
        assert sorted(await line.codes()) == [30, 70]
        assert not await contradictions(core)
