"""Tables of the command line: what a person reads at a terminal of 80 columns, and a program in a pipe."""

from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from gateway.cli.appearance import Listing

pytestmark = pytest.mark.unit


def shown(table: Listing, width: int) -> list[str]:
    console = Console(width=width, file=StringIO(), record=True)
    console.print(table)
    return [line.rstrip() for line in console.export_text().splitlines() if line.strip()]


def waiting() -> Listing:
    table = Listing("transport", "container", "from", "deadline", sentences=("why it waits",))
    table.add_row("T-1", "TOTE-0001", "A1-1-L-07", "", Text("OUT-4 is taken by TOTE-0002"))
    table.add_row("T-2", "TOTE-0002", "OUT-4", "", Text())
    return table


def test_with_room_for_all_a_row_is_a_line_and_empty_columns_are_left_out() -> None:
    head, _, first, second = shown(waiting(), 80)
    assert head.split() == ["transport", "container", "from", "why", "it", "waits"]
    assert first.split("  ")[-1] == "OUT-4 is taken by TOTE-0002"
    assert second.split() == ["T-2", "TOTE-0002", "OUT-4"]


def test_with_less_room_a_sentence_is_broken_between_words_and_no_id_is() -> None:
    _, _, first, more, second = shown(waiting(), 55)
    assert "TOTE-0001  A1-1-L-07  OUT-4 is taken by" in first
    assert more.split() == ["TOTE-0002"]
    assert second.split() == ["T-2", "TOTE-0002", "OUT-4"]


def test_with_little_room_a_sentence_stands_below_its_row() -> None:
    _, _, first, below, second = shown(waiting(), 45)
    assert first.split() == ["T-1", "TOTE-0001", "A1-1-L-07"]
    assert below == "    OUT-4 is taken by TOTE-0002"
    assert second.split() == ["T-2", "TOTE-0002", "OUT-4"]


def test_where_the_words_have_no_room_the_last_of_them_stand_below_their_row_and_none_is_broken() -> None:
    table = waiting()
    table.add_row("T-3", "TOTE-0003", "A1-1-L-08", "in 5 min", Text())
    head, _, first, below, second, third, pressing = shown(table, 36)
    assert head.split() == ["transport", "container", "from"]
    assert first.split() == ["T-1", "TOTE-0001", "A1-1-L-07"]
    assert below == "    OUT-4 is taken by TOTE-0002"
    assert second.split() == ["T-2", "TOTE-0002", "OUT-4"]
    assert third.split() == ["T-3", "TOTE-0003", "A1-1-L-08"]
    assert pressing == "    deadline in 5 min"


def test_with_hardly_any_room_words_are_broken_and_nothing_is_cut_off() -> None:
    table = Listing("location")
    table.add_row("A1-1-L-07")
    assert "".join(shown(table, 7)[-2:]).replace(" ", "") == "A1-1-L-07"


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    table = Listing("product")
    table.add_row("SKU[red]")
    assert shown(table, 80)[-1].split() == ["SKU[red]"]
