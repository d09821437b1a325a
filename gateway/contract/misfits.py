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
    "union_tag_invalid": "unknownValue",
    "union_tag_not_found": "missing",
}
_MESSAGES: Final[dict[str, str]] = {
    "extra_forbidden": "there is no such field",
    "missing": "must be given",
    "union_tag_not_found": "must be given",
    "string_pattern_mismatch": "must be made of letters, digits, dots, underscores, colons and hyphens",
}


def field_error(error: Mapping[str, Any], location: Sequence[str | int]) -> FieldError:
    """Translate one of pydantic's findings; `location` is where the value stands in what the caller wrote."""
    kind: str = error["type"]
    code = _CODES.get(kind) or ("wrongType" if kind.endswith(("_type", "_parsing")) else camel(kind))
    text: str = _MESSAGES.get(kind) or error["msg"].removeprefix("Value error, ")
    if kind.startswith("union_tag"):  # which of several it is, is told by a field of it
        context: Mapping[str, str] = error["ctx"]
        location = (*location, context["discriminator"].strip("'"))
        text = f"must be one of {context['expected_tags']}" if "expected_tags" in context else text
    return FieldError(_path(location), code, text)


def without_kinds(error: Mapping[str, Any], body: object) -> tuple[str | int, ...]:
    """Return where a finding is in a request's body, without the names of kinds that pydantic puts between the fields.

    Args:
        error: one of pydantic's findings about a request; its first place is `body`, `query`, ….
        body: as it was parsed; None where the finding is elsewhere.
    """
    location: tuple[str | int, ...] = tuple(error["loc"][1:])
    place: list[str | int] = []
    value: Any = body
    for number, part in enumerate(location):
        is_field = not isinstance(value, dict) or part in value
        is_absent_field = error["type"] == "missing" and number + 1 == len(location)
        if is_field or is_absent_field:
            place.append(part)
            value = _within(value, part)
    return tuple(place)


def _within(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (LookupError, TypeError):
        return None


def camel(name: str) -> str:
    """Return `notFound` for `NOT_FOUND`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name.lower())


def _path(location: Sequence[str | int]) -> str:
    """Return `items[3].priority` for ("items", 3, "priority")."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".")
