"""Where containers belong once nobody needs them: home by rule, nearer when they are hot, elsewhere when home is taken."""

import pytest

from gateway.wes.stock.opening import stand
from tests.unit.chain_rig import chain, fill, order, rule

pytestmark = pytest.mark.unit


async def test_over_a_no_return_is_a_rule_on_demand() -> None:
    near = rule("return", "A1-1-L-0[1-3]", demand={"min": 3})
    async with chain(rules=[near, rule("return", "A1-4-*")]) as line:
        await fill(line, "T-1", "A1-2-L-10", A=20)
        await order(line, "C-1", ("A", 2))
        await line.round()
        for number in range(2, 5):
            await order(line, f"C-{number}", ("A", 1))
        await line.store.write(lambda tx: tx.execute("UPDATE work_orders SET held = 'batch' WHERE code = 30"))
        for _ in range(3):
            await line.round()
        assert line.gateway.places["T-1"].startswith("A1-1-L-0")
        await line.store.write(lambda tx: tx.execute("UPDATE work_orders SET held = NULL"))
        await line.until_quiet()
        assert line.gateway.places["T-1"].startswith("A1-4-")


async def test_hot_totes_move_nearer_while_nobody_waits() -> None:
    relocation = {"hot": 1, "gain_m": 0.5}
    async with chain(relocation=relocation, rules=[rule("return", "A1-4-R-*")]) as line:
        await fill(line, "T-1", "A1-4-R-12", A=20)
        await order(line, "C-1", ("A", 2))
        await line.until_quiet()
        nearest = min(
            (place for place in line.core.context.layout.storage("A1-4-R-*", None)),
            key=lambda place: place.distance or 0,
        )
        await line.core.store.write(lambda tx: stand(tx, "T-1", "A1-4-R-12"))
        line.gateway.places["T-1"] = "A1-4-R-12"
        for _ in range(4):
            await line.round()
        assert line.gateway.places["T-1"] == nearest.location_id
        assert ("T-1", "relocate", "done") in await line.states()


async def test_a_hot_tote_that_a_locked_place_keeps_takes_no_move_from_others() -> None:
    relocation = {"hot": 1, "gain_m": 0.5}
    async with chain(relocation=relocation, rules=[rule("return", "A1-4-R-*")]) as line:
        await fill(line, "T-1", "A1-4-R-12", A=20)
        await order(line, "C-1", ("A", 2))
        await line.until_quiet()
        await line.core.store.write(lambda tx: stand(tx, "T-1", "A1-4-R-12"))
        line.gateway.places["T-1"] = "A1-4-R-12"
        line.gateway.block("A1-4-R-12", "Ann")
        for _ in range(4):
            await line.round()
        assert "relocate" not in {purpose for _, purpose, _ in await line.states()}
        line.gateway.unblock("A1-4-R-12")
        for _ in range(4):
            await line.round()
        assert ("T-1", "relocate", "done") in await line.states()


async def test_a_container_that_stands_at_a_station_for_nothing_is_sent_home() -> None:
    async with chain() as line:
        await fill(line, "T-1", "S1-1", A=20)
        await line.until_quiet()
        await line.round()
        await line.until_quiet()
        assert line.gateway.places["T-1"].startswith("A1-")


async def test_a_container_whose_home_is_taken_under_way_is_called_back_and_goes_to_another() -> None:
    async with chain() as line:
        await fill(line, "T-1", "S1-1", A=20)
        await line.think()
        await line.think()
        (asked,) = line.gateway.asked.values()
        line.gateway.put_by_hand("T-2", asked.destination)
        for _ in range(3):
            await line.round()
        await line.until_quiet()
        home = line.gateway.places["T-1"]
        assert home.startswith("A1-")
        assert home != asked.destination
        assert [state for _, _, state in await line.states()] == ["cancelled", "done"]
