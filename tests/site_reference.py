"""Every key of a site file, as docs/site-file.md shows it: made of the models that read the file, it cannot say anything else."""

import ast
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import dedent
from typing import Any, Final

from gateway.contract.wiring import WiringModel
from gateway.site.model import Site

ENTRY: Final = re.compile(
    r"^(?P<names>\w+(?:, \w+)*): (?P<text>.+?)(?=^\w+(?:, \w+)*: |\Z)", re.MULTILINE | re.DOTALL
)
SHOWN_MAX: Final = 80
"""Characters of a default that are shown; a longer one is made of the defaults of its parts."""
BOUNDS: Final = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def site_reference() -> str:
    """Return a chapter for the file itself and for each kind of thing in it, in the order in which they are met."""
    schema = Site.model_json_schema()
    models: dict[str, Any] = {"Site": schema, **schema["$defs"]}
    parts: list[str] = []
    for name in dict.fromkeys(_met("Site", models)):
        if "properties" in models[name]:
            parts += [f"### {name}", _summary(name), _table(name, models[name])]
    return "\n\n".join(parts)


def _met(name: str, models: Mapping[str, Any]) -> Iterator[str]:
    """Yield a model and all that it is made of, depth first."""
    yield name
    for field in models[name].get("properties", {}).values():
        for other in re.findall(r'"#/\$defs/(\w+)"', json.dumps(field)):
            yield from _met(other, models)


def _table(name: str, schema: Mapping[str, Any]) -> str:
    meanings, required = _meanings(name), schema.get("required", ())
    rows = [
        f"| `{key}` | {_type(field)} | {_default(key, field, required)} | {meanings.get(key, '')} |"
        for key, field in schema["properties"].items()
        if not _classes()[name].model_fields[key].exclude
    ]
    return "\n".join(("| key | value | default | |", "|---|---|---|---|", *rows))


def _type(field: Mapping[str, Any]) -> str:
    match field:
        case {"$ref": str(ref)}:
            return _named(ref.removeprefix("#/$defs/"))
        case {"const": value}:
            return f"`{value}`"
        case {"enum": [*values]}:
            return ", ".join(f"`{value}`" for value in values)
        case {"oneOf": [*kinds]} | {"anyOf": [*kinds]}:
            return " or ".join(dict.fromkeys(_type(kind) for kind in kinds if kind != {"type": "null"}))
        case {"type": "array", "prefixItems": [*items]}:
            return f"[{', '.join(map(_type, items))}]"
        case {"type": "array", "items": dict(item)}:
            return f"list of {_type(item)}"
        case {"type": "object", "additionalProperties": dict(item)}:
            return f"by name: {_type(item)}"
        case {"type": str(kind)}:
            bounds = [f"{sign} {field[key]}" for key, sign in BOUNDS.items() if key in field]
            return " ".join((field.get("format", kind), ", ".join(bounds))).strip()
        case _:
            return "any"


def _named(name: str) -> str:
    model = _classes().get(name)
    if model is not None:
        return f"[{name}](#{name.lower()})"
    values = Site.model_json_schema()["$defs"][name].get("enum", ())
    return ", ".join(f"`{value}`" for value in values)


def _default(key: str, field: Mapping[str, Any], required: Iterable[str]) -> str:
    if key in required:
        return "**needed**"
    value = field.get("default")
    if value is None or value == []:
        return ""
    told = json.dumps(value)
    return f"`{told}`" if len(told) <= SHOWN_MAX or isinstance(value, list) else "see there"


def _summary(name: str) -> str:
    return (
        (inspect.getdoc(_classes()[name]) or "")
        .partition("\nAttributes:")[0]
        .partition("\n\n")[0]
        .replace("\n", " ")
        .strip()
    )


def _meanings(name: str) -> dict[str, str]:
    """Return what the docstrings of a model, and of what it is derived from, say of its fields."""
    found: dict[str, str] = {}
    for model in reversed(_classes()[name].__mro__):
        if issubclass(model, WiringModel) and model is not WiringModel:
            found |= dict(_of_docstring(model)) | dict(_of_fields(model))
    fields = _classes()[name].model_fields
    return {key: _told(text, fields[key].default is None) for key, text in found.items()}


def _told(text: str, left_out: bool) -> str:
    """Return a docstring's words for a table of a file, in which None is what is left out, or `null` where that means a default."""
    none = "left out:" if left_out else "`null`:"
    return " ".join(text.split()).replace("|", "\\|").replace("None:", none)


def _of_docstring(model: type[WiringModel]) -> Iterator[tuple[str, str]]:
    _, _, attributes = (inspect.getdoc(model) or "").partition("Attributes:\n")
    for entry in ENTRY.finditer(dedent(attributes)):
        yield from ((key, entry["text"]) for key in entry["names"].split(", "))


def _of_fields(model: type[WiringModel]) -> Iterator[tuple[str, str]]:
    """Yield the texts that stand behind fields."""
    (tree,) = ast.parse(dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(told))):
                yield key, told
            case _:
                pass


def _classes() -> dict[str, type[WiringModel]]:
    found: dict[str, type[WiringModel]] = {}
    waiting: list[type[WiringModel]] = [WiringModel]
    while waiting:
        model = waiting.pop()
        found[model.__name__] = model
        waiting += model.__subclasses__()
    return found
