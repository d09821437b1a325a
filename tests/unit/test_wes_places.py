"""Where goods may be put on foot, and what lies where it does not belong: asked over HTTP and from a terminal.

The site is that of tests/wes/test_wes_zones.py.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_places import place_routes
from gateway.site.zones import Zone, ZonePurpose
from gateway.store.inline import open_inline
from gateway.wes.core import WesCore
from gateway.wes.planning.belonging import Goods, ZonePlan
from gateway.wes.planning.misplaced import Tidying
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.model import Quality
from tests.cli_bench import served, typed
from tests.unit.chain_rig import Chain, Crash, MortalStore, fill
from tests.wes.test_wes_zones import Floor, floor_on

pytestmark = pytest.mark.unit


@asynccontextmanager
async def floor(**changes: Any) -> AsyncGenerator[Floor]:
    async with open_inline(None, MIGRATIONS) as store:
        yield await floor_on(store, **changes)


def app_of(there: Floor) -> FastAPI:
    core = there.line.core
    app = FastAPI()
    app.include_router(place_routes(WesCore(store=core.store, context=core.context, numbers=core.numbers)))
    add_problem_handlers(app)
    return app


async def proposed(there: Floor, **which: Any) -> list[tuple[str, str]]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app_of(there)), base_url="http://wes") as http:
        answer = await http.get("/v1/wes/places", params=which)
    assert answer.status_code == 200, answer.text
    return [(each["locationId"], each["fit"]) for each in answer.json()["items"]]


async def test_goods_go_beside_their_lot_then_beside_their_product_then_to_the_nearest_empty_place() -> None:
    async with floor() as there:
        await there.receive("A", 1, "SH-3")
        await there.receive("A", 5)
        asked = {"skuId": "A", "lotNo": "A-1", "near": "SH-2"}
        assert await proposed(there, **asked) == [("SH-3", "sameLot"), ("SH-1", "empty"), ("SH-2", "empty")]
        await there.receive("A", 1, "SH-1", lotNo="A-2")
        assert await proposed(there, **asked) == [
            ("SH-3", "sameLot"),
            ("SH-1", "sameProduct"),
            ("SH-2", "empty"),
        ]
        assert await proposed(there, **asked, quantity=20) == [("SH-2", "empty")]
        there.line.gateway.block("SH-2", "Ann")
        await there.line.hear()
        assert await proposed(there, **asked, quantity=20) == []


async def test_a_person_asks_for_places_and_for_what_lies_wrong_from_a_terminal() -> None:
    async with floor() as there:
        await there.receive("A", 1, "SH-3")
        await fill(there.line, "T-1", "A1-1-L-05", C=1)
        await there.stand("T-1", "A1-1-L-05")
        async with served(app_of(there)) as url:
            ended = await asyncio.to_thread(typed, "wes", "places", "A", "--lot", "A-1", "--url", url)
            shown = [row.split()[0] for row in ended.out.splitlines() if " shelves " in row]
            assert shown == ["SH-3", "SH-1", "SH-2"]
            ended = await asyncio.to_thread(typed, "wes", "misplaced", "--url", url)
            assert "it is chill of C lot C-1" in " ".join(ended.out.split())
            await there.tidy()
            assert there.where("T-1") == "COLD-1"
            ended = await asyncio.to_thread(typed, "wes", "misplaced", "--url", url)
            assert ended.out.strip() == "everything lies where it belongs"


async def test_whenever_the_process_dies_a_rejected_container_is_brought_away_once() -> None:
    for commits in count(1):
        async with floor() as there:
            await fill(there.line, "T-1", "A1-1-L-05", A=5)
            await there.stand("T-1", "A1-1-L-05")
            await there.judge("A", "rejected")
            mortal = MortalStore(there.line.store, commits)
            dying = Chain(there.line.core, there.line.gateway, mortal)
            with suppress(Crash):
                for _ in range(3):
                    await Tidying(mortal, there.line.core.context, there.alarms).work()
                    await dying.round()
            there.line = Chain(there.line.core, there.line.gateway, there.line.store)
            await there.tidy(4)
            assert there.where("T-1") == "NG-1"
            assert [each.destination for each in there.line.gateway.asked.values()] == ["NG-1"]
            assert [purpose for purpose, _, _ in await there.moves("T-1")] == ["relocate"]
        if mortal.commits_left > 0:
            assert commits > 5
            return


async def test_without_zones_nothing_is_looked_at() -> None:
    async with floor(zones=[]) as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=5)
        await there.stand("T-1", "A1-1-L-05")
        await there.judge("A", "rejected")
        await there.tidy()
        assert not there.line.gateway.asked
        assert await proposed(there, skuId="A", lotNo="A-1") == [
            ("DMG-1", "empty"),
            ("SH-1", "empty"),
            ("SH-2", "empty"),
            ("SH-3", "empty"),
        ]


# ── which zone takes what ─────────────────────────────────────────────────────────────────────────────

P, Q = ZonePurpose, Quality


def goods(quality: Quality, *, returned: bool = False, held: int = 0) -> Goods:
    return Goods(
        lot_id=1,
        owner_id="me",
        sku="A",
        lot_no="1",
        quality=quality,
        recalled=False,
        returned=returned,
        kg=None,
        attributes={},
        quantity=5,
        held=held,
    )


@pytest.mark.parametrize(
    ("purposes", "takes"),
    [
        ([], {"good": "-", "pending": "-", "bad": "-", "back": "-", "aside": "-"}),
        ([P.PICK], {"good": "- pick", "pending": "-", "bad": "-", "back": "- pick", "aside": "- pick"}),
        ([P.PENDING], {"good": "-", "pending": "pending", "bad": "-", "back": "-", "aside": "-"}),
        (
            [P.QUALIFIED, P.REJECTED, P.RETURNS, P.DAMAGED],
            {"good": "- qualified", "pending": "-", "bad": "rejected", "back": "returns", "aside": "damaged"},
        ),
    ],
)
def test_goods_with_a_zone_of_their_own_lie_there_the_others_where_none_of_these_is(
    purposes: list[ZonePurpose], takes: dict[str, str]
) -> None:
    plan = ZonePlan(Zone(zone=purpose.value, purpose=purpose) for purpose in purposes)
    kinds = {
        "good": goods(Q.QUALIFIED),
        "pending": goods(Q.PENDING),
        "bad": goods(Q.EXPIRED),
        "back": goods(Q.QUALIFIED, returned=True),
        "aside": goods(Q.QUALIFIED, held=5),
    }
    zones = ["-", *(purpose.value for purpose in purposes)]
    assert {
        name: " ".join(zone for zone in zones if plan.is_home(zone, [each])) for name, each in kinds.items()
    } == takes
