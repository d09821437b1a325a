"""Check digits (S2-131): one more digit, by which most slips of a hand or a reader are found.

Luhn's (mod 10) finds every single wrong digit, and two neighbours that have changed places except 0 and 9. One by mod 11 finds
both wherever the weights allow it: a wrong digit whose weight is no multiple of 11, and neighbours whose weights differ by none.
"""

from collections.abc import Sequence
from enum import StrEnum
from itertools import cycle, islice
from typing import Annotated, Final, assert_never

from pydantic import Field

from gateway.contract.wiring import WiringModel


class CheckDigit(StrEnum):
    """The check digit at the end of a code."""

    NONE = "none"
    LUHN = "luhn"
    """Mod 10 (ISO/IEC 7812-1): every second digit from the right counts twice."""
    MOD11 = "mod11"
    """The remainder of a weighted sum by 11."""


class Remainder(StrEnum):
    """What of the sum becomes the digit."""

    REMAINDER = "remainder"
    COMPLEMENT = "complement"
    """What lacks of 11."""


class Ten(StrEnum):
    """What becomes of a ten, which is no digit."""

    SKIP = "skip"
    """There is no such code; its serial number is passed over."""
    X = "X"


class Mod11(WiringModel):
    """How a check digit by mod 11 is counted.

    Attributes:
        weights: of the digits from the left, beginning anew after the last; None: 1, 2, 3 …, which passes over the 11th digit.
        gives: what of the weighted sum becomes the digit.
        ten: what a ten becomes.
    """

    weights: (
        Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1, max_length=64)] | None
    ) = None
    gives: Remainder = Remainder.REMAINDER
    ten: Ten = Ten.SKIP

    @property
    def letter(self) -> str:
        """What may stand for a ten; '': nothing."""
        return "X" if self.ten is Ten.X else ""

    def weights_of(self, digits: int) -> Sequence[int]:
        """Return the weights of so many digits."""
        return list(islice(cycle(self.weights), digits)) if self.weights else range(1, digits + 1)


_TEN: Final = 10


def check_digit(check: CheckDigit, mod11: Mod11, body: str) -> str | None:
    """Return the check digit of a code without it, over its digits; None: it has none, a ten being none."""
    digits = [int(each) for each in body if "0" <= each <= "9"]
    match check:
        case CheckDigit.NONE:
            return ""
        case CheckDigit.LUHN:
            return str(_luhn(digits))
        case CheckDigit.MOD11:
            found = _mod11(digits, mod11)
            return str(found) if found < _TEN else mod11.letter or None
        case _:
            assert_never(check)


def _luhn(digits: Sequence[int]) -> int:
    doubled = (digit * weight for digit, weight in zip(reversed(digits), cycle((2, 1)), strict=False))
    return -sum(each // 10 + each % 10 for each in doubled) % 10


def _mod11(digits: Sequence[int], mod11: Mod11) -> int:
    weights = mod11.weights_of(len(digits))
    total = sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
    return (total if mod11.gives is Remainder.REMAINDER else -total) % 11
