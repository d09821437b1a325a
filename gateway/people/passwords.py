"""Passwords: which will do (NIST SP 800-63B-4, section 3.1.1), and what is kept of them (RFC 7914, scrypt).

What is kept says how it was made, `scrypt$LOG2N$R$P$SALT$HASH`, so that a later cost leaves the passwords of before as they are.
"""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import scrypt
from itertools import pairwise
from typing import Final, Protocol, TypeVar
from unicodedata import normalize

T = TypeVar("T")

PASSWORD_MIN: Final = 12
SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_DIFFERENT_MIN: Final = 5
"""Characters that differ: `aaaaaaaaaaaa` and `121212121212` are among the first that are tried."""
_NAME_MIN: Final = 4
"""A name of fewer characters is in too many passwords by chance."""


@dataclass(frozen=True, slots=True)
class Cost:
    """How hard it is to try a password: 2^log2_n blocks of 128·r bytes, p times."""

    log2_n: int
    r: int
    p: int


STRONG: Final = Cost(15, 8, 3)
"""32 MiB and a fifth of a second on an edge box; among those that OWASP recommends."""


class Computer(Protocol):
    """Where what takes long is computed: elsewhere than on the event loop, but where time is virtual."""

    async def __call__(self, work: Callable[[], T], /) -> T:
        """Return what the work returns."""
        ...


def objection(password: str, person_id: str, name: str) -> str | None:
    """Return what is wrong with a new password; None: it will do."""
    said = _folded(password)
    if len(_normal(password)) < PASSWORD_MIN:
        return f"take {PASSWORD_MIN} characters or more; a sentence is easier to remember than signs are"
    if len(set(said)) < _DIFFERENT_MIN:
        return f"take {_DIFFERENT_MIN} different characters or more"
    if len({ord(after) - ord(before) for before, after in pairwise(said)}) == 1:
        return "take no characters that follow one another as they do in the alphabet"
    named = {part for part in (_folded(person_id), *_folded(name).split()) if len(part) >= _NAME_MIN}
    if any(part in said for part in named):
        return "take one without your name in it"
    return None


def keep(password: str, salt: bytes, cost: Cost) -> str:
    """Return what is kept of a password. This takes long on purpose."""
    key = _derived(password, salt, cost)
    return f"scrypt${cost.log2_n}${cost.r}${cost.p}${_text(salt)}${_text(key)}"


def fits(password: str, kept: str) -> bool:
    """Tell whether a password is the one of which this is kept, in the same time either way. This takes long on purpose."""
    _, log2_n, r, p, salt, key = kept.split("$")
    derived = _derived(password, base64.b64decode(salt), Cost(int(log2_n), int(r), int(p)))
    return hmac.compare_digest(derived, base64.b64decode(key))


def nobodys(cost: Cost) -> str:
    """Return what no password fits, and what takes as long to find out."""
    return f"scrypt${cost.log2_n}${cost.r}${cost.p}${_text(bytes(SALT_BYTES))}${_text(bytes(_HASH_BYTES))}"


async def at_once(work: Callable[[], T]) -> T:
    """Compute here and now: a Computer for tests and for time that is virtual."""
    return work()


def _derived(password: str, salt: bytes, cost: Cost) -> bytes:
    n = 1 << cost.log2_n
    room = 2 * 128 * n * cost.r * cost.p
    return scrypt(
        _normal(password).encode(), salt=salt, n=n, r=cost.r, p=cost.p, maxmem=room, dklen=_HASH_BYTES
    )


def _normal(password: str) -> str:
    """Return a password as it is whatever keyboard it was typed on."""
    return normalize("NFKC", password)


def _folded(text: str) -> str:
    return _normal(text).casefold()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
