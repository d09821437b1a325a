"""Where a load is after a command that did not end well: the sensors tell, for each operation in its own way, or nobody does."""

from itertools import product

import pytest

from gateway.contract.commands import Command, Op, Place
from gateway.contract.reports import Load, Sensors
from gateway.transport.reconcile import Whereabouts, whereabouts

pytestmark = pytest.mark.unit

SOURCE, TARGET, ELSEWHERE = Place("A-1-L-01", 1101), Place("1-OUT", 1002), 1205
PLACES = (SOURCE.number, TARGET.number, ELSEWHERE, None)


def told(op: Op, sensors: Sensors) -> Whereabouts:
    command = Command(
        job_id=1, device_id="d", channel="main", seq=1, boot_id=1, op=op, source=SOURCE, target=TARGET
    )
    return whereabouts(command, sensors)


@pytest.mark.parametrize(
    ("load", "where"),
    [
        (Load.EMPTY, Whereabouts.SOURCE),
        (Load.LOADED, Whereabouts.ON_BOARD),
        (Load.UNKNOWN, Whereabouts.UNKNOWN),
    ],
)
def test_after_a_pick_the_load_sensor_tells_wherever_the_device_stands(
    load: Load, where: Whereabouts
) -> None:
    assert {told(Op.PICK, Sensors(place=place, load=load)) for place in PLACES} == {where}


@pytest.mark.parametrize("place", PLACES)
def test_after_a_drop_only_an_empty_device_that_stands_at_the_target_has_put_it_there(
    place: int | None,
) -> None:
    assert told(Op.DROP, Sensors(place=place, load=Load.LOADED)) is Whereabouts.ON_BOARD
    assert told(Op.DROP, Sensors(place=place, load=Load.UNKNOWN)) is Whereabouts.UNKNOWN
    put_down = Whereabouts.TARGET if place == TARGET.number else Whereabouts.UNKNOWN
    assert told(Op.DROP, Sensors(place=place, load=Load.EMPTY)) is put_down


@pytest.mark.parametrize(("source", "target"), list(product(Load, Load)))
def test_after_a_transfer_both_ends_must_tell_the_same(source: Load, target: Load) -> None:
    known = {
        (Load.LOADED, Load.EMPTY): Whereabouts.SOURCE,
        (Load.EMPTY, Load.LOADED): Whereabouts.TARGET,
    }
    assert told(Op.TRANSFER, Sensors(source=source, target=target)) is known.get(
        (source, target), Whereabouts.UNKNOWN
    )
