"""A gateway whose way to upstream cannot be gone says what would mend it, and does not start."""

import sys
from pathlib import Path

import pytest

from gateway.app import Settings, real_surroundings
from gateway.cli.ending import run_to_the_end
from gateway.cli.failure import Failure
from gateway.site.model import Site

pytestmark = pytest.mark.unit


async def start(folder: Path, upstream: dict[str, object]) -> None:
    site = Site.model_validate({"id": "s", "wes": {"warehouse_id": "W", "upstream": upstream}})
    async with real_surroundings(Settings(site=site, data=folder / "data")):
        pass


def test_a_missing_client_of_a_broker_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gateway.delivery.wires.nats", None)
    with pytest.raises(Failure, match=r"pip install .warehouse-gateway\[broker\]"):
        run_to_the_end(start(tmp_path, {"broker": {"kind": "nats", "url": "nats://127.0.0.1:4222"}}))
