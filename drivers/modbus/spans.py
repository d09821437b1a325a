"""Which registers are read together."""

from collections.abc import Iterable
from typing import NamedTuple

from drivers.links.modbus_port import READ_MAX


class Span(NamedTuple):
    """Registers `start` … `start + length - 1`."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The register after the last one."""
        return self.start + self.length

    def holds(self, other: "Span") -> bool:
        """Tell whether the other span lies wholly in this one."""
        return self.start <= other.start and other.end <= self.end

    def part(self, other: "Span") -> slice:
        """Return where the other span's registers are in a reading of this one, which holds it."""
        return slice(other.start - self.start, other.end - self.start)


def coalesce(blocks: Iterable[Span], max_gap: int) -> list[Span]:
    """Return the fewest requests that read all blocks in address order, each block in one piece.

    Args:
        blocks: of at most 125 registers each.
        max_gap: so many unused registers are read along rather than asking twice.
    """
    requests: list[Span] = []
    for block in sorted(set(blocks)):
        if requests and _fits(requests[-1], block, max_gap):
            start = requests[-1].start
            requests[-1] = Span(start, max(requests[-1].end, block.end) - start)
        else:
            requests.append(block)
    return requests


def _fits(request: Span, block: Span, max_gap: int) -> bool:
    return block.start - request.end <= max_gap and block.end - request.start <= READ_MAX
