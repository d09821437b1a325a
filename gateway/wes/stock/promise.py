"""Order lines take stock by strategy, whatever others take at the same moment.

Choosing looks at what is committed, reserving finds out whether it is still there. On a database with one writer it
always is. On PostgreSQL somebody else may have been faster: then what is left is chosen anew, and every round that one
caller loses has been won by another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from gateway.kernel.ports import Tx
from gateway.wes.stock.model import Act, Share
from gateway.wes.stock.post import Posted, post
from gateway.wes.stock.refusal import Barred, NotEnough, StockRefused
from gateway.wes.stock.strategy import Choice, Demand, choose_lots
from gateway.wes.stock.verbs import reserve

ROUNDS_MAX: Final = 20

Choices = Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Promised:
    """What was reserved.

    Attributes:
        shares: for each demand, in their order; () where nothing was reserved.
        missing: for each demand, how much of it there was not.
        posted: None where nothing at all was reserved.
    """

    shares: tuple[tuple[Share, ...], ...]
    missing: tuple[int, ...]
    posted: Posted | None


async def promise_all(tx: Tx, act: Act, demands: Sequence[Demand]) -> Promised:
    """Reserve for every demand, or for none if one of them cannot be met in full (S3-15)."""
    return await _promise(tx, act, demands, _all_or_none)


async def promise_each(tx: Tx, act: Act, demands: Sequence[Demand]) -> Promised:
    """Reserve for every demand that can be met in full; the others get nothing (S1-54)."""
    return await _promise(tx, act, demands, _each_in_full)


async def promise_what_there_is(tx: Tx, act: Act, demands: Sequence[Demand]) -> Promised:
    """Reserve for every demand as much as there is."""
    return await _promise(tx, act, demands, _whatever)


async def _promise(
    tx: Tx, act: Act, demands: Sequence[Demand], settle: Callable[[Choices], list[tuple[Share, ...]]]
) -> Promised:
    for _ in range(ROUNDS_MAX - 1):
        try:
            return await _once(tx, act, demands, settle)
        except StockRefused as refused:
            if not isinstance(refused.reason, NotEnough | Barred):
                raise
    return await _once(tx, act, demands, settle)


async def _once(
    tx: Tx, act: Act, demands: Sequence[Demand], settle: Callable[[Choices], list[tuple[Share, ...]]]
) -> Promised:
    choices = await choose_lots(tx, demands)
    shares = settle(choices)
    posted = await post(tx, reserve(act, chain.from_iterable(shares))) if any(shares) else None
    return Promised(tuple(shares), tuple(choice.missing for choice in choices), posted)


def _all_or_none(choices: Choices) -> list[tuple[Share, ...]]:
    met = not any(choice.missing for choice in choices)
    return [choice.parts if met else () for choice in choices]


def _whatever(choices: Choices) -> list[tuple[Share, ...]]:
    return [choice.parts for choice in choices]


def _each_in_full(choices: Choices) -> list[tuple[Share, ...]]:
    return [() if choice.missing else choice.parts for choice in choices]
