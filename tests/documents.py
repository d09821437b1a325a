"""The generated parts of the documents, and `python -m tests.documents`, which writes them (`make docs`).

The picture of the demo site is generated as a whole. A part of a text stands between `<!-- generated: NAME -->` and
`<!-- end -->`; what is around it is written by hand.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.api.rights import RIGHTS
from gateway.contract.faults import FAULT_TEXTS
from gateway.contract.people import Role
from gateway.contract.puts import PutStatus
from gateway.contract.transports import TransportStatus
from gateway.site.draw import draw
from gateway.site.handbook import CHANNEL, SLOT, Transition, diagram, profile_tables, register_map
from gateway.site.load import load_site
from gateway.site.rules import FACT_MEANINGS, POINTS, Point
from gateway.transport.transitions import PUT, TRANSPORT
from tests.site_reference import site_reference

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
DEMO: Final = ROOT / "config" / "demo"
PICTURE: Final = DOCS / "demo-site.svg"
S = TypeVar("S", bound=StrEnum)
T = TypeVar("T", bound=StrEnum)

PART: Final = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def transitions(table: Mapping[tuple[S, T], S], first: S) -> list[Transition]:
    """Return a transition table with its beginning and its ends."""
    goes_on = {source for source, _ in table}
    ends = dict.fromkeys(state.value for state in table.values() if state not in goes_on)
    return [
        ("[*]", "", first.value),
        *((source.value, step.value, target.value) for (source, step), target in table.items()),
        *((state, "", "[*]") for state in ends),
    ]


def profiles() -> str:
    """Return the tables of all profiles of the demo site."""
    return "\n\n".join(profile_tables(profile) for profile in load_site(DEMO).profiles)


def rule_points() -> str:
    """Return the table of everything that rules decide."""
    rows = [
        f"| `{point.name.value}` | {point.decides} | {', '.join(f'`{fact}`' for fact in point.facts)}"
        f" | {_outcomes(point)} | `{point.outcome.dump_python(point.default, mode='json')}` |"
        for point in POINTS.values()
    ]
    return "\n".join(("| at | decides | facts | outcomes | default |", "|---|---|---|---|---|", *rows))


def _outcomes(point: Point[Any]) -> str:
    schema = point.outcome.json_schema()
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    fields = (
        f"`{name}`: {_meaning(each, schema.get('$defs', {}))}"
        for name, each in schema.get("properties", {}).items()
    )
    return ", ".join(fields) or "a text"


def _meaning(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return the type of a field of an outcome in words; one that may be null is left out instead."""
    if "anyOf" in field:
        return _meaning(field["anyOf"][0], definitions)
    if "$ref" in field:
        return " or ".join(definitions[field["$ref"].rsplit("/", 1)[1]]["enum"])
    kind: str = field["type"]
    return {"string": "id or pattern"}.get(kind, kind)


def faults() -> str:
    """Return the table of what can go wrong with a command, and what people do."""
    rows = [f"| `{fault.value}` | {text.title} | {text.advice} |" for fault, text in FAULT_TEXTS.items()]
    return "\n".join(("| reason | what happened | what to do |", "|---|---|---|", *rows))


def rights() -> str:
    """Return the table of who may ask for what: routes that the same roles may ask for stand together."""
    routes: dict[frozenset[Role], list[str]] = {}
    for route, roles in RIGHTS.items():
        routes.setdefault(roles, []).append(route)
    rows = [
        f"| {_roles(roles)} | {', '.join(f'`{route}`' for route in sorted(those, key=_by_path))} |"
        for roles, those in sorted(routes.items(), key=lambda each: (-len(each[0]), sorted(each[0])))
    ]
    return "\n".join(("| roles | may ask for |", "|---|---|", *rows))


def _roles(roles: frozenset[Role]) -> str:
    return (
        "whoever is signed in"
        if roles == frozenset(Role)
        else ", ".join(f"`{role}`" for role in sorted(roles))
    )


def _by_path(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return path, method


def rule_facts() -> str:
    """Return the table of all facts."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in FACT_MEANINGS.items()]
    return "\n".join(("| fact | meaning |", "|---|---|", *rows))


PARTS: Final[dict[str, Callable[[], str]]] = {
    "channel-states": lambda: diagram(CHANNEL),
    "slot-states": lambda: diagram(SLOT),
    "profiles": profiles,
    "demo-registers": lambda: register_map(load_site(DEMO)),
    "transport-states": lambda: diagram(transitions(TRANSPORT, TransportStatus.ACCEPTED)),
    "put-states": lambda: diagram(transitions(PUT, PutStatus.ACCEPTED)),
    "faults": faults,
    "rights": rights,
    "wes-rules": rule_points,
    "wes-facts": rule_facts,
    "site-file": site_reference,
}


def renewed(text: str) -> str:
    """Return a document with its generated parts as they must be now.

    Raises:
        KeyError: it has a part that nobody generates.
    """
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]()}\n\n{part[3]}", text)


def main() -> None:
    """Write the picture and the generated parts of all documents."""
    PICTURE.write_text(draw(load_site(DEMO)), encoding="utf-8")
    for document in sorted(DOCS.glob("*.md")):
        text = document.read_text(encoding="utf-8")
        if (new := renewed(text)) != text:
            document.write_text(new, encoding="utf-8")
            print(f"{document.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
