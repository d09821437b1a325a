"""The wall clock is set forwards or back by an hour, by people or NTP: whatever is a duration, or an order, does not notice."""

import asyncio

import pytest

from gateway.contract.reports import CommandRejected
from gateway.contract.vehicles import ActionStatus
from gateway.kernel.books import Books
from gateway.kernel.clock import SteadyClock
from gateway.kernel.kernel import Kernel
from gateway.kernel.ports import Tx
from gateway.store.inline import open_inline
from tests.unit.api_rig import SteppingClock
from tests.unit.fleet_desk import Desk, at_goal, pick_id, released, small_site
from tests.unit.floor import Floor, shuttle_site
from tests.unit.test_delivery_upstream import Answer, Receiver, delivery_of, states, two_messages
from tests.unit.wes_rig import core

pytestmark = pytest.mark.unit

HOUR_US = 3_600_000_000
BACK_AND_FORTH = pytest.mark.parametrize("jump_us", [-HOUR_US, HOUR_US], ids=["back", "forth"])


async def nobody_else(tx: Tx) -> None:
    return


@BACK_AND_FORTH
async def test_steady_time_goes_as_the_event_loop_does(jump_us: int) -> None:
    wall = SteppingClock()
    steady = SteadyClock(wall)
    before = steady.now_us()
    wall.at_us += jump_us
    await asyncio.sleep(0.001)
    assert 1_000 <= steady.now_us() - before < 60_000_000


@BACK_AND_FORTH
async def test_the_books_have_both_times(jump_us: int) -> None:
    wall, books = SteppingClock(), Books()
    async with open_inline() as store:
        kernel = Kernel(
            store=store,
            books=books,
            rooms=[],
            clock=wall,
            guard=nobody_else,
            publish=lambda _: None,
            perform=lambda _: None,
        )
        assert abs(books.steady_us - books.now_us) < 1_000_000, "loaded rows count from the start of the run"
        wall.at_us += jump_us
        running = asyncio.ensure_future(kernel.run())
        await asyncio.wait([asyncio.ensure_future(kernel.ask(object()))])
        running.cancel()
        assert books.now_us - books.steady_us == pytest.approx(jump_us, abs=60_000_000)


def rejected(floor: Floor) -> None:
    floor.submit("M1", "T1", "1-OUT")
    floor.tell(CommandRejected(job_id=floor.commands.pop().job_id, text="busy", retry=True))
    assert floor.commands == []


@BACK_AND_FORTH
def test_the_pause_after_a_rejection_stays_as_long_as_it_was(jump_us: int) -> None:
    floor = Floor()
    rejected(floor)
    floor.books.now_us += jump_us
    floor.wait(0.5)
    assert floor.commands == []
    floor.wait(1.0)
    assert len(floor.commands) == 1


def test_a_pause_of_a_run_whose_clock_was_ahead_is_over() -> None:
    floor = Floor()
    rejected(floor)
    floor.books.steady_us -= HOUR_US
    floor.wait(1.0)
    assert len(floor.commands) == 1


@BACK_AND_FORTH
def test_no_command_is_overdue_before_its_time(jump_us: int) -> None:
    floor = Floor()
    floor.submit("M1", "T1", "1-OUT")
    floor.books.now_us += jump_us
    floor.wait(1.0)
    assert floor.status("M1") == "executing"
    floor.wait(600)
    assert floor.status("M1") == "unknown"


@pytest.mark.parametrize("steady", [True, False], ids=["in one run", "before another run"])
def test_nobody_is_overtaken_by_those_who_come_after_the_clock_was_set_back(steady: bool) -> None:
    floor = Floor(shuttle_site(stock=[{"container": f"T{n}", "location": f"A-1-L-0{n}"} for n in (1, 2, 3)]))
    floor.submit("found-it-idle", "T1", "A-1-R-01")
    floor.submit("first", "T2", "A-1-R-02")
    floor.books.now_us -= HOUR_US
    floor.books.steady_us -= 0 if steady else HOUR_US
    floor.submit("second", "T3", "A-1-R-03")
    waiting = [each.transport_id for each in floor.engine.queues.of("shuttle-1", "main")]
    assert waiting == ["first", "second"]


def test_a_vehicle_goes_home_although_its_order_ended_in_a_run_whose_clock_was_ahead() -> None:
    desk = Desk(small_site())
    at_goal(desk)
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),))
    desk.books.steady_us -= HOUR_US
    desk.pass_time(1.0)
    assert released(desk.order()) == "a0 p12"


@BACK_AND_FORTH
async def test_a_message_to_upstream_waits_no_longer_than_its_pause(jump_us: int) -> None:
    async with core() as opened:
        receiver = Receiver([Answer(400), Answer(200)])
        steady = SteppingClock(opened.clock.at_us)
        delivery = delivery_of(opened, receiver)
        delivery._steady = steady
        opened.clock.at_us += jump_us
        await two_messages(opened)
        await delivery.step()
        assert await states(opened) == [("pending", 1), ("pending", 0)], "a new message goes out at once"
        steady.at_us += 5_000_000
        await delivery.step()
        assert await states(opened) == [("delivered", 2), ("pending", 0)]
