"""What is explored: in every run of the tests, and by `make model-check`."""

from dataclasses import replace
from typing import Final

from tests.model.mailbox.model import Scope

PLAIN: Final = Scope(
    commands=2, late=1, crashes=1, restarts=1, refuses=False, settles=False, survives=False, strangers=0
)

QUICK: Final = {
    "two commands, each side restarts": replace(PLAIN, late=0),
    "one command, one block late, a second gateway": replace(PLAIN, commands=1, survives=True),
    "one command, one block late, strangers": replace(PLAIN, commands=1, strangers=1),
    "two commands, a person settles one, the device refuses": replace(
        PLAIN, late=0, crashes=0, settles=True, refuses=True
    ),
    "two commands and the largest numbers": replace(PLAIN, late=0, crashes=0, first_ack=65_534),
}
"""In every run of the tests."""

THOROUGH: Final = QUICK | {
    "two commands, one block late": PLAIN,
    "two commands, one block late, a second gateway": replace(PLAIN, survives=True),
    "two commands, one block late, strangers": replace(PLAIN, strangers=1),
    "two commands, each side restarts twice": replace(PLAIN, late=0, crashes=2, restarts=2),
    "one command, two blocks late": replace(PLAIN, commands=1, late=2),
    "three commands, each side restarts": replace(PLAIN, commands=3, late=0),
    "three commands, one block late, each side restarts": replace(PLAIN, commands=3),
    "three commands, a person settles, the device refuses": replace(
        PLAIN, commands=3, late=0, crashes=0, settles=True, refuses=True
    ),
    "three commands, one block late, a second gateway": replace(PLAIN, commands=3, survives=True),
}
"""By `make model-check`."""
