"""Totes and pallets at one site: each is sent only to places and stations that accept it.

Given in every test: the rack takes totes, two places on the floor take pallets, and so do the slots that the test names.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest

from gateway.contract.faults import Refusal
from gateway.contract.inbound import Store
from gateway.site.model import Site
from gateway.wes.inbound import store_container
from gateway.wes.layout import lay_out
from tests.unit.chain_rig import Chain, chain, demo_site, fill, order

pytestmark = pytest.mark.unit

TYPES = [{"id": "tote", "containers": ["TOTE-*"]}, {"id": "pallet", "containers": ["PALLET-*"]}]
FLOOR = ("FLOOR-1", "FLOOR-2")


@cache
def mixed_site(*slots_for_pallets: str) -> Site:
    site = demo_site().model_dump(by_alias=True, exclude={"root", "wes"})
    for rack in site["racks"]:
        rack["accepts"] = ["tote"]
    for place in site["locations"]:
        for_both = place["kind"] == "conveyor" or place["id"] in slots_for_pallets
        place["accepts"] = ["tote", "pallet"] if for_both else ["tote"]
    floor = [{"id": name, "kind": "storage", "accepts": ["pallet"], "x": 1.0} for name in FLOOR]
    return Site.model_validate(site | {"container_types": TYPES, "locations": [*site["locations"], *floor]})


@asynccontextmanager
async def mixed(*slots_for_pallets: str, **changes: Any) -> AsyncGenerator[Chain]:
    async with chain(**changes) as line:
        core = line.core
        layout = lay_out(mixed_site(*slots_for_pallets), core.context.wes.stations.boxes)
        core.context = replace(core.context, layout=layout)
        yield Chain(core, line.gateway, line.store)


async def test_a_pallet_comes_to_a_slot_and_goes_to_a_place_that_accept_it() -> None:
    async with mixed("S2-2") as line:
        await fill(line, "PALLET-9", "FLOOR-1", A=30)
        await fill(line, "TOTE-1", "A1-1-L-05", B=3)
        await order(line, "C-1", ("A", 3), ("B", 3))
        await line.until_quiet()
        assert await line.codes("orders") == [90]
        ways = {(each.container_id, each.destination) for each in line.gateway.asked.values()}
        assert {place for name, place in ways if name == "PALLET-9"} <= {"S2-2", *FLOOR}
        assert line.gateway.places["PALLET-9"] in FLOOR
        assert line.gateway.places["TOTE-1"].startswith("A1-")


async def test_a_rule_that_names_places_for_totes_sends_no_pallet_there() -> None:
    rules = [{"at": "return", "then": "A1-1-*"}]
    async with mixed("S2-2", rules=rules) as line:
        await fill(line, "PALLET-9", "FLOOR-1", A=3)
        await order(line, "C-1", ("A", 3))
        await line.until_quiet()
        assert line.gateway.places["PALLET-9"] in FLOOR


async def test_a_pallet_for_which_no_place_is_free_stays_until_one_is() -> None:
    async with mixed("S2-2") as line:
        await fill(line, "PALLET-9", "FLOOR-1", A=3)
        await order(line, "C-1", ("A", 3))
        await line.round()
        assert line.gateway.places["PALLET-9"] == "S2-2"
        for place, other in zip(FLOOR, ("PALLET-1", "PALLET-2"), strict=True):
            line.gateway.put_by_hand(other, place)
        for _ in range(3):
            await line.round()
        assert line.gateway.places["PALLET-9"] == "S2-2"
        line.gateway.remove("PALLET-2")
        await line.until_quiet()
        assert line.gateway.places["PALLET-9"] == "FLOOR-2"


async def test_what_comes_in_is_stored_where_it_fits_or_refused_in_words() -> None:
    async with mixed() as line:
        for name, place in (("PALLET-9", "IN-3"), ("CAGE-1", "IN-4")):
            line.gateway.put_by_hand(name, place)
        await line.hear()

        async def store(name: str) -> str | None:
            request = Store(act_id=name, operator="Ann", container_id=name)
            job = partial(store_container, context=line.core.context, request=request)
            return (await line.core.store.write(job)).destination

        assert await store("PALLET-9") in FLOOR
        with pytest.raises(Refusal) as refused:
            await store("CAGE-1")
        assert [(each.code, each.message) for each in refused.value.reasons] == [
            ("noPlace", "no storage location that accepts CAGE-1 is free")
        ]


async def test_a_pallet_that_no_station_can_have_is_not_sent_for_and_its_order_waits() -> None:
    async with mixed() as line:
        await fill(line, "PALLET-9", "FLOOR-1", A=30)
        await order(line, "C-1", ("A", 3))
        for _ in range(3):
            await line.round()
        assert line.gateway.asked == {}
        assert await line.codes("orders") == [30]
