"""The wires of a site: every link and every driver runs, whatever they are called."""

from pathlib import Path

import pytest

from drivers.modbus.link import ModbusLinkRunner
from drivers.modbus.putwall import ModbusPutWallDriver
from gateway.app.settings import Settings
from gateway.app.surroundings import real_surroundings
from gateway.app.wires import Wires
from gateway.site.load import load_site
from tests.unit.small_site import write
from tests.wire.opcua_bench import Kernel

pytestmark = pytest.mark.unit

WALL = """\
id: small
links:
  - {id: plc-wall, kind: modbus}
devices:
  - {id: wall, kind: putwall, link: plc-wall, profile: modbus-putwall, base: 0, slot: "W-{n}", slots: 12}
"""


@pytest.mark.parametrize(
    ("link_id", "wall_id"), [("plc-wall", "wall"), ("wall", "wall"), ("webhooks", "retention")]
)
async def test_a_link_that_is_called_like_its_device_runs_beside_its_driver(
    link_id: str, wall_id: str, tmp_path: Path
) -> None:
    """Found by reading: of two that go by one name only the later one was run, and the device stayed offline."""
    text = WALL.replace("plc-wall", link_id).replace(
        "{id: wall, kind: putwall", f"{{id: {wall_id}, kind: putwall"
    )
    site = load_site(write(tmp_path, {"site.yaml": text}))
    async with real_surroundings(Settings(site=site, data=tmp_path / "data")) as around:
        wires = Wires(site, around, Kernel().context)
        assert {type(each) for each in wires.runners.values()} == {ModbusLinkRunner, ModbusPutWallDriver}
        assert wires.runners.keys().isdisjoint({"webhooks", "retention"}), "the gateway's own works"
