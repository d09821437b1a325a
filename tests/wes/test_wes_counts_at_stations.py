"""Containers come to a station to be counted, and go back (S2-87, S2-95), on both databases: picks first, crash or not.

Given in every test: totes T-1 with ten of A and five of B, and T-2 with ten of A, in the rack of the demo site.
"""

from functools import partial
from typing import Any, TypeVar

import pytest

from gateway.contract.acts import ActView
from gateway.contract.counts import ClaimCount, CountLine, EndCount, FoundEmpty, OrderCount
from gateway.contract.faults import Refusal
from gateway.kernel.ports import Store
from gateway.store.inline import open_inline
from gateway.wes.alarms import Alarms
from gateway.wes.counting.acts import do_counting
from gateway.wes.counting.calls import CountCalls
from gateway.wes.counting.documents import order_count
from gateway.wes.counting.views import lines_at_station
from gateway.wes.floor.watch import UNATTENDED_US, Watch
from gateway.wes.planning.stations import close_station, open_station
from gateway.wes.schema import MIGRATIONS
from tests.unit.chain_rig import Crash, MortalStore, fill, order
from tests.unit.station_rig import Station, shelf, station_on

Counting = TypeVar("Counting", ClaimCount, CountLine, EndCount, FoundEmpty)
STATIONS = ("station-1", "station-2")
HOMES = {"T-1": "A1-1-L-05", "T-2": "A1-2-L-05"}


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
    return await line_on(store)


async def ordered(line: Station, **more: Any) -> None:
    body = {
        "countId": "N-1",
        "scope": {"kind": "everything"},
        "operator": "Olga",
        "reason": "year end",
    } | more
    job = partial(order_count, context=line.core.context, order=OrderCount.model_validate(body))
    await line.store.write(job)


async def turn(line: Station, rounds: int = 4) -> None:
    """Everything that needs no person goes on."""
    for _ in range(rounds):
        await line.turn()
        await CountCalls(line.store, line.core.context).work()


async def at_stations(line: Station) -> dict[str, str]:
    """Return which containers stand at which stations to be counted."""
    rows = await line.core.rows(
        "SELECT container_id, station_id FROM presentations WHERE purpose = 'count' AND state = 'arrived'"
    )
    return {row[0]: row[1] for row in rows}


async def shown(line: Station) -> dict[tuple[str, str], int]:
    """Return the lines that the stations show, by tote and product."""
    lines = [
        each
        for name in STATIONS
        for each in await line.store.read(partial(lines_at_station, station_id=name))
    ]
    return {(each.holder_id, each.sku_id): each.line_id for each in lines}


async def did(line: Station, kind: type[Counting], operator: str, **fields: Any) -> ActView:
    line.acts += 1
    request = kind.model_validate({"act_id": f"count-{line.acts}", "operator": operator} | fields)
    return await line.store.write(partial(do_counting, context=line.core.context, request=request))


async def counted(line: Station, operator: str, line_id: int, quantity: int) -> None:
    await did(line, CountLine, operator, line_id=line_id, quantity=quantity)


async def settled(line: Station) -> bool:
    rows = await line.core.rows("SELECT COUNT(*) FROM presentations WHERE state NOT IN ('done', 'cancelled')")
    return rows[0][0] == 0


async def test_totes_come_to_be_counted_and_go_back(line: Station) -> None:
    await ordered(line)
    assert not await shown(line)
    await turn(line)
    assert sorted(await at_stations(line)) == ["T-1", "T-2"]
    lines = await shown(line)
    assert sorted(lines) == [("T-1", "A"), ("T-1", "B"), ("T-2", "A")]
    await counted(line, "Ann", lines["T-1", "A"], 10)
    await turn(line)
    assert sorted(await at_stations(line)) == ["T-1", "T-2"], "B is still to be counted"
    await counted(line, "Ann", lines["T-1", "B"], 5)
    await counted(line, "Ann", lines["T-2", "A"], 10)
    await turn(line)
    assert await settled(line)
    assert all(line.gateway.places[tote].startswith("A1-") for tote in HOMES)
    assert await line.core.rows("SELECT state FROM counts") == [("done",)]
    await line.check()


async def test_what_is_counted_again_comes_again_but_not_to_who_has_counted_it(line: Station) -> None:
    for name in STATIONS:
        await line.store.write(partial(open_station, station_id=name, operator="Ann"))
    await ordered(line, scope={"kind": "locations", "pattern": HOMES["T-2"]})
    await turn(line)
    ((_, number),) = (await shown(line)).items()
    await counted(line, "Ann", number, 9)
    await turn(line)
    assert await settled(line), "Ann works at both stations: it stays in the rack"
    await line.store.write(partial(open_station, station_id="station-2", operator="Ben"))
    await turn(line)
    assert await at_stations(line) == {"T-2": "station-2"}
    await counted(line, "Ben", number, 9)
    await turn(line)
    assert await settled(line)
    assert await line.core.rows("SELECT state FROM count_lines") == [("differs",)]


async def test_picks_go_first_and_counts_take_what_they_leave(line: Station) -> None:
    await line.store.write(partial(close_station, station_id="station-2", reason="night", operator="Ann"))
    for number in range(3, 7):
        await fill(line, f"T-{number}", f"A1-3-L-{number:02}", B=10)
        line.walls.tell_place(f"T-{number}")
    await line.hear()
    for number in range(3, 7):
        await order(line, f"C-{number}", ("B", 10))
    await line.turn()
    await ordered(line, scope={"kind": "products", "skuIds": ["A"]})
    await turn(line)
    purposes = await line.core.rows("SELECT DISTINCT purpose FROM presentations")
    assert purposes == [("pick",)], "as long as a tote waits to be picked from, or a slot for one"
    await line.finish()
    await turn(line, 8)
    assert sorted(await at_stations(line)) == ["T-1", "T-2"]


async def test_what_is_being_counted_is_picked_from_when_it_has_been(line: Station) -> None:
    await ordered(line, scope={"kind": "locations", "pattern": HOMES["T-1"]})
    await turn(line)
    lines = await shown(line)
    await order(line, "C-1", ("B", 2))
    await turn(line)
    assert await line.operations() == []
    await counted(line, "Ann", lines["T-1", "A"], 10)
    await counted(line, "Ann", lines["T-1", "B"], 5)
    await line.finish()
    assert await line.order_codes() == [190]
    await line.check()


async def test_of_a_dynamic_count_the_remainder_is_counted_when_a_tote_comes_to_be_picked_from(
    line: Station,
) -> None:
    await ordered(line, dynamic=True)
    await turn(line)
    assert await settled(line), "no tote comes for it"
    await order(line, "C-1", ("B", 2))
    operation = await line.bring()
    lines = await shown(line)
    assert sorted(lines) == [("T-1", "A"), ("T-1", "B")]
    ((allocation, _),) = await line.scan(operation)
    await line.act("pick", allocation_id=allocation, quantity=2)
    with pytest.raises(Refusal) as told:
        await counted(line, "Ann", lines["T-1", "B"], 3)
    assert told.value.reasons[0].code == "beingMoved", "two are in a hand"
    await line.light()
    for name in line.walls.lit():
        line.walls.press(name)
    await line.hear()
    await counted(line, "Ann", lines["T-1", "B"], 3)
    assert await line.operations() == [operation], "it is there for its picks, and leaves with them"
    await line.act("done", operation_id=operation)
    await turn(line)
    assert await line.core.rows("SELECT state FROM count_lines ORDER BY state") == [
        ("agreed",),
        ("open",),
        ("open",),
    ]
    await line.check()


async def test_as_many_come_as_the_site_wants_and_people_walk_to_flat_places(store: Store) -> None:
    line = await line_on(store, counting={"containers": 1})
    await shelf(line, B=3)
    await ordered(line)
    await turn(line)
    assert len(await at_stations(line)) == 1
    claimed = await did(line, ClaimCount, "Ann", count_id="N-1", places=9)
    rows = await line.core.rows("SELECT holder_id FROM count_lines WHERE claimant = 'Ann'")
    assert [row[0] for row in rows] == ["FLAT-1"], "on foot only what is not brought"
    assert len(claimed.line_ids or ()) == 1


async def test_a_count_that_ends_sends_its_containers_back(line: Station) -> None:
    await ordered(line)
    await turn(line)
    await did(line, EndCount, "Olga", count_id="N-1", reason="enough")
    await turn(line)
    assert await settled(line)
    await line.check()


async def test_a_count_that_ends_turns_containers_round_that_are_on_their_way(line: Station) -> None:
    await ordered(line)
    calls = CountCalls(line.store, line.core.context)
    await calls.work()
    await line.think()
    await did(line, EndCount, "Olga", count_id="N-1", reason="enough")
    await calls.work()
    await turn(line)
    assert await settled(line)
    assert line.gateway.places == HOMES


async def test_a_station_that_closes_sends_its_containers_to_another_one(line: Station) -> None:
    await ordered(line, scope={"kind": "locations", "pattern": HOMES["T-2"]})
    await turn(line)
    ((_, station),) = (await at_stations(line)).items()
    await line.store.write(partial(close_station, station_id=station, reason="no light", operator="Ann"))
    await turn(line, 8)
    ((_, other),) = (await at_stations(line)).items()
    assert other != station
    await did(line, FoundEmpty, "Ann", count_id="N-1", holder_id="T-2")
    await turn(line)
    assert await line.core.rows("SELECT state FROM count_lines") == [("again",)]


async def test_a_container_that_nobody_counts_is_an_alarm(line: Station) -> None:
    await ordered(line, scope={"kind": "locations", "pattern": HOMES["T-2"]})
    await turn(line)
    alarms = Alarms()
    watch = Watch(line.store, line.core.context, alarms)
    await watch.work()
    assert "notCounted" not in alarms.standing
    line.core.clock.at_us += UNATTENDED_US
    await watch.work()
    assert "T-2 at station-" in alarms.standing["notCounted"].text
    await counted(line, "Ann", (await shown(line))["T-2", "A"], 10)
    await watch.work()
    assert "notCounted" not in alarms.standing


@pytest.mark.parametrize("commits", range(0, 40, 2))
async def test_dying_before_any_commit_leaves_no_tote_behind(commits: int) -> None:
    async with open_inline(None, MIGRATIONS) as store:
        line = await line_on(store)
        await ordered(line)
        mortal = Station(line.core, line.gateway, MortalStore(store, commits), acts=line.acts)
        try:
            await turn(mortal)
            for number in (await shown(mortal)).values():
                await counted(mortal, "Ann", number, 5)
            await turn(mortal)
        except Crash:
            pass
        line = Station(line.core, line.gateway, store, acts=100)
        for person in ("Ann", "Ben", "Cid"):
            await turn(line)
            for number in (await shown(line)).values():
                try:
                    await counted(line, person, number, 5)
                except Refusal as refused:
                    assert refused.reasons[0].code == "samePerson"
            await turn(line)
        assert await settled(line)
        states = {row[0] for row in await line.core.rows("SELECT state FROM count_lines")}
        assert states == {"agreed", "differs"}, "five of B were there, and not ten of A"
        await line.check()


async def test_no_tote_is_called_from_a_locked_place_or_to_a_blocked_slot(line: Station) -> None:
    line.gateway.block(HOMES["T-1"], "Ann")
    for slot in ("S1-1", "S1-2", "S2-1"):
        line.gateway.block(slot, "Ann")
    await ordered(line)
    await turn(line)
    assert await at_stations(line) == {"T-2": "station-2"}
    assert [each.destination for each in line.gateway.asked.values()] == ["S2-2"]
    line.gateway.unblock(HOMES["T-1"])
    line.gateway.unblock("S1-1")
    await turn(line)
    assert await at_stations(line) == {"T-1": "station-1", "T-2": "station-2"}


async def test_a_tote_under_way_to_be_counted_comes_to_another_slot_if_its_own_is_blocked(
    line: Station,
) -> None:
    for slot in ("S1-2", "S2-1", "S2-2"):
        line.gateway.block(slot, "Ann")
    await line.hear()
    await ordered(line)
    await CountCalls(line.store, line.core.context).work()
    await line.dispatch.work()
    line.gateway.block("S1-1", "Ann")
    line.gateway.unblock("S1-2")
    await turn(line)
    assert await at_stations(line) in ({"T-1": "station-1"}, {"T-2": "station-1"})
    assert {request.destination for request in line.gateway.asked.values()} == {"S1-1", "S1-2"}
