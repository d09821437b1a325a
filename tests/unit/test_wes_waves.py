"""No wave grows beyond the limits that the site has set, whichever of them is reached first (S1-62)."""

import pytest

from tests.unit.chain_rig import chain, fill, order
from tests.unit.test_wes_chain import ten_orders

pytestmark = pytest.mark.unit

SIZES = """SELECT w.wave_id, COUNT(DISTINCT w.order_id) AS orders, COUNT(DISTINCT w.work_id) AS boxes,
SUM(l.quantity) AS units FROM work_orders w JOIN work_lines l ON l.work_id = w.work_id
WHERE w.wave_id IS NOT NULL GROUP BY w.wave_id"""


@pytest.mark.parametrize("grouping", ["static", "dynamic"])
@pytest.mark.parametrize(("limit", "most"), [("orders", 3), ("boxes", 4), ("units", 9)])
async def test_a_wave_keeps_to_each_of_its_limits(grouping: str, limit: str, most: int) -> None:
    async with chain(grouping=grouping, waves={limit: most}) as line:
        await ten_orders(line)
        await line.until_quiet()
        waves = await line.core.rows(f"SELECT wave_id, {limit} FROM ({SIZES}) AS sizes")
        assert len(waves) > 1
        assert max(size for _, size in waves) <= most
        assert await line.codes("orders") == [90] * 10


async def test_work_of_a_static_wave_has_its_code_and_the_wave_is_written_to_its_orders() -> None:
    async with chain(grouping="static") as line:
        await ten_orders(line)
        await line.until_quiet()
        built = await line.core.rows(
            "SELECT DISTINCT document_id FROM stages WHERE document = 'work' AND code = '60'"
        )
        assert len(built) == 10
        assert await line.core.rows("SELECT COUNT(*) FROM orders WHERE wave_id IS NULL") == [(0,)]


@pytest.mark.parametrize(("grouping", "at_once"), [("dynamic", True), ("static", False)])
async def test_an_order_that_comes_while_others_are_picked_joins_a_dynamic_wave_but_not_a_static_one(
    grouping: str, at_once: bool
) -> None:
    async with chain(grouping=grouping) as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        for name in ("C-1", "C-2"):
            await order(line, name, ("A", 1))
            await line.think()
        (first, wave), (second, joined) = await line.core.rows(
            "SELECT slot_id, wave_id FROM work_orders ORDER BY work_id"
        )
        assert first is not None
        assert (second is not None, joined == wave) == (at_once, at_once)
        await line.until_quiet()
        assert await line.codes("orders") == [90, 90]


# ── a static wave of which something cannot go on ─────────────────────────────────────────────────────


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_work_of_a_static_wave_that_waits_for_a_person_holds_up_no_later_wave(sequence: str) -> None:
    async with chain(grouping="static", sequence=sequence) as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 1))
        while not (await line.core.rows("SELECT wave_id FROM work_orders"))[0][0]:
            await line.planner.work()
            await line.hear()
            await line.waves.work()
        await line.store.write(lambda tx: tx.execute("UPDATE work_orders SET held = 'rolled back too often'"))
        await order(line, "C-2", ("A", 1))
        for _ in range(10):
            await line.round()
        assert await line.core.rows("SELECT held IS NULL, code FROM work_orders WHERE code = 90") == [(1, 90)]
