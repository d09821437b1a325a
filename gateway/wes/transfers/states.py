"""Where a transfer may go from where, and where it stands by what has become of its goods (S2-50)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.contract.transfers import Destination
from gateway.contract.transfers import TransferState as S

TRANSITIONS: Final[Mapping[S, frozenset[S]]] = {
    S.DRAFT: frozenset({S.APPROVED, S.DELETED, S.ABORTED}),
    S.APPROVED: frozenset({S.EXECUTING, S.OUT_DONE, S.ABORTED}),
    S.EXECUTING: frozenset({S.OUT_DONE, S.DONE, S.IN_TRANSIT, S.ABORTING, S.ABORTED}),
    S.OUT_DONE: frozenset({S.DONE, S.IN_TRANSIT, S.ABORTING, S.ABORTED}),
    S.IN_TRANSIT: frozenset({S.DONE}),
    S.ABORTING: frozenset({S.ABORTED}),
    S.DONE: frozenset(),
    S.ABORTED: frozenset(),
    S.DELETED: frozenset(),
}
"""What may go nowhere has ended."""
ENDED: Final = frozenset(state for state, goals in TRANSITIONS.items() if not goals)
TAKING: Final = frozenset({S.APPROVED, S.EXECUTING})
"""Goods may still be taken out."""
CARRYING: Final = frozenset({S.EXECUTING, S.OUT_DONE, S.ABORTING})
"""Goods may be on the way."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What has become of the goods of a transfer, in pieces.

    Attributes:
        rest: still bound where they are to be taken from.
        taken: out of their places.
        moving: of those, not yet where they go.
        put: of those, where they go.
    """

    rest: int
    taken: int
    moving: int
    put: int


def state_by(state: S, leaves_to: Destination | None, progress: Progress) -> S:
    """Return where an approved transfer stands once its goods have come so far.

    Args:
        state: where it stood.
        leaves_to: where its goods leave to, if they do.
        progress: how far they have come.
    """
    if state is S.ABORTING:
        return S.ABORTING if progress.moving else S.ABORTED
    if progress.rest:
        return S.EXECUTING if progress.taken else S.APPROVED
    if progress.moving:
        return S.OUT_DONE
    if not progress.put:
        return S.ABORTED
    return S.IN_TRANSIT if leaves_to is Destination.WAREHOUSE else S.DONE
