"""Who acts in some zones only is kept from what lies in others, also where an act names nothing but a number (S2-14)."""

import asyncio
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.guard import Doorkeeper, Entrance
from gateway.api.problems import add_problem_handlers
from gateway.api.wes_floor import floor_routes
from gateway.contract.people import Role
from gateway.people.callers import SignedIn
from gateway.people.rows import Person, Session
from gateway.wes.core import WesCore
from gateway.wes.whereabouts import whereabouts
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, shelf, station

pytestmark = pytest.mark.unit


async def where(line: Station, **named: object) -> list[str]:
    return await line.store.read(lambda tx: whereabouts(tx, named))


async def test_what_has_a_number_is_where_its_station_is_or_its_goods_are() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        operation = await line.bring()
        assert await where(line, operationId=operation) == ["station-1"]
        ((allocation, _),) = await line.scan(operation)
        put = await line.act("pick", allocation_id=allocation, quantity=2)
        ((work,),) = await line.core.rows("SELECT work_id FROM allocations")
        for named in ({"allocationId": allocation}, {"putId": put.put_id}, {"workId": work}):
            assert await where(line, **named) == ["station-1"]
        await shelf(line, "FLAT-1", B=5)
        assert await where(line, holderId="FLAT-1") == ["FLAT-1"]


@pytest.mark.parametrize(
    "named",
    [
        {"operationId": 999},
        {"operationId": "1"},
        {"operationId": True},
        {"operationId": 2**70},
        {"holderId": 7},
        {"holderId": "Mars"},
        {"lineId": [1]},
        {},
    ],
    ids=repr,
)
async def test_what_there_is_not_is_nowhere(named: dict[str, Any]) -> None:
    async with station() as line:
        assert await where(line, **named) == []


class Door:
    """Lets one person in."""

    asks_for = "person"

    def __init__(self, line: Station, zones: frozenset[str]) -> None:
        ann = Person(
            person_id="ann",
            name="Ann",
            phone=None,
            roles=frozenset({Role.OPERATOR}),
            zones=zones,
            password=None,
            must_change=False,
            created_us=0,
        )
        self._caller = SignedIn(ann, Session("key", "ann", 0, 1))
        self._line = line
        self.zones = {"station-1": frozenset({"hall"}), "FLAT-1": frozenset({"shelves"})}

    def caller(self, authorization: str) -> SignedIn:
        return self._caller

    async def whereabouts(self, body: dict[str, object]) -> list[str]:
        return await where(self._line, **body)


async def test_an_act_at_a_station_outside_of_ones_zones_changes_nothing() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        operation = await line.bring()
        core = WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)
        scan: dict[str, Any] = {
            "actId": "A-1",
            "act": "scan",
            "operationId": operation,
            "containerId": await line.container(operation),
        }
        before = await line.core.rows("SELECT * FROM operations")
        refused = await act(core, Door(line, frozenset({"dock"})), scan)
        assert (refused.status_code, refused.json()["reasons"][0]["code"]) == (403, "outsideZones")
        assert await line.core.rows("SELECT * FROM operations") == before
        assert (await act(core, Door(line, frozenset({"dock", "hall"})), scan)).status_code == 200
        ((operator,),) = await line.core.rows("SELECT operator FROM acts WHERE act_id = 'A-1'")
        assert operator == "ann"


async def test_whoever_takes_the_next_work_takes_it_where_that_person_acts() -> None:
    async with station() as line:
        core = WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)
        claim: dict[str, Any] = {"actId": "A-1", "act": "claim"}
        elsewhere = await act(core, Door(line, frozenset({"dock"})), claim | {"zone": "hall"})
        assert elsewhere.json()["reasons"][0]["code"] == "outsideZones"
        unsaid = await act(core, Door(line, frozenset({"dock", "hall"})), claim)
        assert (unsaid.status_code, unsaid.json()["reasons"][0]["field"]) == (422, "zone")
        assert (await act(core, Door(line, frozenset({"dock"})), claim)).status_code == 200


async def act(core: WesCore, door: Door, body: dict[str, Any]) -> httpx.Response:

    app = FastAPI()
    app.include_router(floor_routes(core, asyncio.Event()))
    add_problem_handlers(app)
    app.add_middleware(Entrance, door=cast(Doorkeeper, door))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        return await http.post("/v1/wes/acts", json=body)
