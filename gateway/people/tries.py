"""How often somebody may try a password: under one name, and from one address. Nobody learns by it which names there are."""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from gateway.contract.clock import Micros

NAMES_MAX: Final = 1000
"""Names that nobody has, of which tries are remembered."""
ADDRESSES_MAX: Final = 1000
ADDRESS_FAILURES_MAX: Final = 30
"""A whole shift signs in through one proxy; only wrong passwords count."""
ADDRESS_WINDOW_US: Final = 300_000_000
_ADDRESS_BITS: Final = 64
"""Of an IPv6 address: the rest is the caller's own choice."""


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong passwords under one name.

    Attributes:
        failures: since the last right one, or since the last lock.
        locked_until_us: nobody is let in under the name before.
    """

    failures: int = 0
    locked_until_us: Micros | None = None

    def is_locked(self, now: Micros) -> bool:
        """Tell whether nobody is let in under this name now."""
        return self.locked_until_us is not None and now < self.locked_until_us

    def one_more(self, now: Micros, failures_max: int, lock_us: Micros) -> "Tries":
        """Return what is so after one more wrong password."""
        failures = self.failures + 1
        return Tries(0, now + lock_us) if failures >= failures_max else Tries(failures)


class UnknownNames:
    """Tries under names that nobody has: they are locked as others are. The longest unused are forgotten first."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, Tries] = OrderedDict()

    def of(self, name: str) -> Tries:
        """Return the tries under a name."""
        return self._tries.get(name, Tries())

    def note(self, name: str, tries: Tries) -> None:
        """Remember the tries under a name."""
        self._tries[name] = tries
        self._tries.move_to_end(name)
        if len(self._tries) > NAMES_MAX:
            self._tries.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Window:
    began_us: Micros
    failures: int


class Addresses:
    """Wrong passwords by the address that they come from, within some minutes."""

    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def locked_until(self, address: str, now: Micros) -> Micros | None:
        """Return until when nothing is taken from an address; None: it is taken."""
        window = self._window(_prefix(address), now)
        return window.began_us + ADDRESS_WINDOW_US if window.failures >= ADDRESS_FAILURES_MAX else None

    def note_failure(self, address: str, now: Micros) -> None:
        """Remember a wrong password."""
        prefix = _prefix(address)
        window = self._window(prefix, now)
        self._windows[prefix] = _Window(window.began_us, window.failures + 1)
        self._windows.move_to_end(prefix)
        if len(self._windows) > ADDRESSES_MAX:
            self._windows.popitem(last=False)

    def _window(self, prefix: str, now: Micros) -> _Window:
        window = self._windows.get(prefix)
        if window is None or not 0 <= now - window.began_us < ADDRESS_WINDOW_US:
            return _Window(now, 0)
        return window


def _prefix(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(IPv6Network((known, _ADDRESS_BITS), strict=False))
    return address
