"""The character U+0000: JSON has it and databases refuse it, so no text that comes in may hold it."""

import re
from typing import Final

NO_NUL: Final = "no text may hold the character U+0000"

_ESCAPED: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""After an even number of backslashes, which stand for half as many of themselves."""


def holds_nul(body: bytes) -> bool:
    """Tell whether a text in a JSON document holds it; unescaped it makes the document none."""
    return _ESCAPED.search(body) is not None
