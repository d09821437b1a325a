"""How a program ends that cannot go on: whatever an operator can mend is told in a sentence."""

import pytest

from gateway.cli.ending import run_to_the_end
from gateway.cli.failure import Failure
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.kernel.ports import StoreFull

pytestmark = pytest.mark.unit


async def fails(error: Exception) -> None:
    raise ExceptionGroup("tasks", [ExceptionGroup("tasks", [error])])


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(StoreFull("database or disk is full"), id="before the kernel runs"),
        pytest.param(
            Refusal(RefusalKind.OUT_OF_SPACE, FieldError("", "storageFull", "database or disk is full")),
            id="by the kernel",
        ),
    ],
)
def test_a_start_without_room_on_the_disk_is_told_in_a_sentence(error: Exception) -> None:
    with pytest.raises(Failure, match="there is no room for the data: database or disk is full"):
        run_to_the_end(fails(error))


def test_a_refusal_that_no_operator_can_mend_is_a_fault_of_ours() -> None:
    with pytest.raises(ExceptionGroup):
        run_to_the_end(fails(Refusal(RefusalKind.INVALID, FieldError("", "odd", "odd"))))
