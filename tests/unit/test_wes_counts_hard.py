"""Counts where it is hard: goods in the wrong place, two people of one name, goods that somebody is just bringing."""

from functools import partial
from typing import Any

import pytest

from gateway.contract.counts import CountLine, OrderCount
from gateway.contract.faults import Refusal
from gateway.wes.counting.acts import do_counting
from gateway.wes.counting.documents import order_count
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station
from tests.unit.test_wes_counts import Desk, desk
from tests.wes.test_wes_replenishment import PICK, RESERVE, shelf, the_one, to_walk, turn

pytestmark = pytest.mark.unit


async def numbered(there: Desk, tote: str, place: str, *upns: str) -> None:
    """Have pieces of B that are known by number in a tote of the rack."""
    await fill(there.line, tote, place)
    receipt = {"skuId": "B", "quantity": len(upns), "upns": list(upns)}
    body = {"actId": f"in-{tote}", "operator": "Ann", "holderId": tote, "lines": [receipt]}
    answer = await there.http.post("/v1/wes/inbound/receipts", json=body)
    assert answer.status_code == 200, answer.text


async def test_numbered_pieces_in_the_wrong_place_are_approved_in_one_act() -> None:
    async with desk() as there:
        await there.line.core.products("B", version=2, serial_tracked=True)
        await numbered(there, "T-1", "A1-1-L-05", "U-1", "U-2")
        await numbered(there, "T-2", "A1-2-L-05", "U-3", "U-4")
        await there.order()
        places = await there.places()
        lines = {tote: places[tote, "B"] for tote in ("T-1", "T-2")}
        for person in ("Ann", "Ben"):
            await there.counted(person, lines["T-1"], 2, upns=["U-1", "U-3"])
            await there.counted(person, lines["T-2"], 2, upns=["U-2", "U-4"])
        await there.approve(*lines.values(), code="unrecordedMove")
        units = await there.line.core.rows("SELECT upn, holder_id FROM units ORDER BY upn")
        assert [tuple(row) for row in units] == [
            ("U-1", "T-1"),
            ("U-2", "T-2"),
            ("U-3", "T-1"),
            ("U-4", "T-2"),
        ]


async def test_promised_pieces_in_the_wrong_place_are_approved_in_one_act() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=6)
        await fill(there.line, "T-2", "A1-2-L-05", A=4)
        await order(there.line, "C-1", ("A", 10))
        await there.order()
        places = await there.places()
        lines = {tote: places[tote, "A"] for tote in ("T-1", "T-2")}
        for person in ("Ann", "Ben"):
            await there.counted(person, lines["T-1"], 4)
            await there.counted(person, lines["T-2"], 6)
        await there.approve(*lines.values(), code="unrecordedMove")
        assert {name: figures[0] for name, figures in (await there.positions()).items()} == {
            "T-1": 4,
            "T-2": 6,
        }


@pytest.mark.parametrize("same", ["ANN", "ann", " Ann "])
async def test_the_same_person_written_otherwise_is_no_second_one(same: str) -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=10)
        await there.order()
        line = await there.only_line()
        assert await there.counted("Ann", line, 9) == "again"
        assert (await there.did("claims", same, countId="N-1"))["lineIds"] == []
        assert await there.refused("results", same, lineId=line, quantity=9) == (409, "samePerson")
        assert await there.counted("Ben", line, 9) == "differs"


async def test_one_person_written_in_two_ways_is_not_two_people() -> None:
    async with desk() as there:
        await fill(there.line, "T-1", "A1-1-L-05", A=10)
        body: dict[str, Any] = {
            "countId": "N-1",
            "scope": {"kind": "everything"},
            "people": ["Ann", "ANN"],
            "operator": "Olga",
            "reason": "year end",
        }
        assert (await there.http.post("/v1/wes/counts", json=body)).status_code == 422
        await there.order(people=["Ann", "Ben"])
        line = await there.only_line()
        assert await there.counted("ANN", line, 10) == "agreed"


async def count(line: Station, holder_id: str, operator: str, quantity: int) -> str:
    """Count the only product of a place; returns what becomes of its line, or why not."""
    sql = "SELECT line_id FROM count_lines WHERE holder_id = :holder_id"
    ((line_id,),) = await line.core.rows(sql, holder_id=holder_id)
    body = {"act_id": f"{operator}-{holder_id}-{quantity}", "operator": operator, "line_id": line_id}
    request = CountLine.model_validate(body | {"quantity": quantity})
    try:
        view = await line.store.write(partial(do_counting, context=line.core.context, request=request))
    except Refusal as refused:
        return refused.reasons[0].code
    assert view.line_states is not None
    return view.line_states[0]


async def test_what_somebody_is_just_bringing_is_counted_neither_where_it_was_nor_where_it_goes() -> None:
    async with station(rules=to_walk()) as line:
        await shelf(line, PICK, A=3)
        await shelf(line, RESERVE, A=30)
        await order(line, "C-1", ("A", 5))
        await turn(line)
        body = {"count_id": "N-1", "scope": {"kind": "everything"}, "operator": "Olga", "reason": "year end"}
        ordered = OrderCount.model_validate(body)
        await line.store.write(partial(order_count, context=line.core.context, order=ordered))
        work = await the_one(line)
        await line.act("beginReplenishment", replenishment_id=work.replenishment_id)
        assert await count(line, RESERVE, "Ann", 28) == "beingMoved"
        assert await count(line, PICK, "Ann", 5) == "beingMoved", "both lie there, and are not booked yet"
        await line.act("replenish", replenishment_id=work.replenishment_id, holder_id=PICK, quantity=2)
        assert await count(line, RESERVE, "Ben", 28) == "agreed"
        assert await count(line, PICK, "Ben", 5) == "agreed"
        await line.check()
