"""Wave first or allocate first (S3-17, S3-18), and that releasing work leaves stock alone (S1-68)."""

import pytest

from tests.unit.chain_rig import Chain, chain, contradictions, fill, order

pytestmark = pytest.mark.unit


async def two_orders(line: Chain) -> None:
    await fill(line, "T-1", "A1-1-L-05", A=10)
    for name in ("C-1", "C-2"):
        await order(line, name, ("A", 2))
    await line.hear()


async def bound(line: Chain) -> list[tuple[int, int]]:
    """Return (allocated, waves) of the warehouse: pieces bound to positions, and waves that there are."""
    sql = "SELECT (SELECT SUM(allocated) FROM positions), (SELECT COUNT(*) FROM waves)"
    return [(row[0], row[1]) for row in await line.core.rows(sql)]


async def test_wave_first_gathers_orders_before_any_goods_are_bound_to_them() -> None:
    async with chain(sequence="waveFirst", grouping="static") as line:
        await two_orders(line)
        await line.waves.work()
        assert await bound(line) == [(0, 1)]
        assert await line.codes("orders") == [30, 30]
        await line.planner.work()
        assert await bound(line) == [(4, 1)]
        assert await line.codes("orders") == [70, 70]
        assert not await contradictions(line.core)


async def test_allocate_first_binds_goods_before_there_is_a_wave() -> None:
    async with chain(sequence="allocateFirst", grouping="static") as line:
        await two_orders(line)
        await line.planner.work()
        assert await bound(line) == [(4, 0)]
        assert await line.codes("orders") == await line.codes() == await line.codes("allocations") == [50, 50]
        await line.waves.work()
        assert await bound(line) == [(4, 1)]
        assert await line.codes("orders") == [60, 60]
        assert not await contradictions(line.core)


@pytest.mark.parametrize("near", [1, 2, 64])
@pytest.mark.parametrize(
    ("places", "takes"),
    [("*", [("T-1", 2), ("T-2", 2), ("T-3", 1)]), ("T-[35]", [("T-3", 2), ("T-5", 3)])],
)
async def test_goods_are_bound_where_the_way_is_shortest_however_many_places_are_looked_at_at_once(
    places: str, takes: list[tuple[str, int]], near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.wes.planning.plan.NEAR", near)
    rules = [{"at": "move", "then": {"pick": places}}]
    async with chain(sequence="allocateFirst", grouping="static", rules=rules) as line:
        for column in (5, 4, 3, 2, 1):
            quantity = 3 if column == 5 else 2
            await fill(line, f"T-{column}", f"A1-1-L-{2 * column:02}", A=quantity)
        await order(line, "C-1", ("A", 5))
        await line.hear()
        await line.planner.work()
        sql = "SELECT holder_id, quantity FROM allocations ORDER BY holder_id"
        assert await line.core.rows(sql) == takes
        assert not await contradictions(line.core)


async def test_releasing_work_writes_codes_and_never_stock() -> None:
    async with chain(sequence="allocateFirst", grouping="static") as line:
        await two_orders(line)
        await line.planner.work()
        before = await line.core.count("ledger", "stock_events")
        await line.waves.work()
        await line.planner.work()
        assert await line.codes() == await line.codes("allocations") == [70, 70]
        assert await line.states() == [("T-1", "pick", "planned")]
        assert await line.core.count("ledger", "stock_events") == before
