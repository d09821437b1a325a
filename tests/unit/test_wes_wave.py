"""Wave selection: small problems against every choice there is, the bound against the optimum, and mistakes with their place."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wes.allocation.wave.bound import STEP_FIRST, Bounds, Prices
from gateway.wes.allocation.wave.check import faults
from gateway.wes.allocation.wave.incumbent import Deadline
from gateway.wes.allocation.wave.instance import reduced
from gateway.wes.allocation.wave.problem import Lines, WaveInvalid, WaveProblem, parse, read
from gateway.wes.allocation.wave.solve import NoWave, Solution, rounded_up, solve
from tests.bench import instances

pytestmark = pytest.mark.unit


def solved(problem: WaveProblem, seconds: float = 20.0) -> Solution:
    return solve(problem, Deadline(time.monotonic, time.monotonic() + seconds), 0, lambda _: None)


def drawn(seed: int) -> WaveProblem:
    """A problem small enough to try every choice."""
    random = Random(seed)
    skus = [f"S{number}" for number in range(random.randint(2, 6))]

    def row(lines: int, most: int) -> dict[str, int]:
        return {sku: random.randint(1, most) for sku in random.sample(skus, min(lines, len(skus)))}

    orders = [row(random.randint(1, 3), 4) for _ in range(random.randint(2, 8))]
    totes = [row(random.randint(1, 4), 6) for _ in range(random.randint(2, 6))]
    whole = sum(sum(order.values()) for order in orders)
    low = random.randint(0, whole // 2)
    return WaveProblem(orders, totes, low, random.randint(max(low, 1), whole))


def multiplied(problem: WaveProblem, times: int) -> WaveProblem:
    def rows(lines: Sequence[Lines]) -> list[Lines]:
        return [{sku: units * times for sku, units in row.items()} for row in lines]

    return WaveProblem(rows(problem.orders), rows(problem.totes), problem.low * times, problem.high * times)


def best_by_size(problem: WaveProblem) -> dict[int, tuple[int, list[tuple[int, ...]]]]:
    """The most units of a wave by its number of totes, and all sets of totes that have them, by trying every choice."""
    orders = range(len(problem.orders))
    waves: list[Counter[str]] = []
    for wave in (wave for size in range(1, len(orders) + 1) for wave in combinations(orders, size)):
        wanted: Counter[str] = Counter()
        for order in wave:
            wanted.update(problem.orders[order])
        if problem.low <= wanted.total() <= problem.high:
            waves.append(wanted)
    best: dict[int, tuple[int, list[tuple[int, ...]]]] = {}
    for size in range(1, len(problem.totes) + 1):
        for totes in combinations(range(len(problem.totes)), size):
            held: Counter[str] = Counter()
            for tote in totes:
                held.update(problem.totes[tote])
            units = max(
                (wanted.total() for wanted in waves if all(wanted[sku] <= held[sku] for sku in wanted)),
                default=0,
            )
            if units > best.get(size, (0,))[0]:
                best[size] = (units, [totes])
            elif units and units == best[size][0]:
                best[size][1].append(totes)
    return best


def optimum(problem: WaveProblem) -> Fraction | None:
    """Units per tote of the best wave, by trying every choice."""
    return max((Fraction(units, size) for size, (units, _) in best_by_size(problem).items()), default=None)


@pytest.mark.parametrize("seed", range(40))
def test_a_small_problem_is_solved_as_well_as_by_trying_every_choice(seed: int) -> None:
    problem = drawn(seed)
    best = optimum(problem)
    if best is None:
        with pytest.raises(NoWave) as none:
            solved(problem)
        assert none.value.proven
        return
    solution = solved(problem)
    assert not faults(problem, solution.orders, solution.totes)
    assert solution.units_per_tote == best
    assert solution.bound == best


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 10**4, 10**8]))
def test_whatever_the_prices_no_wave_exceeds_the_bound_of_its_size(seed: int, times: int) -> None:
    problem = multiplied(drawn(seed), times)
    best = best_by_size(problem)
    instance = reduced(problem)
    if not len(instance.count):
        assert not best
        return
    bounds = Bounds(instance)
    random = np.random.default_rng(seed)
    start = bounds.level(0.5)
    for scale in (0.1, 0.3, 1.0, 3.0, 1e9):
        prices = Prices(
            random.exponential(scale, len(start.sku)),
            random.exponential(scale / 2, len(start.line)),
            random.exponential(scale / 5, len(start.pair)),
            random.normal(0.0, scale, start.shift.shape),
        )
        most = bounds.proven(prices)
        for size, (units, sets) in best.items():
            assert most[size] >= units
            may, must = bounds.useful(prices, size, units)
            assert all(set(must.tolist()) <= set(totes) <= set(may.tolist()) for totes in sets)
    never = Deadline(time.monotonic, time.monotonic() + 60)
    most = bounds.proven(bounds.lowered(start, 1 + seed % len(problem.totes), 0.0, STEP_FIRST, never))
    assert all(most[size] >= units for size, (units, _) in best.items())


def test_prices_of_pairs_know_that_two_lines_need_two_totes_at_once() -> None:
    # Twelve totes of one SKU each, an order of two units for every two SKUs: four totes serve 6 orders. To single prices a third of
    # every tote serves a third of all 66 orders.
    totes = range(12)
    orders = [{f"S{one}": 1, f"S{other}": 1} for one, other in combinations(totes, 2)]
    problem = WaveProblem(orders, [{f"S{tote}": 20} for tote in totes], 1, 1_000)
    bounds = Bounds(reduced(problem))
    never = Deadline(time.monotonic, time.monotonic() + 60)
    most = bounds.proven(bounds.lowered(bounds.level(0.5), 4, 0.0, STEP_FIRST, never))
    assert 12 <= most[4] <= 14


def test_a_larger_problem_ends_in_time_with_a_wave_and_a_bound() -> None:
    problem = instances.wave(
        1,
        orders=2_000,
        lines=(1, 4),
        totes=150,
        tote_skus=(20, 60),
        skus=800,
        zipf=0.8,
        units=(200, 1_000),
    )
    begun = time.monotonic()
    solution = solved(problem, 4.0)
    assert (
        time.monotonic() - begun < 8
    )  # the deadline is kept to a fraction of a second, but the machine may be busy
    assert not faults(problem, solution.orders, solution.totes)
    assert solution.bound >= solution.units_per_tote


def test_orders_of_many_lines_are_found_among_totes_of_one_sku() -> None:
    skus = [f"S{number}" for number in range(12)]
    problem = WaveProblem([dict.fromkeys(skus, 2)] * 3, [{sku: 4} for sku in skus] * 2, 72, 72)
    solution = solved(problem)
    assert (solution.units, len(solution.totes)) == (72, 24)


def test_huge_quantities_stay_exact() -> None:
    problem = WaveProblem([{"A": 10**9}, {"A": 10**9 - 1}], [{"A": 10**9}, {"A": 10**9}], 1, 10**9)
    solution = solved(problem)
    assert (solution.units, solution.orders, len(solution.totes)) == (10**9, [0], 1)
    assert solution.bound == 10**9


def test_the_same_seed_gives_the_same_wave_where_time_is_not_the_limit() -> None:
    problem = drawn(3)
    assert solved(problem) == solved(problem)


def test_a_float_of_the_bound_is_never_below_it() -> None:
    for numerator in range(1, 200):
        exact = Fraction(numerator, 7)
        assert Fraction(rounded_up(exact)) >= exact


def test_the_checker_tells_every_kind_of_fault() -> None:
    problem = WaveProblem([{"A": 2}, {"B": 1}], [{"A": 1}, {"A": 1, "B": 1}], 1, 2)
    assert faults(problem, [0], [0, 1]) == []
    assert faults(problem, [], [0]) == ["no order is chosen"]
    assert faults(problem, [0], [0, 0]) == ["a tote is chosen twice"]
    assert faults(problem, [0], [7]) == ["there is no tote 7"]
    assert faults(problem, [0, 1], [0, 1]) == ["3 units are not within 1…2"]
    assert faults(problem, [0], [1]) == ["1 SKU(s) are short: A: 2 wanted, 1 held"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"orders": []}, "orders"),
        ({"orders": [{}]}, "orders[0]"),
        ({"orders": [{"A": 1}, {"A": 0}]}, "orders[1].A"),
        ({"orders": [{"A": -1}]}, "orders[0].A"),
        ({"orders": [{"A": 1.5}]}, "orders[0].A"),
        ({"orders": [{"A": True}]}, "orders[0].A"),
        ({"orders": [{"A": "1"}]}, "orders[0].A"),
        ({"orders": [["A", 1]]}, "orders[0]"),
        ({"orders": [{"A": 10**10}]}, "orders[0].A"),
        ({"orders": "A"}, "orders"),
        ({"totes": []}, "totes"),
        ({"totes": [{"A": -2}]}, "totes[0].A"),
        ({"minUnits": -1}, "minUnits"),
        ({"minUnits": 9}, "minUnits"),
        ({"minUnits": None}, "minUnits"),
        ({"maxUnits": 0}, "maxUnits"),
        ({"maxUnits": 2.5}, "maxUnits"),
    ],
)
def test_a_mistake_is_told_with_its_place(change: dict[str, object], path: str) -> None:
    sound = {"orders": [{"A": 1}], "totes": [{"A": 3}], "minUnits": 1, "maxUnits": 5}
    parse(sound)
    with pytest.raises(WaveInvalid) as invalid:
        parse(sound | change)
    assert invalid.value.path == path
    with pytest.raises(WaveInvalid, match="is missing"):
        parse({key: value for key, value in sound.items() if key not in change})


def test_what_is_no_json_or_says_a_thing_twice_is_refused() -> None:
    with pytest.raises(WaveInvalid, match="no JSON"):
        read("{")
    with pytest.raises(WaveInvalid, match="'A' stands twice"):
        read('{"orders": [{"A": 1, "A": 2}]}')
    with pytest.raises(WaveInvalid, match="nested too deeply"):
        read("[" * 100_000)
    with pytest.raises(WaveInvalid, match="too long"):
        read(f'{{"minUnits": {"9" * 5_000}}}')
    with pytest.raises(WaveInvalid, match="is an object"):
        read(json.dumps([1]))


def test_a_wave_that_no_order_can_join_is_refused_with_the_reason() -> None:
    with pytest.raises(NoWave, match="no order can be picked"):
        solved(WaveProblem([{"A": 5}], [{"A": 4}], 0, 9))
