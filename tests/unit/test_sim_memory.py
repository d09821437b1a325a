"""Simulated devices without sockets, on virtual time: the same faults happen to requests as happen to bytes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from gateway.contract.wiring import ModbusLink
from sim_devices.clock import SimClock
from sim_devices.faces.memory import MemoryLine, NodeLine, RegisterLine
from sim_devices.faces.nodes import NodeSpace
from sim_devices.faces.registers import RegisterSpace
from sim_devices.faces.wire import Wire
from sim_devices.faults.book import FaultBook
from sim_devices.faults.kinds import BlackHole, LinkDrop, LostReply, Reboot, SlowAnswers
from sim_devices.mailbox import Done
from sim_devices.site import SimulatedSite
from tests.unit.sim_plant import fields
from tests.virtual_loop import loop_time, run
from tests.wire.sim_site import modbus_site, opcua_site, pick

NOWHERE = 1
"""A port that nobody opens."""
CONVEYOR_LIFE = 33
WALL_LIFE = 1001
WALL_ORDER = 1200
ORDER = [0, 1, 0, 0, 0, 5, 2, 0, 3, 0]
"""Its check does not fit: refused, but it stands there."""


@asynccontextmanager
async def shuttle(profile_id: str = "opcua-mailbox") -> AsyncGenerator[tuple[SimulatedSite, NodeLine]]:
    simulated = SimulatedSite(opcua_site(profile_id, port=NOWHERE), SimClock(), seed=1)
    link = simulated.links["plc"]
    assert isinstance(link.space, NodeSpace)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(simulated.run_in_memory())
        await asyncio.sleep(0.01)
        yield simulated, NodeLine(link.space, link.wire)
        running.cancel()


def command(simulated: SimulatedSite, seq: int) -> dict[str, int | str]:
    return {f"S1.Cmd.{name}": value for name, value in fields(pick(simulated, seq)).items()}


async def status(line: NodeLine, name: str) -> int | str:
    return (await line.read([f"S1.Status.{name}"]))[0]


def test_a_command_is_judged_before_its_write_returns_and_done_when_the_motion_says() -> None:
    async def scenario() -> None:
        async with shuttle() as (simulated, line):
            woken: list[float] = []
            await line.watch(["S1.Status.doneSeq"], lambda: woken.append(loop_time()))
            began = loop_time()
            await line.write(command(simulated, seq=1))
            assert await status(line, "ackSeq") == 1
            await asyncio.sleep(3.0)
            assert woken == [pytest.approx(began + 2.0)]
            assert (await status(line, "doneCode"), simulated.world.moves("100")) == (Done.DONE, 1)

    run(scenario)


def test_the_method_answers_and_unknown_nodes_are_not_there() -> None:
    async def scenario() -> None:
        async with shuttle("opcua-method") as (simulated, line):
            assert await line.call("S1.Execute", list(fields(pick(simulated, seq=1)).values())) == [1]
            with pytest.raises(LookupError):
                await line.read(["S1.Status.nothing"])

    run(scenario)


def test_a_lost_reply_breaks_the_connection_after_the_command() -> None:
    async def scenario() -> None:
        async with shuttle() as (simulated, line):
            simulated.faults.add(LostReply(device="shuttle"))
            with pytest.raises(ConnectionError):
                await line.write(command(simulated, seq=1))
            assert await status(line, "ackSeq") == 1

    run(scenario)


def test_what_a_black_hole_holds_is_executed_when_it_is_over_though_nobody_waits() -> None:
    async def scenario() -> None:
        async with shuttle() as (simulated, line):
            simulated.faults.add(BlackHole(device="shuttle", duration_s=5.0))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await line.write(command(simulated, seq=1))
            assert simulated.world.moves("100") == 0
            assert await status(line, "ackSeq") == 1
            assert loop_time() == pytest.approx(5.0, abs=0.1)

    run(scenario)


def test_a_dropped_link_and_a_device_without_power_refuse_connections() -> None:
    async def scenario() -> None:
        async with shuttle() as (simulated, line):
            for fault in (
                LinkDrop(device="shuttle", duration_s=1.0),
                Reboot(device="shuttle", duration_s=1.0),
            ):
                simulated.faults.add(fault)
                await asyncio.sleep(0.01)
                with pytest.raises(ConnectionError):
                    await line.connect()
                await asyncio.sleep(1.0)
                await line.connect()

    run(scenario)


def test_a_drop_in_a_black_hole_loses_what_it_holds() -> None:
    async def scenario() -> None:
        async with shuttle() as (simulated, line):
            hole = simulated.faults.add(BlackHole(device="shuttle"))
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(refused(simulated, line))
                await asyncio.sleep(0.01)
                simulated.faults.add(LinkDrop(device="shuttle"))
                await writing
            simulated.faults.remove(hole.fault_id)
            await asyncio.sleep(5.0)
            assert simulated.world.moves("100") == 0

    async def refused(simulated: SimulatedSite, line: NodeLine) -> None:
        with pytest.raises(ConnectionError):
            await line.write(command(simulated, seq=1))

    run(scenario)


def test_a_drop_loses_an_answer_that_is_slow_on_its_way() -> None:
    async def scenario() -> None:
        async with shuttle() as (simulated, line):
            simulated.faults.add(SlowAnswers(device="shuttle", answer_s=1.0))
            answer = line.write(command(simulated, seq=1))
            simulated.faults.add(LinkDrop(device="shuttle", duration_s=0.1))
            with pytest.raises(ConnectionError):
                await answer
            await asyncio.sleep(3.0)
            assert simulated.world.moves("100") == 1, "it was executed all the same"

    run(scenario)


def test_held_requests_are_executed_one_after_the_other() -> None:
    async def scenario() -> None:
        book, log = FaultBook(), list[str]()
        book.register("device", ())
        wire = Wire(book.register_link("plc", ["device"], {BlackHole}), powered=lambda: True)
        line = MemoryLine(wire)

        def request(name: str) -> None:
            log.append(f"{name} begins")
            wire.check()
            log.append(f"{name} ends")

        hole = book.add(BlackHole(device="device"))
        asked = [line.ask(partial(request, name)) for name in ("first", "second")]
        book.remove(hole.fault_id)
        await asyncio.gather(*asked)
        assert log == ["first begins", "first ends", "second begins", "second ends"]

    run(scenario)


def test_a_device_that_starts_without_its_memory_has_cleared_its_command_block() -> None:
    async def scenario() -> None:
        async with shuttle() as (simulated, line):
            await line.write(command(simulated, seq=1))
            await asyncio.sleep(3.0)
            simulated.faults.add(Reboot(device="shuttle", memory_lost=True))
            await asyncio.sleep(1.1)
            assert await line.read(list(command(simulated, seq=1))) == [0, 0, 0, 0, 0, 0, "", 0, 0]
            assert (await status(line, "ackSeq"), simulated.world.moves("100")) == (0, 1)

    run(scenario)


def test_a_wall_that_starts_without_its_memory_has_cleared_its_orders() -> None:
    async def scenario() -> None:
        simulated = SimulatedSite(modbus_site(NOWHERE), SimClock(), seed=1)
        link = simulated.links["plc"]
        assert isinstance(link.space, RegisterSpace)
        line = RegisterLine(link.space, link.wire)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(simulated.run_in_memory())
            await asyncio.sleep(0.01)
            await line.write_registers(WALL_ORDER, ORDER)
            simulated.faults.add(Reboot(device="wall", duration_s=0.1))
            await asyncio.sleep(0.2)
            assert await line.read_holding(WALL_ORDER, len(ORDER)) == ORDER
            simulated.faults.add(Reboot(device="wall", duration_s=0.1, memory_lost=True))
            await asyncio.sleep(0.2)
            assert await line.read_holding(WALL_ORDER, len(ORDER)) == [0] * len(ORDER)
            running.cancel()

    run(scenario)


def test_a_life_counter_counts_5_times_a_second_while_there_is_power_and_stands_still_without() -> None:
    async def scenario() -> None:
        simulated = SimulatedSite(modbus_site(NOWHERE), SimClock(), seed=1)
        link = simulated.links["plc"]
        assert isinstance(link.space, RegisterSpace)
        line = RegisterLine(link.space, link.wire)

        async def counted_in(seconds: float, address: int) -> int:
            [before] = await line.read_holding(address, 1)
            await asyncio.sleep(seconds)
            [after] = await line.read_holding(address, 1)
            return after - before

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(simulated.run_in_memory())
            await asyncio.sleep(0.01)
            assert await counted_in(10.0, CONVEYOR_LIFE) >= 50
            simulated.faults.add(Reboot(device="conveyor", duration_s=None))
            await asyncio.sleep(1.0)
            assert await counted_in(10.0, CONVEYOR_LIFE) == 0
            assert await counted_in(10.0, WALL_LIFE) >= 50, "another device on the same link"
            running.cancel()

    run(scenario)


def test_registers_are_read_and_written_by_request_and_slowly_if_asked() -> None:
    async def scenario() -> None:
        simulated = SimulatedSite(modbus_site(NOWHERE), SimClock(), seed=1)
        link = simulated.links["plc"]
        assert isinstance(link.space, RegisterSpace)
        assert isinstance(link.link, ModbusLink)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(simulated.run_in_memory())
            await asyncio.sleep(0.01)
            line = RegisterLine(link.space, link.wire)
            await line.connect()
            simulated.faults.add(SlowAnswers(device="wall", answer_s=0.5))
            began = loop_time()
            await line.write_registers(WALL_ORDER, [0] * 10)
            assert await line.read_holding(WALL_ORDER, 10) == [0] * 10
            assert loop_time() - began == pytest.approx(1.0)
            with pytest.raises(IndexError):
                await line.read_holding(60_000, 1)
            running.cancel()

    run(scenario)


def test_boot_ids_are_the_same_for_a_seed_and_others_for_every_process() -> None:
    def boot_ids(birth: int) -> list[int]:
        simulated = SimulatedSite(modbus_site(NOWHERE), SimClock(), seed=1, birth=birth)
        return [device._boot_id for device in simulated._devices.values()]

    assert boot_ids(7) == boot_ids(7)
    assert all(mine != theirs for mine, theirs in zip(boot_ids(7), boot_ids(8), strict=True))
