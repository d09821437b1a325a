"""A simulated site whose process is killed and started again beside a gateway that goes on."""

from pathlib import Path

import pytest

from tests.wire.demo import DEVICES, meet
from tests.wire.processes import SiteProcesses, running

FREE = "A1-4-R-20"
"""A slot that no tote has in the beginning."""

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]


async def test_loads_stay_where_they_are_and_the_gateway_goes_on_with_them(tmp_path: Path) -> None:
    kept = ("--state", str(tmp_path / "hall.state"))
    async with running(SiteProcesses(tmp_path, sim_words=kept)) as site, meet(site) as demo:
        home = (await site.world())["containers"]["TOTE-0120"]
        await demo.completed(await demo.submit("TOTE-0120", FREE))
        before = (await site.world())["containers"]
        assert before["TOTE-0120"] == FREE

        await site.sim.kill()
        await demo.until_offline("lift-1")
        await site.sim.start()
        await site.ready(site.sim_url, site.sim)
        await demo.until_online(*DEVICES)

        assert (await site.world())["containers"] == before
        await demo.completed(await demo.submit("TOTE-0120", home))
