"""`python -m tests.sim`: many seeds, or one again. A failing seed is told so that it can be replayed to the same step."""

import argparse
import sys
import time
from collections import Counter

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests.sim.faults import PROFILES
from tests.sim.plant import MOTION_SPEED
from tests.sim.simulation import Order, Result, simulate
from tests.sim.sites import SETTINGS


def main() -> int:
    """Simulate; return 1 if a seed failed."""
    asked = _arguments()
    seconds: float = asked.hours * 3600 if asked.seconds is None else asked.seconds
    seeds = [asked.seed] if asked.seed is not None else range(asked.first, asked.first + asked.seeds)
    begun, results = time.perf_counter(), list[Result]()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, refresh_per_second=2) as bar:
        total = bar.add_task("simulating", total=len(seeds) * seconds)
        for number, seed in enumerate(seeds):
            base = number * seconds

            def show(at_s: float, base: float = base) -> None:
                hours = (sum(each.at_s for each in results) + at_s) / 3600
                rate = hours * 3600 / (time.perf_counter() - begun)
                text = f"seed {seed} · {hours:.2f} h simulated · {rate:.0f} s/s"  # noqa: B023
                bar.update(total, completed=base + min(at_s, seconds), description=text)

            order = Order(seed, seconds, asked.fault_s, asked.crash_s, asked.site, asked.faults, asked.speed)
            results.append(simulate(order, show))
            if results[-1].wrong:
                bar.console.print(results[-1].story(), markup=False, highlight=False, soft_wrap=True)
    _tell(results, asked.speed, time.perf_counter() - begun)
    return 1 if any(result.wrong for result in results) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--hours", type=float, default=0.25, help="with faults, of each seed")
    parser.add_argument("--seconds", type=float, help="the same, exactly as a failure is told")
    parser.add_argument("--fault-s", type=float, default=6.0, help="mean time between two faults")
    parser.add_argument("--crash-s", type=float, default=40.0, help="mean time between two crashes")
    parser.add_argument("--site", choices=SETTINGS, default="demo", help="which site")
    parser.add_argument("--faults", choices=PROFILES, default="everything", help="what goes wrong")
    parser.add_argument("--speed", type=float, default=MOTION_SPEED, help="of motion; 1: as in the plant")
    return parser.parse_args()


def _tell(results: list[Result], speed: float, real_s: float) -> None:
    faults: Counter[str] = Counter()
    for result in results:
        faults.update(result.faults)
    hours = sum(result.at_s for result in results) / 3600
    failed = [result.order.seed for result in results if result.wrong]
    print(
        f"{hours:.2f} h simulated in {real_s:.0f} s: {hours * 3600 / real_s:.0f} s/s;"
        f" motion is {speed:g} times as fast, {hours * speed:.2f} h of it"
    )
    print(
        f"{sum(result.transports for result in results)} transports, {sum(r.puts for r in results)} puts,",
        end=" ",
    )
    print(f"{sum(r.moves for r in results)} loads moved, {sum(r.runs for r in results)} runs of the gateway")
    print("faults:", ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items())))
    print(f"longest peace until all had ended: {max(result.peace_s for result in results):.0f} s")
    print(f"failed seeds: {failed}" if failed else f"all {len(results)} seeds hold")


sys.exit(main())
