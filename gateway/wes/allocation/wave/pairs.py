"""Pairs of lines: an order of several lines needs a tote for each of them in the same wave.

Prices on single lines cannot see that: a third of each of three times as many totes serves as many orders. So a price is asked for
each pair of lines of an order, too, and every two totes that hold the two SKUs share it. In a wave of k totes each tote has only
k - 1 others to share with.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.wes.allocation.wave.arrays import Bools, Floats, Ints, spans, weighed
from gateway.wes.allocation.wave.instance import Instance

LINES_MAX: Final = 5
"""Lines of an order that are paired: those with the fewest holders."""
PRODUCTS_MAX: Final = 1_250_000_000
"""Multiplications of one `together`; beyond, only the SKUs of most pairs are paired with others."""
HOLDINGS_MAX: Final = 6_000_000
"""Pairs of a pair and a tote that holds its first SKU; beyond, those with few holders."""
TOTES_MAX: Final = 1_500
"""Beyond, nothing is paired: every two totes are a number."""


class Pairs:
    """The pairs of one instance.

    Attributes:
        order: class of each pair.
    """

    def __init__(self, instance: Instance) -> None:
        lines, holders = instance.lines, instance.holders
        length = holders.lengths()
        first, second = _paired(instance, length)
        self._totes = instance.totes
        most = PRODUCTS_MAX // instance.totes**2 if instance.totes <= TOTES_MAX else 0
        chosen = _often(lines.column[second], instance.skus, most)
        kept = np.flatnonzero(chosen[lines.column[second]])
        kept = kept[np.argsort(length[lines.column[first[kept]]], kind="stable")]
        kept = np.sort(kept[np.cumsum(length[lines.column[first[kept]]]) <= HOLDINGS_MAX])
        first, second = first[kept], second[kept]
        self.order: Ints = lines.row[first]
        number = np.cumsum(chosen) - 1
        self._skus = int(chosen.sum())
        self._holds: NDArray[np.float32] = np.zeros((self._totes, self._skus), np.float32)
        """Whether a tote holds a second SKU."""
        entry = np.flatnonzero(chosen[instance.stock.column])
        self._holds[instance.stock.row[entry], number[instance.stock.column[entry]]] = 1
        lengths = length[lines.column[first]]
        self._pair: Ints = np.repeat(np.arange(len(first)), lengths)
        tote = holders.column[spans(holders.start[lines.column[first]], lengths)]
        self._cell: Ints = tote * self._skus + number[lines.column[second]][self._pair]
        """Of each pair and each tote that holds its first SKU: that tote and the second SKU."""
        self.holdings: Ints = lengths * length[lines.column[second]]
        """Of each pair: two totes, not always different ones, that hold its two SKUs."""

    def __len__(self) -> int:
        return len(self.order)

    def together(self, price: Floats, exact: bool) -> Floats:
        """Return what every two totes share if this is the price of each pair; on the diagonal twice what one tote has alone.

        Sums of whole prices below 2^53 are `exact`, or else accurate to about a millionth and twice as fast.
        """
        kind = np.float64 if exact else np.float32
        cells = weighed(self._cell, price[self._pair], self._totes * self._skus)
        one = cells.reshape(self._totes, self._skus).astype(kind) @ self._holds.astype(kind, copy=False).T
        return (one + one.T).astype(np.float64)

    def served(self, chosen: Ints, shares: Floats) -> Floats:
        """Return what part of each pair's price is paid.

        Args:
            chosen: totes; each pays for the pairs that it holds alone.
            shares: what each of them pays of what it shares with every tote.
        """
        alone = shares.astype(np.float32)
        paid = alone.T @ self._holds[chosen]
        alone[np.arange(len(chosen)), chosen] = 1
        paid[chosen] += alone @ self._holds
        return weighed(self._pair, paid.ravel()[self._cell], len(self.order))


def _paired(instance: Instance, length: Ints) -> tuple[Ints, Ints]:
    """Return the lines that are paired, the one with fewer holders first."""
    lines = instance.lines
    order = np.lexsort((length[lines.column], lines.row))
    kept = order[np.arange(len(order)) - lines.start[lines.row[order]] < LINES_MAX]
    pairs = [(kept[:-step], kept[step:]) for step in range(1, min(LINES_MAX, len(kept)))]
    same = [lines.row[first] == lines.row[second] for first, second in pairs]
    none = [np.zeros(0, np.int64)]
    return (
        np.concatenate(none + [first[each] for (first, _), each in zip(pairs, same, strict=True)]),
        np.concatenate(none + [second[each] for (_, second), each in zip(pairs, same, strict=True)]),
    )


def _often(column: Ints, skus: int, most: int) -> Bools:
    """Return of every SKU whether it is one of the `most` that come most often."""
    often = np.bincount(column, minlength=skus)
    chosen = np.zeros(skus, np.bool_)
    chosen[np.argsort(-often, kind="stable")[:most]] = True
    return chosen & (often > 0)
