"""What does not fit its type, told in the caller's terms whatever way it came in."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.contract.faults import FieldError
from gateway.contract.subscriptions import PRINTABLE
from gateway.contract.transports import IDENTIFIER
from gateway.contract.wiring import BROKER_URL, HOST, OPCUA_URL

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
    "too_many_bytes": "tooLong",
    "no_items": "tooShort",
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
_OBJECT: Final = "must be an object"
_LIST: Final = "must be a list"
_INTEGER: Final = "must be a whole number"
_NUMBER: Final = "must be a number"
_BOOLEAN: Final = "must be true or false"
_MESSAGES: Final[dict[str, str]] = {
    "extra_forbidden": "there is no such field",
    "missing": "must be given",
    "union_tag_not_found": "must be given",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have {min_length} or more items",
    "too_long": "must have at most {max_length} items",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "dict_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "string_type": "must be text",
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_from_float": _INTEGER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
}
"""Pydantic speaks of tuples, dictionaries and strings; a caller wrote JSON, YAML or a CSV."""
_SHAPES: Final[dict[str, str]] = {
    IDENTIFIER: "must begin with a letter or digit and be made of letters, digits, dots, underscores, colons and hyphens",
    PRINTABLE: "must be made of printable ASCII characters, without spaces",
    OPCUA_URL: "must be of the form opc.tcp://host:port/path",
    HOST: "must be a name or an address alone; the port stands in `port`",
    BROKER_URL: "must be `embedded`, or of the form mqtt://host:port or mqtts://host:port",
}


def field_error(error: Mapping[str, Any], location: Sequence[str | int]) -> FieldError:
    """Translate one of pydantic's findings; `location` is where the value stands in what the caller wrote."""
    kind: str = error["type"]
    code = _CODES.get(kind) or ("wrongType" if kind.endswith(("_type", "_parsing")) else camel(kind))
    text = in_plain_words(error)
    if kind.startswith("union_tag"):  # which of several it is, is told by a field of it
        context: Mapping[str, str] = error["ctx"]
        location = (*location, context["discriminator"].strip("'"))
        text = f"must be one of {context['expected_tags']}" if "expected_tags" in context else text
    elif kind == "missing" and not location:
        text = "a body must be given"
    elif kind == "json_invalid":
        location, text = (), f"the body is no JSON: {error['ctx']['error']}"
    return FieldError(_path(location), code, text)


def in_plain_words(error: Mapping[str, Any]) -> str:
    """Return what a value must be like, e.g. `must be at least 1`, of one of pydantic's findings."""
    context: dict[str, Any] = {key: _number(value) for key, value in error.get("ctx", {}).items()}
    if error["type"] == "string_pattern_mismatch":
        return _SHAPES.get(context["pattern"], "must match {pattern}").format_map(context)
    message = _MESSAGES.get(error["type"])
    told: str = message.format_map(context) if message else error["msg"].removeprefix("Value error, ")
    return told


def _number(value: Any) -> Any:
    """Return `1` for 1.0, as a person would write it; whatever else it is stays as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def without_kinds(error: Mapping[str, Any], body: object) -> tuple[str | int, ...]:
    """Return where a finding is in a request's body, without the names of kinds that pydantic puts between the fields.

    Args:
        error: one of pydantic's findings about a request; its first place is `body`, `query`, ….
        body: of that request, as it was parsed; None if it has none.
    """
    location: tuple[str | int, ...] = tuple(error["loc"][1:])
    place: list[str | int] = []
    value: Any = body if error["loc"][0] == "body" else None
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
