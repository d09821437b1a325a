"""Broken gateways are noticed by the simulation, each within twenty seeds; `make simulate-mutants` hunts them all."""

import pytest

from tests.sim.mutants import LONG, MUTANTS, GatewayMutant, hunt

pytestmark = pytest.mark.sim


def test_there_are_mutants_enough_and_each_has_its_name() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 12
    assert set(names) > LONG


@pytest.mark.parametrize(
    "mutant", [mutant for mutant in MUTANTS if mutant.name not in LONG], ids=lambda mutant: mutant.name
)
def test_a_broken_gateway_is_noticed(mutant: GatewayMutant) -> None:
    catch = hunt(mutant)
    assert catch is not None, f"{mutant.story}, and nobody notices"
    print(f"{mutant.story}: {catch.told()}")
    assert mutant.is_told_by(catch)
