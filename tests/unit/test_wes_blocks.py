"""A place that the gateway has blocked is not chosen, and who is under way to it gets another one."""

from functools import partial
from typing import Any

import pytest

from gateway.contract.inbound import Store
from gateway.contract.plant import LocationView
from gateway.wes.inbound import store_container
from gateway.wes.layout import STORAGE
from gateway.wes.planning.home import find_home
from tests.unit.chain_rig import Chain, chain, demo_site, fill, order

pytestmark = pytest.mark.unit

BLOCKED = "SELECT location_id, reason, operator FROM blocked_places ORDER BY location_id"
WHY = "SELECT state, destination, reason FROM presentations ORDER BY presentation_id"
STORED = [place.id for place in demo_site().all_locations.values() if place.kind == STORAGE]
SLOTS = ("S1-1", "S1-2", "S2-1", "S2-2")


async def block(line: Chain, *places: str, by: str | None = "Ann") -> None:
    for place in places:
        line.gateway.block(place, by)
    await line.hear()


async def unblock(line: Chain, *places: str) -> None:
    for place in places:
        line.gateway.unblock(place)
    await line.hear()


async def home(line: Chain, container_id: str = "T-1") -> str | None:
    found = await line.core.store.read(lambda tx: find_home(tx, line.core.context, container_id, None, None))
    return None if found is None else found.location_id


async def at_a_station(line: Chain) -> str:
    """Given T-1, which has been picked from and is to leave its station; return the station's slot."""
    await fill(line, "T-1", "A1-1-L-05", A=3)
    await order(line, "C-1", ("A", 3))
    await line.round()
    return line.gateway.places["T-1"]


async def put_away(line: Chain, container_id: str, place: str) -> str:
    """A container that came in is to be brought to storage; return where to."""
    line.gateway.put_by_hand(container_id, place)
    await line.hear()
    request = Store(act_id=f"S-{container_id}", operator="Ann", container_id=container_id)
    view = await line.core.store.write(partial(store_container, context=line.core.context, request=request))
    assert view.destination is not None
    return view.destination


@pytest.mark.parametrize("by", [None, "Ann"], ids=("found occupied", "locked by a person"))
async def test_a_container_goes_home_to_a_place_that_is_not_blocked(by: str | None) -> None:
    async with chain() as line:
        await at_a_station(line)
        nearest = await home(line)
        assert nearest is not None
        await block(line, nearest, by=by)
        await line.until_quiet()
        assert line.gateway.places["T-1"] not in {nearest, *SLOTS}
        await unblock(line, nearest)
        assert await home(line) is not None
        assert await line.core.rows(BLOCKED) == []


async def test_a_container_under_way_to_a_place_that_is_blocked_gets_another_one() -> None:
    async with chain() as line:
        slot = await at_a_station(line)
        await line.think()
        (going,) = (line.gateway.asked[name] for name in line.gateway.open())
        await block(line, going.destination)
        await line.think()
        first = (await line.core.rows(WHY))[1]
        assert first == ("recalled", going.destination, f"{going.destination} is blocked: bent rail")
        await line.until_quiet()
        assert line.gateway.places["T-1"] not in {going.destination, slot}
        assert await line.states() == [
            ("T-1", "pick", "done"),
            ("T-1", "return", "cancelled"),
            ("T-1", "return", "done"),
        ]


async def test_a_container_that_comes_in_gets_another_place_if_its_own_is_blocked() -> None:
    async with chain() as line:
        proposed = await put_away(line, "T-9", "IN-4")
        await line.think()
        await block(line, proposed)
        await line.until_quiet()
        assert line.gateway.places["T-9"] in set(STORED) - {proposed}
        assert await line.states() == [("T-9", "putaway", "cancelled"), ("T-9", "putaway", "done")]


async def test_where_no_place_is_open_a_container_stays_until_one_is() -> None:
    async with chain() as line:
        slot = await at_a_station(line)
        await block(line, *STORED)
        assert await home(line) is None
        for _ in range(3):
            await line.round()
        assert line.gateway.places["T-1"] == slot
        assert await line.core.rows(WHY) == [
            ("leaving", slot, "no storage location that accepts T-1 is free")
        ]
        await unblock(line, "A1-4-R-20")
        await line.until_quiet()
        assert line.gateway.places["T-1"] == "A1-4-R-20"


async def test_containers_come_to_the_slots_of_a_station_that_are_open() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=3)
        await order(line, "C-1", ("A", 3))
        await block(line, *SLOTS)
        for _ in range(3):
            await line.round()
        assert line.gateway.asked == {}
        await unblock(line, "S1-2", "S2-2")
        await line.think()
        (coming,) = line.gateway.asked.values()
        assert coming.destination in {"S1-2", "S2-2"}
        await block(line, coming.destination)
        await unblock(line, *({"S1-1", "S2-1"}))
        await line.until_quiet()
        assert await line.codes() == [90]
        assert [request.destination[:2] for request in line.gateway.asked.values()][:2] == [
            coming.destination[:2]
        ] * 2, "to the other slot of the same station"
        assert coming.transport_id in line.gateway.ended


async def test_no_container_is_fetched_from_a_place_that_a_person_has_locked() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=3)
        await fill(line, "T-2", "A1-4-R-20", A=3)
        await line.hear()
        await block(line, "A1-1-L-05")
        await order(line, "C-1", ("A", 2))
        await line.until_quiet()
        assert {request.container_id for request in line.gateway.asked.values()} == {"T-2"}
        await order(line, "C-2", ("A", 4))
        for _ in range(3):
            await line.round()
        assert await line.codes("orders") == [90, 30], "it waits for the place to be opened, and is not short"
        await unblock(line, "A1-1-L-05")
        await line.until_quiet()
        assert await line.codes("orders") == [90, 90]


async def test_a_container_leaves_a_place_that_a_machine_has_found_occupied() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-05", A=3)
        await line.hear()
        await block(line, "A1-1-L-05", by=None)
        await order(line, "C-1", ("A", 3))
        await line.think()
        assert [request.container_id for request in line.gateway.asked.values()] == ["T-1"]


async def test_hearing_the_feed_again_leaves_blocked_what_is_blocked_and_nothing_else() -> None:
    async with chain() as line:
        await line.hear()
        await block(line, "A1-1-L-05", "A1-1-L-06")
        await unblock(line, "A1-1-L-06")
        seen = [LocationView(location_id="A1-1-L-05", kind=STORAGE, zone=None, capacity=1, blocked="bent")]
        await line.store.write(lambda tx: line.hearing.catch_up(tx, [], seen, {}))
        assert await line.core.rows(BLOCKED) == [("A1-1-L-05", "bent", None)]
        await line.hear()
        assert await line.core.rows(BLOCKED) == [("A1-1-L-05", "bent rail", "Ann")]


async def test_what_the_wes_has_missed_it_sees() -> None:
    async with chain() as line:
        views: list[Any] = [
            LocationView(location_id="A1-1-L-05", kind=STORAGE, zone=None, capacity=1, blocked="full"),
            LocationView(location_id="A1-1-L-06", kind=STORAGE, zone=None, capacity=1),
        ]
        await line.store.write(lambda tx: line.hearing.catch_up(tx, [], views, {}))
        assert await line.core.rows(BLOCKED) == [("A1-1-L-05", "full", None)]
