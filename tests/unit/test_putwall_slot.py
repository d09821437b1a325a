"""One slot of a put wall: lit until somebody ends it, whatever is lost on the way."""

from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drivers.handshake import WRITES_BEFORE_FAULT
from drivers.slots import STEPS, Slot, SlotBlock, SlotStatus, Verdict, Wish
from gateway.contract.puts import Colour, SlotOrder
from gateway.contract.reports import CurtainBroken, PutDarkened, PutEnded, PutForgotten, PutShown, Report
from tests.wall import SHORT, WallSlot, check_of

EPOCH = 7


def order(job_id: int, quantity: int = 3) -> SlotOrder:
    return SlotOrder(
        put_id=f"put-{job_id}",
        job_id=job_id,
        wall="wall-1",
        slot="W1-01",
        quantity=quantity,
        colour=Colour.GREEN,
        blink=False,
    )


class Told:
    """A slot of the gateway on a slot of a wall, and a kernel that takes every report at once."""

    def __init__(self) -> None:
        self.slot = Slot("wall-1", "W1-01", EPOCH)
        self.wall = WallSlot()
        self.reports: list[Report] = []
        self.now = 0.0

    def write(self, block: SlotBlock | None) -> None:
        if block:
            self.wall.order = {name: int(value) for name, value in block.tags().items()}
            self.slot.written(self.now)

    def light(self, job_id: int) -> None:
        self.write(self.slot.light(order(job_id)))

    def poll(self, after: float = 0.3) -> None:
        self.now += after
        self.wall.cycle()
        self.write(self.slot.show(SlotStatus.of(self.wall.status()), self.wall.boot_id, self.now))
        while report := self.slot.due():
            self.reports.append(report)
            self.slot.told(report)

    def forget(self) -> None:
        """The wall loses its memory, and starts again."""
        self.wall = WallSlot(boot_id=self.wall.boot_id + 1, lit_for=self.wall.lit_for)


@pytest.fixture
def fresh() -> Told:
    """A gateway that has just been started, and has read nothing yet."""
    return Told()


@pytest.fixture
def told(fresh: Told) -> Told:
    fresh.poll()
    return fresh


def test_every_wish_has_a_step_for_every_verdict() -> None:
    assert set(STEPS) == set(product(Wish, Verdict))


def test_the_check_of_an_order_is_that_of_the_specification() -> None:
    block = SlotBlock.of(order(2**53 - 1, 9999), 4294967295, 65535)
    assert block.check == check_of({name: int(value) for name, value in block.tags().items()})


@pytest.mark.parametrize(
    ("colour", "number"),
    [(Colour.RED, 1), (Colour.GREEN, 2), (Colour.BLUE, 3), (Colour.YELLOW, 4), (Colour.WHITE, 5)],
)
def test_a_colour_has_the_number_of_the_specification(colour: Colour, number: int) -> None:
    block = SlotBlock.of(order(5).model_copy(update={"colour": colour, "blink": True}), EPOCH, 1)
    assert (block.colour, block.blink) == (number, 1)


def test_nothing_is_written_before_the_slot_was_read(fresh: Told) -> None:
    assert fresh.slot.light(order(5)) is None


def test_a_put_is_lit_and_confirmed(told: Told) -> None:
    told.light(5)
    for _ in range(2):
        told.poll()
        assert told.slot.fault is None
    told.wall.press_confirm()
    told.poll()
    assert told.reports == [
        PutShown(put_id="put-5"),
        PutEnded(put_id="put-5", quantity=3, short=False),
    ]


def test_nothing_is_decided_by_what_was_read_while_an_order_is_being_written(told: Told) -> None:
    dark = SlotStatus.of(told.wall.status())
    assert told.slot.light(order(5))
    assert told.slot.show(dark, told.wall.boot_id, told.now + 1) is None
    told.slot.written(told.now + 1)
    assert told.slot.show(dark, told.wall.boot_id, told.now + 2), "it may have been lost"


def test_a_put_that_has_ended_is_not_lit_again_though_the_wall_forgets_it_before_that_is_told(
    told: Told,
) -> None:
    told.light(5)
    told.poll()
    told.poll()
    told.wall.press_confirm()
    told.wall.cycle()
    shown = SlotStatus.of(told.wall.status())
    told.slot.show(shown, told.wall.boot_id, told.now)
    told.forget()
    forgotten = SlotStatus.of(told.wall.status())
    assert told.slot.show(forgotten, told.wall.boot_id, told.now + 1) is None
    told.poll()
    assert told.reports[-1] == PutEnded(put_id="put-5", quantity=3, short=False)
    assert told.wall.lit_for == [5]


def test_a_put_that_ends_short_says_how_much_was_put(told: Told) -> None:
    told.light(5)
    told.poll()
    told.poll()
    told.wall.press_short()
    told.wall.press_short()
    told.wall.press_confirm()
    told.poll()
    assert told.reports[-1] == PutEnded(put_id="put-5", quantity=1, short=True)


def test_a_put_that_was_ended_while_nobody_looked_is_told_as_shown_and_ended(fresh: Told) -> None:
    fresh.wall.job_id, fresh.wall.state, fresh.wall.quantity = 5, SHORT, 2
    fresh.slot.light(order(5))
    fresh.poll()
    assert fresh.reports == [
        PutShown(put_id="put-5"),
        PutEnded(put_id="put-5", quantity=2, short=True),
    ]


def test_a_withdrawn_put_goes_dark(told: Told) -> None:
    told.light(5)
    told.poll()
    told.poll()
    told.write(told.slot.darken("put-5"))
    told.poll()
    assert told.reports[-1] == PutDarkened(put_id="put-5")


def test_a_button_that_was_pressed_before_the_withdrawal_counts(told: Told) -> None:
    told.light(5)
    told.poll()
    told.poll()
    told.wall.press_confirm()
    told.write(told.slot.darken("put-5"))
    told.poll()
    assert told.reports[-1] == PutEnded(put_id="put-5", quantity=3, short=False)


def test_a_put_that_never_reached_the_wall_is_withdrawn_there_all_the_same(told: Told) -> None:
    told.slot.light(order(5))
    told.slot.written(told.now)
    told.slot.darken("put-5")
    told.poll()
    told.poll()
    assert told.reports == [PutDarkened(put_id="put-5")]
    assert told.wall.lit_for == []


def test_withdrawing_a_put_of_another_slot_changes_nothing(told: Told) -> None:
    told.light(5)
    told.poll()
    assert told.slot.darken("put-6") is None


def test_a_slot_that_lost_its_memory_is_lit_again_once_that_is_told(told: Told) -> None:
    told.light(5)
    told.poll()
    told.poll()
    told.forget()
    told.poll()
    assert told.wall.lit_for == [5], "not before the kernel has it"
    told.poll()
    told.poll()
    assert told.wall.lit_for == [5, 5]
    assert told.reports == [PutShown(put_id="put-5"), PutForgotten(put_id="put-5")]


def test_what_an_earlier_run_may_have_lit_is_in_doubt_at_a_wall_that_remembers_nothing(fresh: Told) -> None:
    fresh.slot.light(order(5))
    fresh.slot.darken("put-5")
    for _ in range(3):
        fresh.poll()
    assert fresh.reports == [PutForgotten(put_id="put-5"), PutDarkened(put_id="put-5")]


def test_an_order_that_arrives_after_the_wall_has_started_again_is_refused(told: Told) -> None:
    block = told.slot.light(order(5))
    assert block
    told.forget()
    told.write(block)
    told.wall.cycle()
    assert (told.wall.lit_for, told.wall.refused) == ([], 5)


def test_the_next_put_may_be_asked_for_while_the_end_of_the_last_is_being_told(told: Told) -> None:
    """As the kernel does: what it has committed of one put has it show the next."""
    told.light(5)
    told.poll()
    told.poll()
    told.wall.press_confirm()
    told.slot.show(SlotStatus.of(told.wall.status()), told.wall.boot_id, told.now)
    ended = told.slot.due()
    assert isinstance(ended, PutEnded)
    told.now += 1
    told.light(6)
    told.slot.told(ended)
    told.poll()
    assert told.reports[-1] == PutShown(put_id="put-6")
    assert told.wall.lit_for == [5, 6]


def test_the_same_put_again_is_not_begun_anew(told: Told) -> None:
    told.light(5)
    told.poll()
    told.poll()
    assert told.slot.light(order(5)) is None
    told.poll()
    assert told.reports == [PutShown(put_id="put-5")]


def test_a_slot_that_takes_no_order_is_a_fault_that_says_why(told: Told) -> None:
    refusing = SlotStatus(job_id=0, state=0, quantity=0, curtain=0, refused=1)
    assert told.slot.light(order(5))
    for _ in range(WRITES_BEFORE_FAULT):
        assert told.slot.fault is None
        told.slot.written(told.now)
        told.now += 0.3
        assert told.slot.show(refusing, told.wall.boot_id, told.now)
    assert told.slot.fault
    assert "W1-01 takes no order: the check does not fit" in told.slot.fault.text


def test_a_slot_with_a_newer_put_is_a_fault(told: Told) -> None:
    told.wall.job_id = 9
    told.light(5)
    told.poll()
    assert told.slot.fault
    assert "newer" in told.slot.fault.text


def test_a_slot_is_at_fault_no_more_once_nothing_is_wanted_of_it_though_it_shows_the_same(told: Told) -> None:
    # given a slot that shows a put which is newer than the one it shall show
    told.wall.job_id = 9
    told.light(5)
    shown = SlotStatus.of(told.wall.status())
    told.slot.show(shown, told.wall.boot_id, told.now)
    assert told.slot.fault
    # when its put is withdrawn, and that is told
    told.slot.darken("put-5")
    withdrawn = told.slot.due()
    assert isinstance(withdrawn, PutDarkened)
    told.slot.told(withdrawn)
    # then nothing is wrong with it any more
    told.slot.show(shown, told.wall.boot_id, told.now)
    assert not told.slot.fault


def test_a_newer_gateway_is_a_fault_and_the_wall_is_left_alone(told: Told) -> None:
    told.wall.epoch = EPOCH + 1
    told.light(5)
    told.poll()
    told.poll()
    assert told.slot.fault
    assert "newer gateway" in told.slot.fault.text
    told.wall.order["jobId"] = 0
    told.poll(after=3)
    assert told.wall.order["jobId"] == 0, "not written again so soon"


def test_hands_in_the_curtain_are_counted_over_the_counter_s_end(fresh: Told) -> None:
    fresh.wall.curtain = 65534
    fresh.poll()
    fresh.wall.reach_in(3)
    fresh.poll()
    assert fresh.reports == [CurtainBroken(device_id="wall-1", slot="W1-01", count=3)]
    assert fresh.wall.curtain == 1


def test_a_curtain_counter_that_began_anew_counts_from_0(fresh: Told) -> None:
    fresh.wall.curtain = 40
    fresh.poll()
    fresh.wall.curtain = 2
    fresh.poll()
    assert fresh.reports == [CurtainBroken(device_id="wall-1", slot="W1-01", count=2)]


def test_a_wall_that_starts_again_with_its_counter_has_seen_no_more_hands(fresh: Told) -> None:
    fresh.wall.curtain = 40
    fresh.poll()
    fresh.wall.boot_id += 1
    fresh.poll()
    assert fresh.reports == []


def test_hands_are_told_until_the_kernel_has_them_whatever_else_it_hears(fresh: Told) -> None:
    fresh.poll()
    fresh.wall.reach_in(2)
    fresh.slot.show(SlotStatus.of(fresh.wall.status()), fresh.wall.boot_id, 1.0)
    broken = fresh.slot.due()
    fresh.slot.told(CurtainBroken(device_id="wall-1", slot="W1-02", count=2))
    assert fresh.slot.due() is broken


def test_hands_that_come_while_others_are_being_told_are_told_after_them(fresh: Told) -> None:
    fresh.poll()
    fresh.wall.reach_in(2)
    fresh.slot.show(SlotStatus.of(fresh.wall.status()), fresh.wall.boot_id, 1.0)
    first = fresh.slot.due()
    assert isinstance(first, CurtainBroken)
    fresh.wall.reach_in(1)
    fresh.slot.show(SlotStatus.of(fresh.wall.status()), fresh.wall.boot_id, 2.0)
    assert fresh.slot.due() is first
    fresh.slot.told(first)
    following = fresh.slot.due()
    assert isinstance(following, CurtainBroken)
    assert (first.count, following.count) == (2, 1)


@pytest.mark.parametrize("counted", [40, 40_000])
def test_a_wall_that_has_lost_its_counter_has_seen_no_more_hands_than_it_shows(
    fresh: Told, counted: int
) -> None:
    """Found by reading: a counter beyond its middle that began anew was taken for one that had gone over its end."""
    fresh.wall.curtain = counted
    fresh.poll()
    fresh.forget()
    fresh.wall.reach_in(2)
    fresh.poll()
    assert fresh.reports == [CurtainBroken(device_id="wall-1", slot="W1-01", count=2)]


class AnyInterleaving(RuleBasedStateMachine):
    """Puts one after the other, a picker, a wire that loses writes, a wall that forgets, a gateway that is
    killed."""

    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.issued = 0
        self.open: SlotOrder | None = None
        self.withdrawn = False
        self.outcomes: dict[str, PutEnded | PutDarkened] = {}
        self.pressed: set[int] = set()

    def hear(self) -> None:
        for report in self.told.reports:
            if isinstance(report, PutEnded | PutDarkened):
                assert report.put_id not in self.outcomes
                assert self.open
                assert report.put_id == self.open.put_id
                self.outcomes[report.put_id] = report
                self.open, self.withdrawn = None, False
        self.told.reports.clear()

    @rule(after=st.sampled_from([0.05, 0.3]))
    def poll(self, after: float) -> None:
        self.told.poll(after)
        self.hear()

    @precondition(lambda self: self.open is None)
    @rule(written=st.booleans())
    def light(self, written: bool) -> None:
        self.issued += 1
        self.open = order(self.issued)
        block = self.told.slot.light(self.open)
        if written:
            self.told.write(block)
        elif block:
            self.told.slot.written(self.told.now)

    @precondition(lambda self: self.open is not None)
    @rule(written=st.booleans())
    def withdraw(self, written: bool) -> None:
        assert self.open
        self.withdrawn = True
        block = self.told.slot.darken(self.open.put_id)
        if written:
            self.told.write(block)
        elif block:
            self.told.slot.written(self.told.now)

    @rule(short=st.booleans())
    def picker_presses(self, short: bool) -> None:
        if short:
            self.told.wall.press_short()
        elif self.told.wall.state == 1:
            self.pressed.add(self.told.wall.job_id)
            self.told.wall.press_confirm()

    @rule()
    def wall_cycles(self) -> None:
        self.told.wall.cycle()

    @rule()
    def wall_forgets(self) -> None:
        self.told.forget()

    @rule()
    def gateway_is_killed_and_started(self) -> None:
        self.told.slot = Slot("wall-1", "W1-01", EPOCH + self.issued)
        if self.open:
            self.told.slot.light(self.open)
            if self.withdrawn:
                self.told.slot.darken(self.open.put_id)

    @invariant()
    def outcomes_are_true(self) -> None:
        ended = {int(put_id[4:]) for put_id, end in self.outcomes.items() if isinstance(end, PutEnded)}
        assert ended <= self.pressed

    def teardown(self) -> None:
        """Once faults stop, the slot shows what is open, or what is open was withdrawn and ends."""
        for _ in range(6):
            self.poll(0.3)
        assert not self.withdrawn
        if self.open:
            assert (self.told.wall.job_id, self.told.wall.state) == (self.open.job_id, 1)


AnyInterleaving.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAnyInterleaving = AnyInterleaving.TestCase
