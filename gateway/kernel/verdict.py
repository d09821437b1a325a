"""An answer that carries its reason: every refusal can be told to a person (law 9)."""

from typing import Final, NamedTuple


class Verdict(NamedTuple):
    """Whether something may be done; `reason` says why not."""

    ok: bool
    reason: str = ""


YES: Final = Verdict(True)


def no(reason: str) -> Verdict:
    """Refuse with a reason."""
    return Verdict(False, reason)
