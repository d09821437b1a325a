"""Walks over a site that several checks take; each tells the keys of what it passes."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from gateway.contract.wiring import MailboxChannel, Profile
from gateway.site.findings import Keys
from gateway.site.model import Carrier, Conveyor, Fleet, PutWall, Site, Stock

COMPARISONS_MAX: Final = 100_000
"""Names that one check compares with unknown ones, some seconds' worth."""


def channels(site: Site) -> Iterator[tuple[Keys, Carrier | Conveyor, MailboxChannel]]:
    """Walk over every mailbox."""
    for index, device in enumerate(site.devices):
        match device:
            case Carrier():
                yield ("devices", index, "channel"), device, device.channel
            case Conveyor():
                for n, channel in enumerate(device.channels):
                    yield ("devices", index, "channels", n), device, channel
            case PutWall():
                pass


def patterns(site: Site) -> Iterator[tuple[Keys, str]]:
    """Walk over every pattern of locations that a carrier or a fleet names."""
    for keys, mover in movers(site):
        yield from (((*keys, "picks", n), pattern) for n, pattern in enumerate(mover.picks))
        yield from (((*keys, "drops", n), pattern) for n, pattern in enumerate(mover.drops))


def movers(site: Site) -> Iterator[tuple[Keys, Carrier | Fleet]]:
    """Walk over everything that picks here and drops there."""
    for index, device in enumerate(site.devices):
        if isinstance(device, Carrier):
            yield ("devices", index), device
    for index, fleet in enumerate(site.fleets):
        yield ("fleets", index), fleet


def stocked(site: Site) -> Iterator[tuple[Keys, Stock]]:
    """Walk over every container that is in the site from the beginning."""
    for index, stock in enumerate(site.stock):
        yield ("stock", index), stock
    for index, stocks in enumerate(site.filled):
        yield from ((("fill", index), stock) for stock in stocks)


def profiles_by_id(site: Site) -> dict[str, Profile]:
    """Return the profiles by id."""
    return {profile.id: profile for profile in site.profiles}


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return what to write instead of an unknown word."""
    near = get_close_matches(word, known, 1)
    return f"did you mean `{near[0]}`? Otherwise {otherwise}" if near else otherwise


@dataclass(slots=True)
class Guesses:
    """What names that nobody has may have meant. After many comparisons nothing is guessed any more."""

    known: Collection[str]
    left: int = COMPARISONS_MAX

    def mend(self, word: str, otherwise: str) -> str:
        """Return what to write instead of an unknown word."""
        if self.left <= 0:
            return otherwise
        self.left -= len(self.known)
        return suggestion(word, self.known, otherwise)
