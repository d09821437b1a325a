"""The transition tables, exhaustively: what is not in them cannot happen, and every state can be left or is an end."""

import pytest

from gateway.contract.puts import PutStatus
from gateway.contract.transports import TransportStatus
from gateway.transport.transitions import ENDED, HALTED, PUT, TRANSPORT, PutStep, Step

pytestmark = pytest.mark.unit


def test_ends_are_never_left_and_everything_else_can_be() -> None:
    left = {status for status, _ in TRANSPORT}
    assert left == set(TransportStatus) - ENDED
    assert {status for status, _ in PUT} == {PutStatus.ACCEPTED, PutStatus.LIT}


def test_every_status_and_every_step_is_used() -> None:
    assert set(TRANSPORT.values()) == set(TransportStatus)
    assert {step for _, step in TRANSPORT} == set(Step)
    assert set(PUT.values()) == set(PutStatus) - {PutStatus.ACCEPTED}
    assert {step for _, step in PUT} == set(PutStep)


def test_a_halted_transport_goes_on_before_anything_else_becomes_of_it() -> None:
    """So its alarm is cleared, and what somebody decides ends as it would have ended by itself."""
    for status in HALTED:
        assert {step for start, step in TRANSPORT if start is status} == {Step.RESUME}


def test_an_end_can_be_reached_from_everywhere() -> None:
    reached = set(ENDED)
    while more := {start for (start, _), end in TRANSPORT.items() if end in reached} - reached:
        reached |= more
    assert reached == set(TransportStatus)
