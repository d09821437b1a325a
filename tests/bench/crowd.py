"""The factory's simulated devices as a process of their own: vehicles tell a state and a visualization every second.

Run as `python -m tests.bench.crowd SITE PORTS_FROM`; prints a line when everything listens. Vehicles that stand send no
visualization, so it is sent in their names.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.cli.logs import LogFormat, configure_logs
from gateway.contract.wiring import MqttLink
from gateway.site.load import load_site
from gateway.site.model import Fleet, Site
from gateway.site.ports import with_ports_from
from sim_devices.vehicles.line import Pace
from tests.bench.bare.command import broker
from tests.bench.plant import Plant

EVERY_SECOND: Final = Pace(state_s=1, driving_state_s=1, visualization_s=1)


async def main(file: Path, ports_from: int) -> None:
    """Run for ever."""
    site = with_ports_from(load_site(file), ports_from)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="bench-"))
        await stack.enter_async_context(Plant(site, Path(folder), EVERY_SECOND).running())
        print("ready", flush=True)
        async with asyncio.TaskGroup() as tasks:
            for fleet in site.fleets:
                tasks.create_task(_visualize(site, fleet))


async def _visualize(site: Site, fleet: Fleet) -> None:
    link = site.link(fleet.link)
    assert isinstance(link, MqttLink)
    nodes = {node.id: (node.x, node.y) for node in site.road_map(fleet.road_map).nodes}
    loop = asyncio.get_running_loop()
    async with broker(str(link.port)) as client:
        for number in count():
            due = loop.time() + 1
            for vehicle in fleet.vehicles:
                topic = f"{fleet.interface}/v2/{vehicle.manufacturer}/{vehicle.serial}/visualization"
                message = _visualization(
                    number, vehicle.manufacturer, vehicle.serial, nodes[vehicle.start], fleet.road_map
                )
                await client.publish(topic, json.dumps(message))
                await asyncio.sleep(0.5 / len(fleet.vehicles))
            await asyncio.sleep(due - loop.time())


def _visualization(
    number: int, manufacturer: str, serial: str, at: Sequence[float], map_id: str
) -> dict[str, object]:
    """Return a message of VDA 5050 2.1, 6.11: the vehicle stands, and its position trembles."""
    x, y = at
    return {
        "headerId": number,
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.00Z}",
        "version": "2.1.0",
        "manufacturer": manufacturer,
        "serialNumber": serial,
        "agvPosition": {
            "x": x + number % 10 / 1000,
            "y": y,
            "theta": 0,
            "mapId": map_id,
            "positionInitialized": True,
        },
        "velocity": {"vx": 0, "vy": 0, "omega": 0},
    }


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, sys.stderr)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
