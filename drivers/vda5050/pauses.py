"""Pauses between two tries."""

from typing import Final

DOUBLINGS_MAX: Final = 32
"""More would soon be too great a number: somebody who does not answer for a night is asked a thousand times."""


def doubled(first_s: float, times: int, most_s: float) -> float:
    """Return a pause that has doubled so many times, up to the longest."""
    return min(first_s * 2 ** min(times, DOUBLINGS_MAX), most_s)
