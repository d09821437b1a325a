"""Which run of the gateway commands a vehicle: what is said, what is heard, and when the way is open."""

import json
from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.vda5050.mandate import LISTEN_S, OUTRANKED, REPEAT_S, UNHEARD, Fence, Mandate

pytestmark = pytest.mark.unit

OWN = Mandate(epoch=7, run="hall-7-bb")
NEWER = Mandate(epoch=8, run="hall-8-aa")
OLDER = Mandate(epoch=6, run="hall-6-cc")


def payload(mandate: Mandate) -> bytes:
    return mandate.model_dump_json().encode()


@pytest.fixture
def fence() -> Fence:
    fence = Fence(OWN)
    fence.connected(0.0)
    return fence


def said(fence: Fence, now: float) -> Mandate | None:
    words = fence.say(now)
    return None if words is None else Mandate.model_validate_json(words)


def test_the_way_opens_when_the_broker_passes_on_our_own_mandate(fence: Fence) -> None:
    assert said(fence, 0.0) is None
    assert not fence.open
    assert said(fence, LISTEN_S) == OWN
    assert not fence.open
    fence.take(payload(OWN), 0.2)
    assert fence.open
    assert fence.reason == ""


def test_what_an_earlier_run_has_left_is_answered_at_once(fence: Fence) -> None:
    fence.take(payload(OLDER), 0.01)
    assert said(fence, 0.01) == OWN


def test_a_higher_mandate_closes_the_way_and_is_not_talked_over(fence: Fence) -> None:
    fence.take(payload(NEWER), 0.01)
    assert (fence.open, fence.reason, fence.holder) == (False, OUTRANKED, NEWER)
    assert said(fence, 60.0) is None
    assert fence.next_due() == float("inf")


def test_a_newer_gateway_that_comes_later_closes_the_open_way(fence: Fence) -> None:
    fence.take(payload(OWN), 0.2)
    fence.take(payload(NEWER), 5.0)
    assert (fence.open, fence.reason) == (False, OUTRANKED)


def test_of_two_runs_with_the_same_epoch_the_one_with_the_greater_name_commands(fence: Fence) -> None:
    other = Fence(twin := Mandate(epoch=OWN.epoch, run="hall-7-cc"))
    other.connected(0.0)
    for each in (fence, other):
        each.take(payload(OWN), 0.2)
        each.take(payload(twin), 0.2)
    assert (fence.open, other.open) == (False, True)


def test_whoever_hears_a_lower_mandate_says_the_highest_again_but_not_faster_than_once_a_second(
    fence: Fence,
) -> None:
    said(fence, LISTEN_S)
    fence.take(payload(OWN), 0.2)
    moments = [0.2 + tick / 10 for tick in range(50)]
    answers = 0
    for now in moments:
        fence.take(payload(OLDER), now)
        if said(fence, now) == OWN:
            answers += 1
            fence.take(payload(OWN), now)
        assert fence.open
    assert 4 <= answers <= 6


def test_an_older_gateway_keeps_the_mandate_of_a_newer_one_for_a_broker_that_has_lost_it(
    fence: Fence,
) -> None:
    fence.take(payload(NEWER), 0.2)
    fence.connected(10.0)
    assert not fence.open
    assert said(fence, 10.0 + LISTEN_S) == NEWER


def test_whoever_commands_says_so_again_from_time_to_time(fence: Fence) -> None:
    fence.take(payload(OWN), 0.2)
    assert said(fence, 0.2 + REPEAT_S - 0.1) is None
    assert said(fence, 0.2 + REPEAT_S) == OWN


def test_a_new_connection_is_closed_until_the_broker_has_spoken(fence: Fence) -> None:
    fence.take(payload(OWN), 0.2)
    fence.connected(5.0)
    assert not fence.open


def test_a_broker_that_passes_nothing_on_is_told_and_spoken_to_ever_more_rarely(fence: Fence) -> None:
    moments = [tick / 10 for tick in range(3000) if said(fence, tick / 10) is not None]
    pauses = [round(after - before) for before, after in pairwise(moments)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 30]
    assert set(pauses[6:]) == {30}
    assert fence.reason == UNHEARD
    fence.take(payload(OWN), 300.0)
    assert (fence.open, fence.reason) == (True, "")


def test_a_broker_that_passes_nothing_on_for_days_is_spoken_to_all_the_same(fence: Fence) -> None:
    now = 0.0
    while now < 200_000:
        now = fence.next_due()
        assert said(fence, now) == OWN


def test_a_person_who_deletes_the_retained_message_lets_the_runs_that_live_settle_it(fence: Fence) -> None:
    future = Mandate(epoch=2**32 - 1, run="hall-with-a-wrong-clock")
    fence.take(payload(future), 0.2)
    assert not fence.open
    fence.take(b"", 9.0)
    assert said(fence, 9.0) == OWN
    fence.take(payload(OWN), 9.0)
    assert fence.open


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff",
        b"[]",
        b"{}",
        b'{"epoch": -1, "run": "x"}',
        b'{"epoch": 4294967296, "run": "x"}',
        json.dumps({"epoch": 9, "run": "x" * 1000}).encode(),
    ],
    ids=["no text", "no object", "empty", "negative", "too great", "too long"],
)
def test_what_cannot_be_read_outranks_nobody_and_is_talked_over(fence: Fence, garbage: bytes) -> None:
    fence.take(payload(OWN), 0.2)
    fence.take(garbage, 3.0)
    assert fence.open
    assert said(fence, 3.0) == OWN


class Broker:
    """One retained message, and what is under way to each gateway: messages may be lost, connections and memory too."""

    def __init__(self, fences: list[Fence]) -> None:
        self.fences = fences
        self.retained: bytes | None = None
        self.queues = [deque[bytes]() for _ in fences]
        self.now = 0.0
        for index in range(len(fences)):
            self.connect(index)

    def connect(self, index: int) -> None:
        self.queues[index].clear()
        if self.retained is not None:
            self.queues[index].append(self.retained)
        self.fences[index].connected(self.now)

    def forget(self) -> None:
        self.retained = None
        for index in range(len(self.fences)):
            self.connect(index)

    def speak(self, index: int) -> None:
        words = self.fences[index].say(self.now)
        if words is not None:
            self.retained = words
            for queue in self.queues:
                queue.append(words)

    def deliver(self, index: int) -> None:
        if self.queues[index]:
            self.fences[index].take(self.queues[index].popleft(), self.now)

    def lose(self, index: int) -> None:
        if self.queues[index]:
            self.queues[index].popleft()

    def calm_down(self) -> None:
        """Let a minute go by in which nothing is lost."""
        for _ in range(600):
            self.now += 0.1
            for index in range(len(self.fences)):
                self.speak(index)
            for index, queue in enumerate(self.queues):
                while queue:
                    self.deliver(index)


@given(
    epochs=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["connect", "speak", "deliver", "lose", "wait", "forget"]), st.integers(0, 3)
        ),
        max_size=60,
    ),
)
def test_whatever_is_lost_in_the_end_exactly_the_highest_run_commands(
    epochs: list[int], steps: list[tuple[str, int]]
) -> None:
    fences = [Fence(Mandate(epoch=epoch, run=f"run-{index}")) for index, epoch in enumerate(epochs)]
    broker = Broker(fences)
    for what, number in steps:
        match what:
            case "wait":
                broker.now += number
            case "forget":
                broker.forget()
            case _:
                getattr(broker, what)(number % len(fences))
    broker.calm_down()
    highest = max(range(len(epochs)), key=lambda index: (epochs[index], f"run-{index}"))
    assert [index for index, fence in enumerate(fences) if fence.open] == [highest]
    assert all(fence.reason == OUTRANKED for index, fence in enumerate(fences) if index != highest)
    assert broker.retained == payload(Mandate(epoch=epochs[highest], run=f"run-{highest}"))
