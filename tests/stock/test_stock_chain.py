"""The chain from work orders to containers at stations, on every database that the WES can live in."""

import pytest

from gateway.kernel.ports import Store
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import chain_on, contradictions, fill, order

pytestmark = pytest.mark.unit

RULES = [
    {"at": "shortage", "then": "partial"},
    {"at": "return", "when": {"demand": {"min": 1}}, "then": "A1-1-*"},
]


@pytest.mark.parametrize("grouping", ["static", "dynamic"])
@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_orders_are_picked_although_totes_are_missing_and_a_station_closes(
    store: Store, sequence: str, grouping: str
) -> None:
    relocation = {"hot": 1, "gain_m": 0.5}
    line = await chain_on(
        store, sequence=sequence, grouping=grouping, rules=RULES, relocation=relocation, waves={"orders": 3}
    )
    for number in range(8):
        await fill(line, f"T-{number}", f"A1-{1 + number % 4}-L-{1 + number:02}", A=4, B=4)
    for number in range(6):
        await order(line, f"C-{number}", ("A", 2), ("B", 1 + number % 3), deadline="2199-01-01T00:00:00Z")
    await line.hear()
    del line.gateway.places["T-0"]
    for _ in range(2):
        await line.round()
    await line.store.write(lambda tx: close_station(tx, "station-2", "no light", "Ann"))
    await line.until_quiet()
    assert await line.codes("orders") == [90] * 6
    assert not await contradictions(line.core)
