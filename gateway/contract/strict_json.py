"""JSON that comes in: what RFC 8259 calls JSON and nothing more, whichever way it came.

An object with two members of one name is refused: readers differ in which of them counts (section 4), so what somebody checked on
its way may not be what is read here.
"""

import json
from collections import Counter
from typing import Any

from pydantic_core import from_json


def read_json(body: bytes) -> Any:
    """Return what a document says.

    Raises:
        ValueError: it is no JSON, with NaN, a lone surrogate or an abyss of brackets for instance, or it has a name twice.
    """
    document = from_json(body, allow_inf_nan=False)
    json.loads(body, object_pairs_hook=_check_names)
    return document


def _check_names(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        names = Counter(name for name, _ in members)
        twice = ", ".join(name for name, times in names.items() if times > 1)
        raise ValueError(f"an object has more than one {twice}")
