"""Seeded allocation problems of several shapes: waves, and snapshots of the live chain."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np

from gateway.wes.allocation.port import Line, Position, Problem, Station, Tote, Work
from gateway.wes.allocation.wave.problem import WaveProblem


def _popularity(skus: int, zipf: float) -> np.ndarray:
    weight = 1 / np.arange(1, skus + 1) ** zipf
    return weight / weight.sum()


def _rows(
    random: np.random.Generator, rows: int, lines: tuple[int, int], most: int, popular: np.ndarray
) -> list[dict[str, int]]:
    """Rows of so many lines each, SKUs by popularity, quantities mostly small."""
    count = random.integers(lines[0], lines[1] + 1, rows)
    sku = random.choice(len(popular), int(count.sum()), p=popular)
    units = np.minimum(random.geometric(0.6, len(sku)), most)
    ends = np.cumsum(count)
    return [
        {f"S{s}": int(n) for s, n in zip(sku[end - size : end], units[end - size : end], strict=True)}
        for end, size in zip(ends.tolist(), count.tolist(), strict=True)
    ]


def wave(
    seed: int,
    *,
    orders: int,
    lines: tuple[int, int],
    totes: int,
    tote_skus: tuple[int, int],
    skus: int,
    zipf: float,
    units: tuple[int, int],
    most: int = 20,
    stock: int = 12,
) -> WaveProblem:
    """Draw a wave problem: a line is of up to `most` units, a tote holds about what is popular, each up to `stock` units."""
    random = np.random.default_rng(seed)
    wanted = _rows(random, orders, lines, most, _popularity(skus, zipf))
    held = _rows(random, totes, tote_skus, 1, _popularity(skus, zipf / 2))
    stocked = [
        {sku: int(n) for sku, n in zip(row, random.integers(1, stock + 1, len(row)), strict=True)}
        for row in held
    ]
    return WaveProblem(wanted, stocked, *units)


WAVES: Final[Mapping[str, Callable[[int], WaveProblem]]] = {
    "one line, aisles": partial(
        wave,
        orders=50_000,
        lines=(1, 1),
        totes=500,
        tote_skus=(300, 600),
        skus=40_000,
        zipf=0.5,
        units=(5_000, 20_000),
    ),
    "1-5 lines, large totes": partial(
        wave,
        orders=50_000,
        lines=(1, 5),
        totes=500,
        tote_skus=(100, 300),
        skus=5_000,
        zipf=0.8,
        units=(2_000, 10_000),
    ),
    "1-5 lines, small totes": partial(
        wave,
        orders=3_000,
        lines=(1, 5),
        totes=400,
        tote_skus=(10, 40),
        skus=2_000,
        zipf=0.8,
        units=(300, 2_000),
    ),
    "1-3 lines, tiny totes": partial(
        wave, orders=500, lines=(1, 3), totes=200, tote_skus=(1, 6), skus=150, zipf=1.0, units=(50, 400)
    ),
    "many small orders": partial(
        wave,
        orders=8_000,
        lines=(1, 2),
        totes=200,
        tote_skus=(40, 120),
        skus=3_000,
        zipf=1.0,
        units=(500, 3_000),
        most=1,
    ),
    "few large orders": partial(
        wave,
        orders=150,
        lines=(8, 20),
        totes=120,
        tote_skus=(20, 60),
        skus=400,
        zipf=0.6,
        units=(200, 900),
    ),
    "narrow limits": partial(
        wave,
        orders=600,
        lines=(1, 4),
        totes=150,
        tote_skus=(10, 30),
        skus=500,
        zipf=0.8,
        units=(400, 402),
    ),
    "scarce stock": partial(
        wave,
        orders=2_000,
        lines=(1, 3),
        totes=150,
        tote_skus=(10, 30),
        skus=400,
        zipf=1.2,
        units=(200, 800),
        stock=2,
    ),
    "small": partial(
        wave, orders=40, lines=(1, 3), totes=15, tote_skus=(2, 6), skus=20, zipf=0.8, units=(10, 60)
    ),
}


def snapshot(
    seed: int,
    *,
    works: int,
    totes: int,
    tote_skus: int,
    skus: int,
    zipf: float,
    due: bool = False,
    stations: int = 10,
    slots: int = 12,
) -> Problem:
    """Draw a snapshot of the live chain: every SKU is in some tote, three totes are on their way to each station."""
    random = np.random.default_rng(seed)
    popular = _popularity(skus, zipf)
    line, position = iter(range(10**9)), iter(range(10**9))

    def work(number: int) -> Work:
        chosen = dict.fromkeys(random.choice(skus, int(random.integers(1, 6)), p=popular).tolist())
        lines = tuple(
            Line(line_id=next(line), sku=f"S{sku}", quantity=int(random.integers(1, 4))) for sku in chosen
        )
        return Work(work_id=number, lines=lines, due_s=float(random.uniform(0, 28_800)) if due else None)

    def tote(number: int) -> Tote:
        chosen = dict.fromkeys([number % skus, *random.choice(skus, tote_skus - 1, p=popular).tolist()])
        positions = tuple(
            Position(position_id=next(position), sku=f"S{sku}", available=int(random.integers(1, 20)))
            for sku in chosen
        )
        bound = f"T{number % stations}" if number < 3 * stations else None
        return Tote(tote_id=f"B{number}", positions=positions, cost=float(random.random()), station_id=bound)

    return Problem(
        works=tuple(work(number) for number in range(works)),
        totes=tuple(tote(number) for number in range(totes)),
        stations=tuple(
            Station(station_id=f"T{n}", slots=tuple(f"T{n}-{slot}" for slot in range(slots)), totes=30)
            for n in range(stations)
        ),
    )


SNAPSHOTS: Final[Mapping[str, Callable[[int], Problem]]] = {
    "six SKUs a tote": partial(snapshot, works=1_000, totes=5_000, tote_skus=6, skus=4_000, zipf=1.0),
    "six SKUs, due times": partial(
        snapshot, works=1_000, totes=5_000, tote_skus=6, skus=4_000, zipf=1.0, due=True
    ),
    "one SKU a tote": partial(snapshot, works=1_000, totes=5_000, tote_skus=1, skus=2_000, zipf=1.0),
    "twenty SKUs a tote": partial(snapshot, works=1_000, totes=2_000, tote_skus=20, skus=4_000, zipf=0.7),
}
