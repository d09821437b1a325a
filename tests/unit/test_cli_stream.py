"""The stream of events, cut into messages; and an event as a line for people."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.events import HeardEvent, Message, MessageParser, line_of

pytestmark = pytest.mark.unit


def stream_of(messages: list[Message], newline: bytes) -> bytes:
    wire = b": the feed\n\n:\n\n"
    for seq, event in messages:
        data = "" if event is None else f"event: any\ndata: {event}\n"
        wire += f"id: {seq}\n{data}\n: still here\n\n".encode()
    return wire.replace(b"\n", newline)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1)
events = st.one_of(st.none(), texts.map(lambda text: json.dumps({"text": text}, ensure_ascii=False)))


@given(
    st.lists(st.tuples(st.integers(1, 2**53), events), max_size=5),
    st.sampled_from([b"\n", b"\r\n"]),
    st.integers(1, 40),
)
def test_messages_come_out_whole_however_the_stream_is_cut(
    messages: list[Message], newline: bytes, size: int
) -> None:
    wire = stream_of(messages, newline)
    parser = MessageParser()
    heard = [
        message for start in range(0, len(wire), size) for message in parser.feed(wire[start : start + size])
    ]
    assert heard == messages


def test_a_message_that_broke_off_is_not_heard() -> None:
    wire = stream_of([(1, '{"seq": 1}'), (2, '{"seq": 2}')], b"\n")
    whole = wire.index(b"id: 2")
    for cut in range(whole, wire.index(b'{"seq": 2}') + len(b'{"seq": 2}') + 1):
        assert list(MessageParser().feed(wire[:cut])) == [(1, '{"seq": 1}')]


def test_an_event_reads_as_number_time_type_subject_and_data() -> None:
    event = HeardEvent(
        seq=42,
        type="transport.completed",
        subject="T-1",
        time=datetime(2026, 11, 22, 8, 30, 0, 123_000, tzinfo=UTC),
        data={"transportId": "T-1", "locationId": "S1-1", "legs": [1], "nothing": None},
    )
    line = line_of(event)
    number, _, clock, kind, *told = line.plain.split()
    assert (number, kind) == ("42", "transport.completed")
    assert clock.endswith(":00.123")
    assert told == ["T-1", "locationId=S1-1", "legs=[1]"]
    assert any("green" in str(span.style) for span in line.spans)


@pytest.mark.parametrize(("source", "told"), [("A-1", "A-1→OUT-1→S1-1"), (None, "on board→OUT-1→S1-1")])
def test_a_way_reads_as_its_places(source: str | None, told: str) -> None:
    legs = [
        {"source": source, "target": "OUT-1", "carrierId": "lift", "expectedSeconds": 4.2},
        {"source": "OUT-1", "target": "S1-1", "carrierId": "agvs", "expectedSeconds": 20.5},
    ]
    event = HeardEvent(
        seq=7,
        type="transport.planned",
        subject="T-1",
        time=datetime(2026, 11, 22, tzinfo=UTC),
        data={"legs": legs},
    )
    assert line_of(event).plain.endswith(f"legs={told}")


def test_a_type_that_is_newer_than_this_program_is_shown_too() -> None:
    text = '{"seq": 1, "type": "robot.danced", "subject": "r", "time": "2026-11-22T08:30:00Z", "data": {}, "new": 1}'
    assert "robot.danced" in line_of(HeardEvent.model_validate_json(text)).plain
