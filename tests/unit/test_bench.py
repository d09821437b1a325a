"""What is made for measuring fits the gateway of today: sites to what `gateway check` asks of any other, stock to the schema."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.site.load import load_site
from gateway.store.database import open_writer
from gateway.wes.schema import MIGRATIONS
from tests.bench.accepts import MOTION
from tests.bench.inventory import STATEMENTS, of_numbers
from tests.bench.sites import SiteFile, bays, factory, warehouse, write_site


@pytest.mark.parametrize(
    "made", [bays, factory, lambda: warehouse(MOTION)], ids=("bays", "factory", "warehouse")
)
def test_a_site_made_for_measuring_is_sound(made: Callable[[], SiteFile], tmp_path: Path) -> None:
    assert load_site(write_site(made(), tmp_path / "site")).devices


def test_stock_made_for_measuring_fits_the_schema() -> None:
    with closing(open_writer(None, MIGRATIONS)) as connection:
        for rows, statement in STATEMENTS:
            assert connection.execute(f"EXPLAIN {of_numbers(rows)} {statement}").fetchone()
