"""What is explored: in every run of the tests, and by `make model-check`."""

from dataclasses import replace
from typing import Final

from tests.model.slot.model import Scope

PLAIN: Final = Scope(
    puts=2, late=0, crashes=1, restarts=1, hands=0, forgets=True, cancels=True, shorts=False, survives=False
)

QUICK: Final = {
    "three puts, each side restarts": replace(PLAIN, puts=3, forgets=False),
    "two puts, one block late": replace(PLAIN, late=1, crashes=0, forgets=False),
    "one put, one block late, a second gateway": replace(PLAIN, puts=1, late=1, survives=True, forgets=False),
    "one put, hands in the curtain, short": replace(PLAIN, puts=1, hands=1, shorts=True, forgets=False),
    "two puts, the wall forgets": replace(PLAIN, cancels=False),
}
"""In every run of the tests."""

THOROUGH: Final = QUICK | {
    "two puts, one block late, a second gateway": replace(PLAIN, late=1, survives=True, forgets=False),
}
"""By `make model-check`."""
