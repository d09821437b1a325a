"""Where the schema of the WES's own database is."""

from importlib import resources
from typing import Final

MIGRATIONS: Final = resources.files("gateway.wes") / "migrations"
