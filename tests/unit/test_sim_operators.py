"""How simulated people work: at which pace, and how often something goes wrong."""

import pytest

from sim_devices import picker
from sim_devices.operators import Habits

pytestmark = pytest.mark.unit


def test_people_at_twice_the_pace_take_half_the_time_for_everything_and_err_as_often() -> None:
    usual, quick = Habits(), Habits().at(2)
    assert (quick.scan_s, quick.pick_s, quick.seal_s, quick.look_s) == tuple(
        seconds / 2 for seconds in (usual.scan_s, usual.pick_s, usual.seal_s, usual.look_s)
    )
    assert quick.at(0.5) == usual
    hands = picker.Habits(short_share=0.1)
    assert hands.at(2) == picker.Habits(hands.fastest / 2, hands.slowest / 2, 0.1)


def test_to_people_who_err_everything_that_can_go_wrong_happens_so_often() -> None:
    erring = Habits(pick_s=2).erring(0.1)
    seconds = {"scan_s", "pick_s", "seal_s", "look_s"}
    shares = {name: getattr(erring, name) for name in Habits.__slots__ if name not in seconds}
    assert set(shares.values()) == {0.1}
    assert (erring.pick_s, erring.scan_s) == (2, Habits().scan_s)
