"""Integer and linear programs over the orders and totes of an instance, solved by HiGHS; it knows nothing of what is best so far.

Columns are classes of orders and totes. Rows: each SKU's orders take no more than its totes hold; each line with a price of its own
takes no more than the totes hold of what it wants (the relaxation is far tighter with those); units; number of totes.
"""

from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction
from math import floor
from typing import Final

import highspy
import numpy as np

from gateway.wes.allocation.wave.arrays import Floats, Ints, spans, starts, summed
from gateway.wes.allocation.wave.instance import Instance

MARGIN: Final = 0.01
MARGIN_RELATIVE: Final = 1e-6
"""What a solver's bound on whole units may be off by its tolerances, in units and in parts of the bound; far above what it is."""


class Ended(Enum):
    """How a program ended."""

    SOLVED = auto()
    IMPOSSIBLE = auto()
    STOPPED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program found.

    Attributes:
        ended: how it ended.
        totes: chosen; None: no solution.
        chosen: orders of each class of the instance; None: no solution.
        bound: no solution has a larger value, but for the solver's tolerances.
    """

    ended: Ended
    totes: Ints | None
    chosen: Ints | None
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to decide: units less `ratio` for each tote are to be most.

    Attributes:
        allowed: totes to choose from.
        fixed: totes of them that are chosen.
        own: lines of the instance with a row of their own.
        sizes: fewest and most totes.
        least: fewest units.
        most: most units.
        ratio: worth of a tote.
    """

    allowed: Ints
    fixed: Ints
    own: Ints
    sizes: tuple[int, int]
    least: int
    most: int
    ratio: Fraction


@dataclass(frozen=True, slots=True)
class _Model:
    lp: highspy.HighsLp
    classes: Ints
    skus: Ints
    """Of the first rows."""
    lines: Ints
    """Of the rows that follow."""


def solved(instance: Instance, program: Program, begin: Ints | None, seconds: float) -> Answer:
    """Solve a program for at most so many seconds, from these totes if given."""
    model = _model(instance, program)
    classes, totes = len(model.classes), len(program.allowed)
    if not classes:
        return Answer(Ended.IMPOSSIBLE, None, None, 0.0)
    model.lp.integrality_ = [highspy.HighsVarType.kInteger] * (classes + totes)
    highs = _highs(seconds)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 0.9 / program.ratio.denominator)
    highs.passModel(model.lp)
    if begin is not None:
        columns = np.arange(classes, classes + totes, dtype=np.int32)
        highs.setSolution(totes, columns, np.isin(program.allowed, begin).astype(np.float64))
    highs.run()
    info, status = highs.getInfo(), highs.getModelStatus()
    match status:
        case highspy.HighsModelStatus.kOptimal:
            ended = Ended.SOLVED
        case highspy.HighsModelStatus.kInfeasible:
            return Answer(Ended.IMPOSSIBLE, None, None, 0.0)
        case _:
            ended = Ended.STOPPED
    bound = float(info.mip_dual_bound)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Answer(ended, None, None, bound)
    values = np.rint(np.array(highs.getSolution().col_value)).astype(np.int64)
    chosen = np.zeros(len(instance.count), np.int64)
    chosen[model.classes] = values[:classes]
    return Answer(ended, program.allowed[values[classes:] > 0], chosen, bound)


def relaxed(instance: Instance, program: Program, seconds: float) -> tuple[Floats, Floats] | None:
    """Solve a program without whole numbers; returns the worth of a unit by SKU, and by line of `own`; None: not in time."""
    model = _model(instance, program)
    highs = _highs(seconds)
    highs.setOptionValue("solver", "ipm")
    highs.setOptionValue("run_crossover", "off")
    highs.passModel(model.lp)
    highs.run()
    duals = np.array(highs.getSolution().row_dual)
    if highs.getModelStatus() == highspy.HighsModelStatus.kTimeLimit or len(duals) != model.lp.num_row_:
        return None
    sku = np.zeros(instance.skus)
    sku[model.skus] = duals[: len(model.skus)]
    line = np.zeros(len(instance.lines.row))
    line[model.lines] = duals[len(model.skus) : len(model.skus) + len(model.lines)]
    return sku, line[program.own]


def whole(bound: float) -> int:
    """Return the most whole units that a solver's bound allows, on the safe side."""
    return floor(bound + MARGIN + MARGIN_RELATIVE * abs(bound))


def _highs(seconds: float) -> highspy.Highs:
    highs = highspy.Highs()
    highs.silent()
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("time_limit", max(seconds, 0.01))
    return highs


def _model(instance: Instance, program: Program) -> _Model:
    lines, stock = instance.lines, instance.stock
    allowed = np.zeros(instance.totes, np.bool_)
    allowed[program.allowed] = True
    tote = np.cumsum(allowed) - 1
    entry = np.flatnonzero(allowed[stock.row])
    held = summed(stock.column[entry], stock.value[entry], instance.skus)
    servable = np.bincount(lines.row, lines.value > held[lines.column], len(instance.count)) == 0
    classes = np.flatnonzero(servable)
    number = np.cumsum(servable) - 1
    line = np.flatnonzero(servable[lines.row])
    wanted = lines.value * instance.count[lines.row]
    demand = summed(lines.column[line], wanted[line], instance.skus)
    used = demand > 0
    sku = np.cumsum(used) - 1
    entry = entry[used[stock.column[entry]]]
    own = program.own[servable[lines.row[program.own]]]
    columns, rows = len(classes) + len(program.allowed), int(used.sum())
    parts = [
        (sku[lines.column[line]], number[lines.row[line]], lines.value[line]),
        (
            sku[stock.column[entry]],
            len(classes) + tote[stock.row[entry]],
            -np.minimum(stock.value[entry], demand[stock.column[entry]]),
        ),
    ]
    if len(own):
        parts += _own_rows(instance, own, allowed, rows, number, len(classes) + tote)
        rows += len(own)
    parts += [
        (np.full(len(classes), rows), np.arange(len(classes)), instance.units[classes]),
        (
            np.full(len(program.allowed), rows + 1),
            np.arange(len(classes), columns),
            np.ones(len(program.allowed)),
        ),
    ]
    lower = np.full(rows + 2, -highspy.kHighsInf)
    upper = np.zeros(rows + 2)
    lower[rows:], upper[rows:] = (program.least, program.sizes[0]), (program.most, program.sizes[1])
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_, lp.sense_ = columns, rows + 2, highspy.ObjSense.kMaximize
    lp.col_cost_ = np.concatenate(
        [instance.units[classes].astype(np.float64), np.full(len(program.allowed), -float(program.ratio))]
    )
    lp.col_lower_ = np.concatenate(
        [np.zeros(len(classes)), np.isin(program.allowed, program.fixed).astype(np.float64)]
    )
    lp.col_upper_ = np.concatenate(
        [instance.count[classes].astype(np.float64), np.ones(len(program.allowed))]
    )
    lp.row_lower_, lp.row_upper_ = lower, upper
    _set_matrix(lp, columns, parts)
    return _Model(lp, classes, np.flatnonzero(used), own)


def _own_rows(
    instance: Instance,
    own: Ints,
    allowed: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    first: int,
    number: Ints,
    tote: Ints,
) -> list[tuple[Ints, Ints, Ints]]:
    lines, holders = instance.lines, instance.holders
    lengths = holders.lengths()[lines.column[own]]
    at = spans(holders.start[lines.column[own]], lengths)
    row = np.repeat(np.arange(len(own)), lengths)
    kept = allowed[holders.column[at]]
    at, row = at[kept], row[kept]
    wanted = (lines.value * instance.count[lines.row])[own]
    return [
        (first + np.arange(len(own)), number[lines.row[own]], lines.value[own]),
        (first + row, tote[holders.column[at]], -np.minimum(holders.value[at], wanted[row])),
    ]


def _set_matrix(lp: highspy.HighsLp, columns: int, parts: "list[tuple[Ints, Ints, Ints]]") -> None:
    row, column, value = (np.concatenate(piece) for piece in zip(*parts, strict=True))
    order = np.lexsort((row, column))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = starts(np.bincount(column, minlength=columns)).astype(np.int32)
    lp.a_matrix_.index_ = row[order].astype(np.int32)
    lp.a_matrix_.value_ = value[order].astype(np.float64)
