"""Sites made for measuring are held to what `gateway check` asks of any other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.site.load import load_site
from tests.bench.accepts import MOTION
from tests.bench.sites import SiteFile, bays, factory, warehouse, write_site


@pytest.mark.parametrize(
    "made", [bays, factory, lambda: warehouse(MOTION)], ids=("bays", "factory", "warehouse")
)
def test_a_site_made_for_measuring_is_sound(made: Callable[[], SiteFile], tmp_path: Path) -> None:
    assert load_site(write_site(made(), tmp_path / "site")).devices
