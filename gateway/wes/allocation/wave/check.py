"""The independent checker: plain counting on the problem as it came, sharing nothing with what solves it."""

from collections import Counter
from collections.abc import Sequence

from gateway.wes.allocation.wave.problem import WaveProblem

SHOWN_MAX = 5
"""Short SKUs that are told by name."""


def units_of(problem: WaveProblem, orders: Sequence[int]) -> int:
    """Return the units that orders ask for."""
    return sum(sum(problem.orders[order].values()) for order in orders)


def faults(problem: WaveProblem, orders: Sequence[int], totes: Sequence[int]) -> list[str]:
    """Return every reason why orders and totes are no wave of the problem; empty: they are one."""
    found = [
        *_choice_faults("order", orders, len(problem.orders)),
        *_choice_faults("tote", totes, len(problem.totes)),
    ]
    if found:
        return found
    units = units_of(problem, orders)
    if not problem.low <= units <= problem.high:
        found.append(f"{units} units are not within {problem.low}…{problem.high}")
    wanted: Counter[str] = Counter()
    for order in orders:
        wanted.update(problem.orders[order])
    held: Counter[str] = Counter()
    for tote in totes:
        held.update(problem.totes[tote])
    short = [f"{sku}: {wanted[sku]} wanted, {held[sku]} held" for sku in wanted if wanted[sku] > held[sku]]
    if short:
        found.append(f"{len(short)} SKU(s) are short: {'; '.join(short[:SHOWN_MAX])}")
    return found


def _choice_faults(name: str, chosen: Sequence[int], count: int) -> list[str]:
    if not chosen:
        return [f"no {name} is chosen"]
    if len(set(chosen)) < len(chosen):
        return [f"a {name} is chosen twice"]
    return [f"there is no {name} {index}" for index in chosen if not 0 <= index < count]
