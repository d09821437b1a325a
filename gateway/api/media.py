"""Which of the forms that something has a caller wants: by a query parameter, or by `Accept` (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence

from fastapi import Request


def accepted(request: Request, offered: Sequence[str]) -> str | None:
    """Return the media type that a caller likes best of those that are offered; of several alike, the one offered first.

    Args:
        request: whose `Accept` counts; one without it takes anything.
        offered: media types.

    Returns:
        None: it takes none of them.
    """
    wanted = [
        _weighed(each) for each in ",".join(request.headers.getlist("accept")).split(",") if each.strip()
    ]
    if not wanted:
        return offered[0]
    likes = {media: _liking(media, wanted) for media in offered}
    best = max(offered, key=lambda media: likes[media])
    return best if likes[best] > 0 else None


def _weighed(each: str) -> tuple[str, float]:
    """Return one part of an Accept header: what it names, and how much it is liked."""
    media, *parameters = (part.strip() for part in each.split(";"))
    weights = [part[2:] for part in parameters if part.startswith("q=")]
    try:
        return media.lower(), float(weights[0]) if weights else 1.0
    except ValueError:
        return media.lower(), 0.0


def _liking(media: str, wanted: Sequence[tuple[str, float]]) -> float:
    """Return how much a media type is liked: what names it most exactly counts."""
    for pattern in (media, f"{media.partition('/')[0]}/*", "*/*"):
        for named, weight in wanted:
            if named == pattern:
                return weight
    return 0.0
