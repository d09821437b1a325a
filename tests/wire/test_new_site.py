"""The guide to a site of one's own: its files are sound, and its commands lead from an empty folder to a shipped order."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from tests.wire.processes import ROOT, SiteProcesses, running

pytestmark = pytest.mark.wire

GUIDE = (ROOT / "docs" / "new-site.md").read_text(encoding="utf-8")
FILE = re.compile(r"^```yaml\n# (small/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(240)
async def test_the_guide_leads_from_an_empty_folder_to_a_shipped_order(tmp_path: Path) -> None:
    assert shutil.which("curl"), "the guide speaks of curl"
    site = tmp_path / "small"
    site.mkdir()
    for name, text in FILE.findall(GUIDE):
        (tmp_path / name).write_text(text, encoding="utf-8")
    processes = SiteProcesses(tmp_path, site)
    async with running(processes), httpx.AsyncClient(base_url=processes.run_url) as http:
        await typed(tmp_path, GATEWAY_URL=processes.run_url, SIM_URL=processes.sim_url)
        assert (tmp_path / "small.svg").read_text(encoding="utf-8").startswith("<svg")
        assert "Lift.Cmd.seq" in (tmp_path / "plc.md").read_text(encoding="utf-8")
        order = (await http.get("/api/wms/outbound/order", params={"orderNo": "o-1"})).json()["data"]
        stock = await http.get("/api/wms/inventory", params={"warehouseId": "W1", "skuId": "TEA"})
        assert (order["statusCode"], stock.json()["data"]["availableQty"]) == (190, 17)
        moves = (await processes.world())["moves"]
        assert set(moves.values()) == {1}, json.dumps(moves)


async def typed(folder: Path, **environment: str) -> None:
    """Type every command of the guide into one shell; the first one that fails ends it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = "set -eu\n" + "\n".join(SHELL.findall(GUIDE))
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=folder,
        env=os.environ | environment | {"PATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(180):
            output, _ = await shell.communicate()
    finally:
        if shell.returncode is None:
            shell.kill()
            await shell.wait()
    assert shell.returncode == 0, output.decode()
