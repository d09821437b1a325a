"""What does not fit its type, told in the caller's terms whatever way it came in."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.contract.faults import FieldError

_CODES: Final[dict[str, str]] = {
    "extra_forbidden": "unknownField",
    "missing": "missing",
    "greater_than": "outOfRange",
    "greater_than_equal": "outOfRange",
    "less_than": "outOfRange",
    "less_than_equal": "outOfRange",
    "string_too_short": "tooShort",
    "string_too_long": "tooLong",
    "too_short": "tooShort",
    "too_long": "tooLong",
    "string_pattern_mismatch": "badFormat",
    "value_error": "badFormat",
    "bad_format": "badFormat",
    "datetime_parsing": "badFormat",
    "datetime_from_date_parsing": "badFormat",
    "enum": "unknownValue",
    "literal_error": "unknownValue",
}
_MESSAGES: Final[dict[str, str]] = {
    "extra_forbidden": "there is no such field",
    "missing": "must be given",
    "string_pattern_mismatch": "must be made of letters, digits, dots, underscores, colons and hyphens",
}


def field_error(error: Mapping[str, Any], location: Sequence[str | int]) -> FieldError:
    """Translate one of pydantic's findings; `location` is where the value stands in what the caller wrote."""
    kind: str = error["type"]
    code = _CODES.get(kind) or ("wrongType" if kind.endswith(("_type", "_parsing")) else camel(kind))
    text: str = _MESSAGES.get(kind) or error["msg"].removeprefix("Value error, ")
    return FieldError(_path(location), code, text)


def camel(name: str) -> str:
    """Return `notFound` for `NOT_FOUND`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name.lower())


def _path(location: Sequence[str | int]) -> str:
    """Return `items[3].priority` for ("items", 3, "priority")."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".")
