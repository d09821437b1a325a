"""What is explored: in every run of the tests, and by `make model-check`."""

from dataclasses import replace
from typing import Final

from tests.model.slot.model import Scope

PLAIN: Final = Scope(
    puts=2, late=0, crashes=1, restarts=1, hands=0, forgets=True, cancels=True, shorts=False, survives=False
)

QUICK: Final = {
    "two puts, each side restarts": PLAIN,
    "three puts, each side restarts, none is cancelled": replace(PLAIN, puts=3, cancels=False),
    "one put, one block late": replace(PLAIN, puts=1, late=1),
    "one put, one block late, a second gateway, not cancelled": replace(
        PLAIN, puts=1, late=1, survives=True, cancels=False
    ),
    "one put, hands in the curtain, ended short": replace(PLAIN, puts=1, hands=1, shorts=True, crashes=0),
}
"""In every run of the tests."""

THOROUGH: Final = QUICK | {
    "three puts, each side restarts": replace(PLAIN, puts=3),
    "two puts, one block late": replace(PLAIN, late=1, crashes=0),
    "one put, two blocks late": replace(PLAIN, puts=1, late=2, crashes=0),
    "one put, one block late, a second gateway": replace(PLAIN, puts=1, late=1, survives=True),
    "one put, each side restarts twice": replace(PLAIN, puts=1, crashes=2, restarts=2),
}
"""By `make model-check`."""
