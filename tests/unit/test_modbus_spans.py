"""Coalescing: few requests, each block in one piece, never more than a request can carry."""

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from drivers.modbus.spans import Span, coalesce

BLOCKS = st.lists(st.builds(Span, st.integers(0, 400), st.integers(1, 125)), max_size=12)


def test_neighbours_are_read_together_up_to_the_gap() -> None:
    assert coalesce([Span(0, 10), Span(26, 4)], max_gap=16) == [Span(0, 30)]
    assert coalesce([Span(0, 10), Span(27, 4)], max_gap=16) == [Span(0, 10), Span(27, 4)]


def test_a_request_reads_125_registers_at_most() -> None:
    assert coalesce([Span(0, 100), Span(100, 25)], max_gap=0) == [Span(0, 125)]
    assert coalesce([Span(0, 100), Span(100, 26)], max_gap=0) == [Span(0, 100), Span(100, 26)]


def test_twelve_slots_and_their_header_are_one_request() -> None:
    slots = [Span(4 + 10 * n, 10) for n in range(12)]
    assert coalesce([Span(0, 3), *slots], max_gap=16) == [Span(0, 124)]


@given(blocks=BLOCKS, max_gap=st.integers(0, 124))
def test_every_block_lies_wholly_in_a_request_that_can_be_asked(blocks: list[Span], max_gap: int) -> None:
    requests = coalesce(blocks, max_gap)
    assert all(any(request.holds(block) for request in requests) for block in blocks)
    assert all(1 <= request.length <= 125 for request in requests)
    assert len(requests) <= len(set(blocks))


@given(blocks=BLOCKS, max_gap=st.integers(0, 124))
def test_no_request_reads_a_longer_gap_than_allowed(blocks: list[Span], max_gap: int) -> None:
    for request in coalesce(blocks, max_gap):
        used = {n for block in blocks if request.holds(block) for n in range(block.start, block.end)}
        gaps = sorted(used)
        assert all(b - a - 1 <= max_gap for a, b in pairwise(gaps))
