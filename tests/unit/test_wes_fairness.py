"""An order that needs containers which others keep at different stations waits for a bounded time (S0-26, S0-28)."""

from dataclasses import replace

import pytest

from gateway.wes.allocation.greedy import greedy_plan
from gateway.wes.allocation.plans import check
from gateway.wes.allocation.port import Line, Position, Problem, Station, Tote, Work
from gateway.wes.planning.fairness import PATIENCE_US, keep_totes
from tests.unit.chain_rig import Chain, chain, contradictions, fill, order

pytestmark = pytest.mark.unit

TURNS = 12


def tote(number: int, sku: str, station_id: str | None = None, available: int = 9) -> Tote:
    stock = Position(position_id=number, sku=sku, available=available, lot=sku)
    return Tote(tote_id=f"T-{number}", positions=(stock,), station_id=station_id)


def wanted(work_id: int, *skus: str, station_id: str | None = None) -> Work:
    lines = tuple(
        Line(line_id=10 * work_id + number, sku=sku, quantity=2, lots=(sku,))
        for number, sku in enumerate(skus)
    )
    return Work(work_id=work_id, lines=lines, station_id=station_id)


STATIONS = tuple(
    Station(station_id=name, slots=(f"{name}-1", f"{name}-2"), totes=2) for name in ("S-1", "S-2")
)
TORN = Problem(
    works=(wanted(1, "A", "B", "C"),),
    totes=(tote(1, "A", "S-1"), tote(2, "B", "S-2"), tote(3, "C", "S-2")),
    stations=STATIONS,
)


def at(problem: Problem) -> dict[str, str | None]:
    return {each.tote_id: each.station_id for each in problem.totes}


def test_what_no_station_can_do_alone_has_its_totes_kept_where_most_of_them_are() -> None:
    assert greedy_plan(TORN).assignments == ()
    kept = keep_totes(TORN, [1])
    assert at(kept) == {"T-1": "S-2", "T-2": "S-2", "T-3": "S-2"}
    plan = greedy_plan(kept)
    assert [each.station_id for each in plan.assignments] == ["S-2"]
    assert check(kept, plan) == []


def test_nothing_is_kept_for_work_that_has_not_waited_for_long() -> None:
    assert keep_totes(TORN, []) is TORN


@pytest.mark.parametrize(
    "problem",
    [
        replace(TORN, totes=(*TORN.totes, tote(4, "A"))),
        replace(TORN, totes=(*TORN.totes, tote(4, "A", "S-2"))),
        replace(TORN, totes=TORN.totes[:2]),
        replace(TORN, stations=()),
    ],
    ids=("it is in storage too", "it is there too", "it is nowhere", "no station takes work"),
)
def test_nothing_is_kept_for_work_that_a_station_can_do_or_that_nobody_can(problem: Problem) -> None:
    assert keep_totes(problem, [1]) == problem


def test_nothing_is_kept_at_a_station_that_has_no_slot_for_the_box() -> None:
    first, second = STATIONS
    there_is_none = replace(TORN, stations=(first, replace(second, slots=())))
    assert at(keep_totes(there_is_none, [1])) == {"T-1": "S-1", "T-2": "S-1", "T-3": "S-1"}
    nowhere = replace(TORN, stations=(replace(first, slots=()), replace(second, slots=())))
    assert keep_totes(nowhere, [1]) == nowhere, "others go on using them until there is one"


def test_work_that_has_its_box_at_a_station_has_its_totes_kept_there() -> None:
    kept = keep_totes(replace(TORN, works=(wanted(1, "B", station_id="S-1"),)), [1])
    assert at(kept) == {"T-1": "S-1", "T-2": "S-1", "T-3": "S-2"}


def test_who_waits_longest_is_served_first_and_others_wait_for_what_is_kept_for_it() -> None:
    both = replace(TORN, works=(wanted(1, "A", "B", "C"), wanted(2, "A", "B")))
    assert at(keep_totes(both, [1, 2])) == {"T-1": "S-2", "T-2": "S-2", "T-3": "S-2"}
    assert [each.station_id for each in keep_totes(both, [1, 2]).works] == ["S-2", None]
    assert at(keep_totes(both, [2, 1])) == {"T-1": "S-1", "T-2": "S-1", "T-3": "S-2"}


# ── in the chain ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_an_order_whose_totes_others_keep_at_two_stations_is_served_once_it_has_waited_for_long(
    sequence: str,
) -> None:
    async with chain(sequence=sequence) as line:
        await fill(line, "T-1", "A1-1-L-05", A=900)
        await fill(line, "T-2", "A1-1-L-06", B=900)
        await others(line, 0)
        await line.think()
        line.gateway.step()
        await order(line, "LONG", ("A", 1), ("B", 1))
        for number in range(1, TURNS):
            await busy(line, number)
        stations = await line.core.rows(
            "SELECT DISTINCT station_id FROM presentations WHERE purpose = 'pick'"
        )
        assert len(stations) == 2
        assert await ended(line, "LONG") is False, "others go on using both"
        line.core.clock.at_us += PATIENCE_US
        turns = 0
        while not await ended(line, "LONG"):
            turns += 1
            assert turns < TURNS
            await busy(line, TURNS + turns)
        await line.until_quiet()
        assert set(await line.codes("orders")) == {90}
        assert not await contradictions(line.core)


async def others(line: Chain, number: int) -> None:
    for sku in "AB":
        await order(line, f"{sku}-{number}", (sku, 1))


async def busy(line: Chain, number: int) -> None:
    """Others want both totes again before they are done where they stand."""
    await others(line, number)
    await line.hear()
    await line.waves.work()
    await line.planner.work()
    await line.serve()
    await line.dispatch.work()
    line.gateway.step()


async def ended(line: Chain, name: str) -> bool:
    rows = await line.core.rows("SELECT code FROM orders WHERE oms_order_no = :no", no=f"ORD-{name}")
    return rows[0][0] == 90
