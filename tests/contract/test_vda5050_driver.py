"""The VDA 5050 driver on a broker in memory: losing it, finding it again, many vehicles at once. Time is virtual."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import structlog

from drivers.links.errors import LinkError
from drivers.links.mqtt_memory import MemoryBroker, MemoryClient
from drivers.links.mqtt_port import MqttPort
from drivers.telegrams import ErrorKind
from drivers.vda5050.driver import START_S, Vda5050Driver
from gateway.contract.driver import DriverContext, VehicleDriver
from gateway.contract.reports import Position, Report
from gateway.contract.vehicles import OrderNode, VehicleOffline, VehicleOrder, VehicleState
from gateway.contract.wiring import FleetWiring, VehicleWiring
from tests.virtual_loop import loop_time, run

pytestmark = pytest.mark.contract

NAMES = tuple(f"agv-{number}" for number in range(1, 4))


class Clock:
    def now_us(self) -> int:
        return 1_790_000_000_000_000 + round(loop_time() * 1e6)


class Bench:
    """A driver with what it tells; commits take `commit_s`."""

    def __init__(self, commit_s: float = 0.01) -> None:
        self.broker = MemoryBroker()
        self.reports: list[Report] = []
        self.positions: list[Position] = []
        self.commit_s = commit_s
        self.unreadable = ""
        """The end of the topics that the broker refuses; empty: none."""
        self.refused_at: list[float] = []
        self.unwritable = ""
        """A topic at which the broker ends the connection of whoever writes it; empty: none."""
        self.connected_at: list[float] = []
        self._headers = 0
        vehicles = tuple(VehicleWiring(device_id=name, manufacturer="simco", serial=name) for name in NAMES)
        context = DriverContext(
            clock=Clock(), epoch=1, run="run-1", report=self._report, observe=self.positions.append
        )
        wiring = FleetWiring(fleet_id="agvs", vehicles=vehicles)
        self.driver = Vda5050Driver(self._connect, wiring, context)

    @asynccontextmanager
    async def _connect(self) -> AsyncGenerator[MqttPort]:
        async with self.broker.connect() as port:
            self.connected_at.append(loop_time())
            yield Guarded(port, self)

    async def _report(self, report: Report) -> None:
        await asyncio.sleep(self.commit_s)
        self.reports.append(report)

    def tell(self, name: str, **changes: Any) -> None:
        """Publish a vehicle's state."""
        self._headers += 1
        body = {"headerId": self._headers, "timestamp": "", "version": "2.1.0", "lastNodeId": "a"}
        self.broker.pass_on(f"uagv/v2/simco/{name}/state", json.dumps(body | changes).encode())

    def ear(self, topic: str) -> MemoryClient:
        """Listen to what the driver publishes."""
        client = self.broker.client()
        client.subscribe(f"uagv/v2/simco/+/{topic}")
        return client


class Guarded:
    """A connection to a broker that does not let everybody read everything."""

    def __init__(self, port: MqttPort, bench: Bench) -> None:
        self._bench = bench
        self._port = port
        self.publish, self.receive = port.publish, port.receive

    async def keep(self, topic: str, payload: bytes) -> None:
        if topic == self._bench.unwritable:
            raise LinkError(ErrorKind.DISCONNECT, "connection closed")
        await self._port.keep(topic, payload)

    async def hear(self, topics: Sequence[tuple[str, int]]) -> Sequence[str]:
        end = self._bench.unreadable
        refused = [topic for topic, _ in topics if end and topic.endswith(end)]
        if refused:
            self._bench.refused_at.append(loop_time())
        await self._port.hear([each for each in topics if each[0] not in refused])
        return refused


def on_bench(
    scenario: Callable[[Bench], Any],
    commit_s: float = 0.01,
    prepare: Callable[[Bench], None] = lambda _: None,
) -> None:
    async def whole() -> None:
        bench = Bench(commit_s)
        prepare(bench)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(bench.driver.run())
            await asyncio.sleep(1)
            await scenario(bench)
            running.cancel()

    run(whole)


def order(name: str) -> VehicleOrder:
    node = OrderNode(node_id="a", sequence_id=0, released=True, x=0, y=0)
    return VehicleOrder(
        vehicle_id=name, order_id="o-1", update_id=0, after="", map_id="hall", nodes=(node,), edges=()
    )


def test_it_is_a_vehicle_driver() -> None:
    async def scenario(bench: Bench) -> None:
        assert isinstance(bench.driver, VehicleDriver)
        assert bench.driver.device_ids == NAMES

    on_bench(scenario)


def test_an_order_reaches_its_vehicle_and_is_repeated_until_the_echo() -> None:
    async def scenario(bench: Bench) -> None:
        ear = bench.ear("order")
        bench.tell("agv-2")
        bench.driver.send(order("agv-2"))
        for _ in range(2):
            topic, payload = await ear.receive()
            assert topic == "uagv/v2/simco/agv-2/order"
            assert json.loads(payload)["orderId"] == "o-1"
        bench.tell("agv-2", orderId="o-1")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await ear.receive()

    on_bench(scenario)


def test_a_broker_that_goes_and_comes_is_one_line_each_and_vehicles_are_asked_anew() -> None:
    async def scenario(bench: Bench) -> None:
        for name in NAMES:
            bench.tell(name)
        await asyncio.sleep(1)
        bench.reports.clear()
        with structlog.testing.capture_logs() as lines:
            bench.broker.stop()
            await asyncio.sleep(30)
            assert {
                report.vehicle_id for report in bench.reports if isinstance(report, VehicleOffline)
            } == set(NAMES)
            assert not bench.driver.health("agv-1").connected
            bench.broker.start()
            ear = bench.ear("instantActions")
            asked = {(await ear.receive())[0] for _ in NAMES}
        assert asked == {f"uagv/v2/simco/{name}/instantActions" for name in NAMES}
        assert [line["event"] for line in lines if line["event"].startswith("broker")] == [
            "broker lost",
            "broker connected",
        ]
        bench.tell("agv-1")
        await asyncio.sleep(1)
        assert isinstance(bench.reports[-1], VehicleState)
        assert bench.driver.health("agv-1").connected

    on_bench(scenario)


def test_reports_of_several_vehicles_share_their_commits() -> None:
    async def scenario(bench: Bench) -> None:
        before = loop_time()
        for name in NAMES:
            bench.tell(name)
        while len(bench.reports) < len(NAMES):
            await asyncio.sleep(0.1)
        assert loop_time() - before < 2 * bench.commit_s

    on_bench(scenario, commit_s=5.0)


def test_while_a_commit_lasts_only_the_newest_state_waits() -> None:
    async def scenario(bench: Bench) -> None:
        for node in "bcde":
            bench.tell("agv-1", lastNodeId=node)
            await asyncio.sleep(1)
        await asyncio.sleep(20)
        shown = [report.last_node_id for report in bench.reports if isinstance(report, VehicleState)]
        assert shown[-1] == "e"
        assert len(shown) == 2

    on_bench(scenario, commit_s=5.0)


def test_a_silent_vehicle_goes_offline_alone() -> None:
    async def scenario(bench: Bench) -> None:
        for second in range(0, 100, 10):
            bench.tell("agv-1")
            bench.tell("agv-3")
            if second <= 50:
                bench.tell("agv-2")
            await asyncio.sleep(10)
        gone = [report for report in bench.reports if isinstance(report, VehicleOffline)]
        assert gone == [VehicleOffline(vehicle_id="agv-2", reason="no state for 35 s")]

    on_bench(scenario)


def test_messages_of_strangers_and_broken_ones_harm_nobody() -> None:
    async def scenario(bench: Bench) -> None:
        bench.broker.pass_on("uagv/v2/other/agv-1/state", b"{}")
        bench.broker.pass_on("uagv/v2/simco/agv-1/state", b"\x00")
        bench.tell("agv-1")
        await asyncio.sleep(1)
        assert [type(report) for report in bench.reports] == [VehicleState]
        assert bench.driver.health("agv-1").errors == {"badFrame": 1}
        assert bench.driver.telegrams("agv-1")[-1].note == "state"

    on_bench(scenario)


def test_positions_are_observed_with_the_time_of_their_arrival() -> None:
    async def scenario(bench: Bench) -> None:
        at = {"x": 1.0, "y": 2.0, "theta": 0.5, "mapId": "hall", "positionInitialized": True}
        bench.tell("agv-3", agvPosition=at)
        await asyncio.sleep(1)
        (seen,) = bench.positions
        assert (seen.device_id, seen.x, seen.y, seen.theta) == ("agv-3", 1.0, 2.0, 0.5)
        assert seen.at_us == 1_790_000_001_000_000

    on_bench(scenario)


# Brokers that cannot be reached, or do not let the gateway read everything


def test_a_broker_that_is_not_there_from_the_start_is_told_for_each_vehicle_once_it_should_be() -> None:
    async def scenario(bench: Bench) -> None:
        assert bench.reports == []
        await asyncio.sleep(START_S + 1)
        reason = "the broker does not answer: the broker is down"
        assert bench.reports == [VehicleOffline(vehicle_id=name, reason=reason) for name in NAMES]
        bench.broker.start()
        await asyncio.sleep(3)
        bench.tell("agv-1")
        await asyncio.sleep(1)
        assert isinstance(bench.reports[-1], VehicleState)

    on_bench(scenario, prepare=lambda bench: bench.broker.stop())


def test_what_the_broker_refuses_is_asked_for_ever_more_seldom_and_heard_once_it_is_granted() -> None:
    def forget_one(bench: Bench) -> None:
        bench.unreadable = "agv-2/state"

    async def scenario(bench: Bench) -> None:
        with structlog.testing.capture_logs() as lines:
            bench.tell("agv-1")
            await asyncio.sleep(110)
            pauses = [round(later - earlier) for earlier, later in pairwise(bench.refused_at)]
            assert pauses == [1, 2, 4, 8, 16, 30, 30]
            assert [each.vehicle_id for each in bench.reports if isinstance(each, VehicleOffline)] == [
                "agv-2",
                "agv-3",  # it has never said anything
                "agv-1",  # it has said nothing more
            ]
            bench.unreadable = ""
            ear = bench.ear("instantActions")
            await asyncio.sleep(31)
            asked = (await ear.receive())[0]
            assert asked == "uagv/v2/simco/agv-2/instantActions"
            bench.tell("agv-2")
            await asyncio.sleep(1)
        assert isinstance(bench.reports[-1], VehicleState)
        assert [line["event"] for line in lines if line["event"].startswith("topics")] == ["topics granted"]

    on_bench(scenario, prepare=forget_one)


def test_a_broker_that_shuts_out_who_says_who_commands_is_tried_at_leisure_and_the_topic_is_named() -> None:
    """Without its word beside the vehicle the gateway may not command it: another one could not know (decision 10)."""
    topic = "uagv/v2/simco/agv-2/gateway/epoch"

    def forbid(bench: Bench) -> None:
        bench.unwritable = topic

    async def scenario(bench: Bench) -> None:
        ear = bench.ear("order")
        bench.driver.send(order("agv-2"))
        await asyncio.sleep(60)
        missed = [each for each in bench.reports if isinstance(each, VehicleOffline)]
        assert {each.reason for each in missed} == {
            f"the broker does not answer: connection closed, as the gateway wrote {topic}:"
            " if that comes again, let its user write there"
        }
        pauses = [later - earlier for earlier, later in pairwise(bench.connected_at)]
        assert max(pauses) == pytest.approx(2.1, abs=0.1)
        assert len(pauses) < 35
        # when somebody gives the right, then the order goes out
        bench.unwritable = ""
        bench.tell("agv-2")
        await asyncio.sleep(3)
        bench.tell("agv-2")
        assert (await ear.receive())[0] == "uagv/v2/simco/agv-2/order"

    on_bench(scenario, prepare=forbid)


def test_a_vehicle_whose_positions_alone_nobody_may_read_works_and_shows_what_is_wrong() -> None:
    def forget_positions(bench: Bench) -> None:
        bench.unreadable = "agv-1/visualization"

    async def scenario(bench: Bench) -> None:
        bench.tell("agv-1")
        await asyncio.sleep(1)
        assert [type(each) for each in bench.reports] == [VehicleState]
        assert bench.driver.health("agv-1").errors == {"refused": 1}
        (shown, _) = [each for each in bench.driver.telegrams("agv-1") if not each.outgoing][:2]
        assert "uagv/v2/simco/agv-1/visualization" in shown.text

    on_bench(scenario, prepare=forget_positions)
