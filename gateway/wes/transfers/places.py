"""Where goods of a line come from and go to: containers and places by id or pattern, or a zone."""

from fnmatch import fnmatchcase

from gateway.wes.context import WesContext
from gateway.wes.transfers.documents import Line


def is_source(line: Line, holder_id: str, zone: str) -> bool:
    """Tell whether a line takes goods from a container or place that stands in a zone."""
    named = line.source is None or fnmatchcase(holder_id, line.source)
    return named and line.source_zone in (None, zone)


def is_target(context: WesContext, line: Line, holder_id: str) -> bool:
    """Tell whether goods of a line are put into a container or to a place; in a zone to its places only."""
    if line.target is not None:
        return fnmatchcase(holder_id, line.target)
    place = context.layout.places.get(holder_id)
    return place is not None and place.zone == line.target_zone
