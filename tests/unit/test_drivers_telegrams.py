"""What a driver keeps for people who look for a fault on the wire."""

from drivers.telegrams import TELEGRAMS_KEPT, TEXT_MAX, Diagnosis, ErrorKind


class Clock:
    """A second passes with every look."""

    def __init__(self) -> None:
        self.now = 0

    def now_us(self) -> int:
        self.now += 1_000_000
        return self.now


def diagnosis() -> Diagnosis:
    return Diagnosis(Clock())


def test_the_last_telegrams_are_kept_oldest_first_and_no_more_than_the_ring_holds() -> None:
    wire = diagnosis()
    for number in range(TELEGRAMS_KEPT + 5):
        wire.sent(str(number))
    texts = [telegram.text for telegram in wire.telegrams()]
    assert texts == [str(number) for number in range(5, TELEGRAMS_KEPT + 5)]
    assert TELEGRAMS_KEPT >= 200


def test_a_long_message_is_cut() -> None:
    wire = diagnosis()
    wire.heard("x" * 3 * TEXT_MAX)
    assert len(wire.telegrams()[0].text) == TEXT_MAX


def test_a_reading_is_kept_only_when_more_than_its_life_counter_has_changed() -> None:
    wire = diagnosis()
    for life, load in ((1, 0), (2, 0), (3, 1)):
        wire.shown("status", {"life": life, "load": load}, f"{life} {load}")
    assert [telegram.text for telegram in wire.telegrams()] == ["1 0", "3 1"]


def test_errors_are_counted_by_kind_and_kept_once_while_they_repeat_themselves() -> None:
    wire = diagnosis()
    for _ in range(3):
        wire.failed(ErrorKind.TIMEOUT, "no answer for 1 s")
    wire.failed(ErrorKind.REFUSED, "exception code 2")
    assert wire.health().errors == {"timeout": 3, "refused": 1}
    assert [telegram.note for telegram in wire.telegrams()] == ["timeout", "refused"]


def test_the_latency_is_a_moving_average_in_milliseconds() -> None:
    wire = diagnosis()
    assert wire.health().latency_ms is None
    assert wire.health().last_heard_us is None
    wire.answered(0.010)
    wire.answered(0.020)
    latency_ms = wire.health().latency_ms
    assert latency_ms is not None
    assert 10 < latency_ms < 12
    assert wire.health().last_heard_us == 2_000_000
