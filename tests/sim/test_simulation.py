"""A whole site on virtual time with a seed: nothing is lost, nothing moves twice, everything ends; and a seed is a seed.

Here stand a hundred short seeds; `make simulate SEEDS=1000 HOURS=0.1` takes more of them, and longer ones.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.simulation import Order, simulate
from tests.virtual_loop import Escaped, run

pytestmark = pytest.mark.sim

ROOT = Path(__file__).parents[2]
SEEDS = range(1, 101)
SECONDS = 40.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plant_full_of_faults_loses_nothing_and_moves_nothing_twice(seed: int) -> None:
    result = simulate(Order(seed, SECONDS, fault_s=2.5, crash_s=10.0))

    assert not result.wrong, result.story()
    assert result.transports > 2
    assert result.faults


@pytest.mark.parametrize("seed", range(1, 7))
def test_where_everybody_is_in_everybodys_way_all_arrive_too(seed: int) -> None:
    result = simulate(Order(seed, SECONDS, fault_s=2.5, crash_s=10.0, site="narrow"))

    assert not result.wrong, result.story()
    assert result.transports > 2


def test_a_seed_gives_the_same_feed_twice_and_in_another_process() -> None:
    digest = simulate(Order(2, 15.0, crash_s=6.0)).digest

    assert simulate(Order(2, 15.0, crash_s=6.0)).digest == digest
    assert _digest_elsewhere() == digest


def _digest_elsewhere() -> str:
    script = "from tests.sim.simulation import *; print(simulate(Order(2, 15.0, crash_s=6.0)).digest)"
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_whatever_leaves_the_simulation_is_refused() -> None:
    import asyncio
    import socket

    async def thread() -> None:
        await asyncio.to_thread(print)

    async def wire() -> None:
        socket.socket()

    for escape in (thread, wire):
        with pytest.raises(Escaped):
            run(escape)
