"""A simulated vehicle and an independent master control (vda5050-sdk) over the embedded broker.

Neither side knows the other's code: what they agree about is the document.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from vda5050 import MasterClient, MasterConfig
from vda5050.domain.order.builder import OrderBuilder
from vda5050.model.common import Action, ActionParameter
from vda5050.model.enums import BlockingType
from vda5050.model.order import Edge, Node, Order

from drivers.links.nats_server import EmbeddedBroker
from sim_devices.faces.mqtt import BrokerAccess, MqttBroker
from sim_devices.faults.kinds import LinkDrop
from tests.vehicles import NODES, Bench, on_line
from tests.wire.test_embedded_broker import free_port, retained, serving

pytestmark = pytest.mark.wire

AGV = "simco/agv-1"
TOPIC = "uagv/v2/simco/agv-1"


class Site:
    """One vehicle, one master control, one broker."""

    def __init__(self, bench: Bench, master: MasterClient, broker: EmbeddedBroker) -> None:
        self.bench = bench
        self.master = master
        self.broker = broker

    async def until(self, wanted: Callable[[Any], bool]) -> Any:
        """Wait until the master has got a state like this, and return it."""

        def arrived(session: Any) -> bool:
            return session.state is not None and wanted(session.state)

        assert await self.master.wait_for(AGV, arrived, timeout=10, poll=0.01)
        return (await self.master.session(AGV)).state

    async def action(self, action_id: str) -> str:
        state = await self.until(
            lambda s: any(
                a.action_id == action_id and a.action_status in {"FINISHED", "FAILED"}
                for a in s.action_states
            )
        )
        return next(a.action_status.value for a in state.action_states if a.action_id == action_id)


def access_of(broker: EmbeddedBroker) -> BrokerAccess:
    port = int(broker.url.rpartition(":")[2])
    return BrokerAccess(host="127.0.0.1", port=port, username=broker.username, password=broker.password)


@asynccontextmanager
async def site(tmp_path: Path, *stock: tuple[str, str], speed: float = 50.0) -> AsyncGenerator[Site]:
    async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker:
        settings = MasterConfig(
            broker_url=broker.url,
            username=broker.username,
            password=broker.password,
            visualization=True,
            validate_messages=True,
        )
        async with (
            MasterClient(settings) as master,
            on_line(MqttBroker(access_of(broker)), stock=stock, speed=speed) as bench,
        ):
            made = Site(bench, master, broker)
            await made.until(lambda s: s.last_node_id == "a")
            yield made


def path(nodes: str, order_id: str = "order-7", actions: dict[str, list[Action]] | None = None) -> Order:
    builder = OrderBuilder(order_id=order_id, manufacturer="simco", serial_number="agv-1")
    for node in nodes:
        x, y = NODES[node]
        builder.add_node(node, x=x, y=y, map_id="ground", actions=(actions or {}).get(node))
    for start, end in pairwise(nodes):
        builder.add_edge(start, end)
    return builder.build()


def act(kind: str, action_id: str, **parameters: str) -> Action:
    return Action(
        action_type=kind,
        action_id=action_id,
        blocking_type=BlockingType.HARD,
        action_parameters=[ActionParameter(key=key, value=value) for key, value in parameters.items()],
    )


PICK = act("pick", "p", stationType="conveyor", loadType="container", stationName="A", loadId="TOTE-1")
DROP = act("drop", "d", stationName="D")


async def test_a_transport_from_station_to_station(tmp_path: Path) -> None:
    async with site(tmp_path, ("TOTE-1", "A")) as here:
        result = await here.master.dispatch(path("abcd", actions={"a": [PICK], "d": [DROP]}), AGV)
        assert result.accepted
        assert await here.action("p") == "FINISHED"
        assert await here.action("d") == "FINISHED"
        state = await here.until(lambda s: not s.node_states)
        assert (state.last_node_id, state.last_node_sequence_id, state.loads) == ("d", 6, [])
        assert here.bench.world.snapshot() == {"containers": {"TOTE-1": "D"}, "moves": {"7": 2}}


async def test_a_base_that_is_extended_before_the_decision_point(tmp_path: Path) -> None:
    async with site(tmp_path, speed=20.0) as here:
        await here.master.dispatch(path("ab"), AGV)
        await here.until(lambda s: s.driving)
        extension = [Node(node_id="c", sequence_id=0, released=True, actions=[])]
        edge = [
            Edge(edge_id="bc", sequence_id=0, released=True, start_node_id="b", end_node_id="c", actions=[])
        ]
        assert (await here.master.extend_base(AGV, extension, edge)).accepted
        await here.until(lambda s: s.order_update_id == 1)
        state = await here.until(lambda s: s.last_node_id == "c")
        assert state.last_node_sequence_id == 4


async def test_a_horizon_asks_for_a_new_base(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        order = path("abcd")
        for part in (*order.nodes[2:], *order.edges[1:]):
            part.released = False
        await here.master.dispatch(order, AGV)
        assert await here.master.wait_for_base_request(AGV, timeout=10)
        state = await here.until(lambda s: s.last_node_id == "b")
        assert [(n.node_id, n.released) for n in state.node_states] == [("c", False), ("d", False)]


async def test_a_cancelled_order(tmp_path: Path) -> None:
    async with site(tmp_path, ("TOTE-1", "agv-1"), speed=20.0) as here:
        await here.master.dispatch(path("abcd", actions={"d": [DROP]}), AGV)
        await here.until(lambda s: s.driving)
        await here.master.cancel_order(AGV, action_id="stop")
        assert await here.action("stop") == "FINISHED"
        assert await here.action("d") == "FAILED"
        state = await here.until(lambda s: not s.driving)
        assert (state.order_id, state.node_states) == ("order-7", [])
        await here.master.cancel_order(AGV, action_id="again")
        assert await here.action("again") == "FAILED"
        await here.until(lambda s: [e.error_type for e in s.errors] == ["noOrderToCancel"])


async def test_a_refused_order_tells_why(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        elsewhere = path("ab", order_id="lost-8", actions={"b": [act("drop", "x", stationName="D")]})
        await here.master.dispatch(elsewhere, AGV)
        state = await here.until(lambda s: s.errors)
        (error,) = state.errors
        assert (error.error_type, state.order_id) == ("orderError", "")
        references = {each.reference_key: each.reference_value for each in error.error_references}
        assert (references["orderId"], references["actionId"]) == ("lost-8", "x")


async def test_pause_and_resume(tmp_path: Path) -> None:
    async with site(tmp_path, speed=20.0) as here:
        await here.master.dispatch(path("abcd"), AGV)
        await here.until(lambda s: s.driving)
        await here.master.pause(AGV)
        state = await here.until(lambda s: s.paused)
        assert (state.driving, state.last_node_id == "d") == (False, False)
        await here.master.resume(AGV)
        await here.until(lambda s: s.last_node_id == "d" and not s.driving)


async def test_the_master_learns_what_the_vehicle_can_do(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        sheet = await retained(here.broker, f"{TOPIC}/factsheet")
        assert b'"actionType":"pick"' in sheet
        capabilities = here.master.capabilities(AGV)
        capabilities.validate_order(path("ab", actions={"a": [PICK]}))
        with pytest.raises(Exception, match="dance"):
            capabilities.validate_order(path("ab", actions={"a": [act("dance", "x")]}))


async def test_a_broken_connection_is_told_by_the_last_will(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        assert b'"ONLINE"' in await retained(here.broker, f"{TOPIC}/connection")
        drop = here.bench.faults.add(LinkDrop(device="agv-1", duration_s=None))
        async with asyncio.timeout(5):
            while b'"CONNECTIONBROKEN"' not in await retained(here.broker, f"{TOPIC}/connection"):
                await asyncio.sleep(0.02)
            here.bench.faults.remove(drop.fault_id)
            while b'"ONLINE"' not in await retained(here.broker, f"{TOPIC}/connection"):
                await asyncio.sleep(0.02)
        await here.master.dispatch(path("ab"), AGV)
        await here.until(lambda s: s.last_node_id == "b")


async def test_an_orderly_end_is_told_and_leaves_no_last_will(tmp_path: Path) -> None:
    async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker:
        access = access_of(broker)
        async with aiomqtt.Client(
            "127.0.0.1", access.port, username=access.username, password=access.password
        ) as ear:
            await ear.subscribe(f"{TOPIC}/connection", qos=1)
            async with on_line(MqttBroker(access)), asyncio.timeout(5):
                assert b'"ONLINE"' in (await anext(ear.messages)).payload
            async with asyncio.timeout(5):
                assert b'"OFFLINE"' in (await anext(ear.messages)).payload
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await anext(ear.messages)
