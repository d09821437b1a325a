"""docs/requirements.md: every item of S0 to S4 stands in it once, and whatever it names is there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

pytestmark = pytest.mark.unit

ROOT: Final = Path(__file__).parents[2]
COUNTS: Final = {"S0": 56, "S1": 90, "S2": 175, "S3": 32, "S4": 67}
ROW: Final = re.compile(r"\| (S\d-\d+) \| (.+?) \| `(.+?)` \| (.+) \|")
REASON: Final = re.compile(r"\*\*(open|not ours):\*\* \S.*")
SHOWN: Final = re.compile(r"`([\w/]+\.py)::(\w+)`")


class Item(NamedTuple):
    """One row: where it lives, and what shows it or why nothing does."""

    number: str
    where: str
    cells: tuple[str, ...]


@cache
def items() -> tuple[Item, ...]:
    text = (ROOT / "docs" / "requirements.md").read_text("utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| S")]
    matches = [ROW.fullmatch(row) for row in rows]
    assert None not in matches, rows[matches.index(None)]
    return tuple(Item(row[1], row[3], tuple(row[4].split("<br>"))) for row in matches if row)


@cache
def names_in(file: Path) -> frozenset[str]:
    """Return the names under which pytest would find tests in a file, without running it."""
    tree = ast.parse(file.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node.name for node in tree.body if isinstance(node, functions)]
    # A state machine of hypothesis stands under a name of the module.
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return frozenset(name for name in found if name.startswith("test_"))


def named_tests() -> Iterator[tuple[str, str, str]]:
    for item in items():
        for cell in item.cells:
            if match := SHOWN.fullmatch(cell):
                yield item.number, match[1], match[2]


def test_every_number_stands_once() -> None:
    expected = [f"{source}-{n}" for source, count in COUNTS.items() for n in range(1, count + 1)]
    assert [item.number for item in items()] == expected


def test_every_file_that_is_named_is_there() -> None:
    assert [item for item in items() if not (ROOT / item.where).exists()] == []


def test_every_test_that_is_named_is_there() -> None:
    missing = [
        each
        for each in named_tests()
        if not (ROOT / "tests" / each[1]).is_file() or each[2] not in names_in(ROOT / "tests" / each[1])
    ]
    assert missing == []


def test_every_item_is_shown_decided_or_says_why_not() -> None:
    def well(item: Item) -> bool:
        if REASON.fullmatch(item.cells[0]):
            return len(item.cells) == 1
        if item.cells[0] == "decided":
            return item.where.startswith("docs/decisions/") and all(map(SHOWN.fullmatch, item.cells[1:]))
        return all(map(SHOWN.fullmatch, item.cells))

    assert [item for item in items() if not well(item)] == []


def test_a_decision_that_is_named_speaks_of_its_item_or_of_its_matter() -> None:
    """A page of small decisions names each of its items; the larger ones are about their matter as a whole."""
    page = (ROOT / "docs/decisions/0014-what-the-sources-leave-open.md").read_text("utf-8")
    silent = [
        item.number
        for item in items()
        if item.cells[0] == "decided" and "0014" in item.where and f"| {item.number} |" not in page
    ]
    assert silent == []
