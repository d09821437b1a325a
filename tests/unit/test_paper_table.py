"""A list as a table: what a program for tables reads in it is what stood in the list, and no cell of it is a formula."""

import csv
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.arrivals import ExpectedArrivalView
from gateway.contract.corrections import LedgerEntryView
from gateway.contract.counts import CountView
from gateway.contract.model import WireModel
from gateway.paper.table import table_of

pytestmark = pytest.mark.unit


class Line(WireModel):
    sku_id: str
    quantity: int


class Inner(WireModel):
    low: int
    high: int | None


class Item(WireModel):
    name: str
    price: float | None = None
    good: bool = True
    limits: Inner | None = None
    tags: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    at: datetime | None = None


class TwoLists(WireModel):
    name: str
    ins: tuple[Line, ...]
    outs: tuple[Line, ...]


def rows(model: type[WireModel], *items: WireModel) -> list[list[str]]:
    table = table_of(model)
    text = table.header() + table.lines([each.model_dump(mode="json", by_alias=True) for each in items])
    return list(csv.reader(StringIO(text, newline=""), strict=True))


def test_every_line_is_a_row_beside_what_its_item_has() -> None:
    item = Item(
        name="A",
        price=1.5,
        limits=Inner(low=-3, high=None),
        tags=("x", "y"),
        lines=(Line(sku_id="S1", quantity=2), Line(sku_id="S2", quantity=-1)),
    )
    head = [
        "name",
        "price",
        "good",
        "limits.low",
        "limits.high",
        "tags",
        "lines.skuId",
        "lines.quantity",
        "at",
    ]
    assert rows(Item, item, Item(name="B", good=False)) == [
        head,
        ["A", "1.5", "true", "-3", "", "x y", "S1", "2", ""],
        ["A", "1.5", "true", "-3", "", "x y", "S2", "-1", ""],
        ["B", "", "false", "", "", "", "", "", ""],
    ]
    assert rows(Item) == [head]


def test_of_several_lists_of_objects_none_becomes_rows() -> None:
    line = Line(sku_id="S1", quantity=2)
    assert rows(TwoLists, TwoLists(name="A", ins=(line,), outs=())) == [
        ["name", "ins", "outs"],
        ["A", '[{"skuId": "S1", "quantity": 2}]', ""],
    ]


@settings(max_examples=200, deadline=None)
@given(names=st.lists(st.text(), min_size=1, max_size=5))
def test_whatever_stands_in_a_text_is_read_again(names: list[str]) -> None:
    read = [row[0] for row in rows(Item, *(Item(name=name) for name in names))[1:]]
    assert [
        each.removeprefix("'") if each != name else each for each, name in zip(read, names, strict=True)
    ] == names


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x","y")']
)
def test_no_text_is_a_formula(text: str) -> None:
    assert rows(Item, Item(name=text))[1][0] == f"'{text}"


@settings(max_examples=100, deadline=None)
@given(tags=st.lists(st.text(max_size=5), max_size=3), name=st.text(max_size=5))
def test_no_cell_of_words_begins_like_a_formula(tags: list[str], name: str) -> None:
    read = rows(Item, Item(name=name, tags=tuple(tags)))[1]
    assert not read[0].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not read[5].startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("model", "some"),
    [
        (ExpectedArrivalView, {"noticeNo", "lines.skuId", "lines.lacks"}),
        (LedgerEntryView, {"eventId", "change.quantity", "after.held"}),
        (CountView, {"countId", "scope", "report.done", "report.byReason"}),
    ],
)
def test_the_heads_are_the_names_of_the_contract(model: type[Any], some: set[str]) -> None:
    (head,) = rows(model)
    assert some <= set(head) and len(set(head)) == len(head)
