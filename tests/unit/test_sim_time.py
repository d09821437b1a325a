"""Simulated time and faults that begin and end by themselves, on a loop whose time is virtual."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sim_devices.clock import SimClock, seeded
from sim_devices.faults.book import FAULTS_HELD, FaultBook, FaultStatus, NotPossible, Troubles
from sim_devices.faults.file import FaultFile, RandomFaults, misfits, play, read_fault_file
from sim_devices.faults.kinds import After, BatteryLow, Jam, LinkDrop, NoRead, Point, Reboot
from sim_devices.runner import Runner
from tests.virtual_loop import loop_time, run


def test_motion_runs_as_many_times_as_fast_as_the_loop() -> None:
    async def scenario() -> None:
        clock = SimClock(speed=50)
        began = clock.now()
        await clock.sleep(100.0)
        assert loop_time() == pytest.approx(2.0)
        assert clock.now() - began == pytest.approx(100.0)

    run(scenario)


def test_who_sleeps_while_the_speed_changes_wakes_at_the_right_moment_of_the_new_speed() -> None:
    async def scenario() -> None:
        clock = SimClock(speed=1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(clock.sleep(10.0))
            await asyncio.sleep(4.0)
            clock.set_speed(6)
            assert clock.now() == pytest.approx(4.0)
        assert loop_time() == pytest.approx(5.0)

    run(scenario)


def test_a_wait_ends_with_the_event_or_with_the_time_whichever_comes_first() -> None:
    async def scenario() -> None:
        clock, event = SimClock(speed=2), asyncio.Event()
        await clock.wait(event, until=clock.now() + 4.0)
        assert loop_time() == pytest.approx(2.0)
        event.clear()
        asyncio.get_running_loop().call_later(1.0, event.set)
        await clock.wait(event, until=clock.now() + 100.0)
        assert loop_time() == pytest.approx(3.0)

    run(scenario)


@pytest.mark.parametrize("speed", [0.0, -1.0, 20_000.0, float("nan")], ids=str)
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        SimClock(speed)


def test_chance_is_the_same_for_the_same_seed_and_part_whatever_others_draw() -> None:
    assert seeded(7, "a").random() == seeded(7, "a").random()
    assert seeded(7, "a").random() != seeded(7, "b").random()


def test_a_runner_sleeps_until_the_device_is_due_or_something_happens() -> None:
    class Device:
        def __init__(self) -> None:
            self.steps: list[float] = []

        def step(self, now: float) -> float | None:
            self.steps.append(now)
            return now + 10.0 if len(self.steps) < 3 else None

    async def scenario() -> None:
        device, clock = Device(), SimClock(speed=10)
        runner = Runner(device, clock, lambda: None)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runner.run())
            await asyncio.sleep(60.0)
            runner.nudge()
            await asyncio.sleep(1.0)
            running.cancel()
        assert device.steps == pytest.approx([0.0, 10.0, 20.0, 600.0])

    run(scenario)


def book_of(*kinds: type[Any]) -> tuple[FaultBook, Troubles]:
    book = FaultBook()
    return book, book.register("device", kinds)


def test_a_fault_begins_and_ends_by_itself_and_tells_both() -> None:
    async def scenario() -> None:
        book, troubles = book_of(Jam)
        told: list[tuple[float, bool]] = []
        troubles.watch(lambda: told.append((loop_time(), troubles.find(Jam) is not None)))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(book.run())
            assert book.add(Jam(device="device", delay_s=2.0, duration_s=3.0)).status is FaultStatus.WAITING
            await asyncio.sleep(10.0)
            running.cancel()
        assert told == [(2.0, True), (5.0, False)]
        assert book.views() == ()

    run(scenario)


def test_a_fault_waits_for_its_point_then_for_its_delay() -> None:
    async def scenario() -> None:
        book, troubles = book_of(Jam)
        after = After(point=Point.TAKEN, times=2)
        book.add(Jam(device="device", after=after))
        book.add(Jam(device="device", after=after, delay_s=1.0))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(book.run())
            for point in (Point.TAKEN, Point.DONE):
                troubles.reached(point)
                assert troubles.all(Jam) == ()
            troubles.reached(Point.TAKEN)
            assert len(troubles.all(Jam)) == 1
            await asyncio.sleep(1.5)
            assert len(troubles.all(Jam)) == 2
            running.cancel()

    run(scenario)


def test_a_counted_fault_is_over_when_it_is_used_up() -> None:
    book, troubles = book_of(NoRead)
    book.add(NoRead(device="device", count=2))
    assert [troubles.spend(NoRead) is not None for _ in range(3)] == [True, True, False]
    assert book.views() == ()


def test_what_cannot_happen_to_a_device_is_refused_with_what_can() -> None:
    book, _ = book_of(Jam, Reboot)
    with pytest.raises(NotPossible, match="batteryLow cannot happen to device; what can: jam, reboot"):
        book.add(BatteryLow(device="device"))
    with pytest.raises(NotPossible, match="no simulated device other; there are device"):
        book.add(Jam(device="other"))


def test_a_fault_of_the_wire_happens_to_the_link_and_waits_for_the_point_of_the_device() -> None:
    book, troubles = book_of(Jam)
    link = book.register_link("plc", ["device"], {LinkDrop})
    book.add(LinkDrop(device="device", duration_s=None, after=After(point=Point.MOVED)))
    assert link.find(LinkDrop) is None
    troubles.reached(Point.MOVED)
    assert link.find(LinkDrop) is not None
    assert troubles.find(LinkDrop) is None


def test_a_fault_file_is_played_the_same_way_for_the_same_seed() -> None:
    def faults_of(seed: int) -> list[tuple[float, str]]:
        struck: list[tuple[float, str]] = []

        async def scenario() -> None:
            book, troubles = book_of(Jam, Reboot)
            troubles.watch(lambda: struck.append((loop_time(), str(book.views()))))
            menu = (Jam(device="device", duration_s=1.0), Reboot(device="device"))
            file = FaultFile(random=RandomFaults(mean_interval_s=5.0, menu=menu))
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(book.run()),
                    tasks.create_task(play(file, book, seeded(seed, "faults"))),
                ]
                await asyncio.sleep(100.0)
                for task in running:
                    task.cancel()

        run(scenario)
        return struck

    assert faults_of(1) == faults_of(1)
    assert faults_of(1) != faults_of(2)
    assert len(faults_of(1)) > 10


def test_a_random_fault_is_left_out_while_no_more_can_be_held() -> None:
    async def scenario() -> None:
        book, _ = book_of(NoRead)
        file = FaultFile(
            random=RandomFaults(mean_interval_s=1.0, menu=(NoRead(device="device"),)),
        )
        async with asyncio.TaskGroup() as tasks:
            playing = tasks.create_task(play(file, book, seeded(1, "faults")))
            await asyncio.sleep(2.0 * FAULTS_HELD)
            assert len(book.views()) == FAULTS_HELD
            book.clear()
            await asyncio.sleep(10.0)
            assert 0 < len(book.views()) < FAULTS_HELD
            playing.cancel()

    run(scenario)


def test_what_a_fault_file_asks_for_and_cannot_happen_is_named_with_its_place() -> None:
    book, _ = book_of(Jam)
    menu = (Jam(device="device"), Jam(device="other"))
    file = FaultFile(
        faults=(Jam(device="device"), Reboot(device="device")),
        random=RandomFaults(mean_interval_s=1.0, menu=menu),
    )
    assert list(misfits(file, book)) == [
        "faults[1]: reboot cannot happen to device; what can: jam",
        "random.menu[1]: there is no simulated device other; there are device",
    ]


def test_a_fault_file_is_read_and_its_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(
        "seed: 7\n"
        "faults:\n"
        "  - {kind: reboot, device: shuttle-2, memoryLost: true, after: {point: moved, times: 3}}\n"
        "random: {meanIntervalS: 20, menu: [{kind: jam, device: conveyor-out, durationS: 5}]}\n"
    )
    file = read_fault_file(path)
    assert file.seed == 7
    assert file.faults == (
        Reboot(device="shuttle-2", memory_lost=True, after=After(point=Point.MOVED, times=3)),
    )
    path.write_text("faults:\n- {kind: jam, device: d, duration: 5}\n- {kind: flood, device: d}\nsede: 1\n")
    with pytest.raises(ValueError, match="there is no such field") as refused:
        read_fault_file(path)
    duration, kind, sede = str(refused.value).splitlines()
    assert duration == f"{path}:2: faults[0].duration: there is no such field"
    assert kind.startswith(f"{path}:3: faults[1].kind: must be one of 'reboot', ")
    assert sede == f"{path}:4: sede: there is no such field"
    path.write_text("faults: [")
    with pytest.raises(ValueError, match="cannot be read as YAML"):
        read_fault_file(path)
