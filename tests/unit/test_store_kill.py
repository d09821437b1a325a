"""A process killed at any moment loses nothing that it has acknowledged, and keeps nothing half."""

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.database import open_writer

pytestmark = pytest.mark.kill

WRITE_FOR_EVER = """
import asyncio, itertools, sys
from pathlib import Path
from gateway.store.sqlite import open_sqlite

async def main():
    first = int(sys.argv[2])
    async with open_sqlite(Path(sys.argv[1])) as store:
        async def caller(lane):
            for n in itertools.count():
                async def pair(tx):
                    for half in "ab":
                        await tx.execute("INSERT INTO counters (key, doc) VALUES (:key, :doc)",
                                         {"key": f"{first}-{lane}-{n}-{half}", "doc": "{}"})
                await store.write(pair)
                print(f"{first}-{lane}-{n}", flush=True)
        await asyncio.gather(*(caller(lane) for lane in range(8)))

asyncio.run(main())
"""


def test_every_acknowledged_pair_survives_and_no_half_pair_does(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    moments = random.Random(7)
    acknowledged: set[str] = set()
    for kill in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(path), str(kill)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            acknowledged.add(child.stdout.readline().strip())
            time.sleep(moments.uniform(0.0, 0.1))
            child.kill()
            lines = child.stdout.read().split("\n")
            acknowledged.update(lines[:-1])  # what follows the last newline was cut off by the kill
    with closing(open_writer(path)) as connection:
        kept = {row[0] for row in connection.execute("SELECT key FROM counters")}
    assert len(acknowledged) > 100
    assert {f"{pair}-{half}" for pair in acknowledged for half in "ab"} <= kept
    assert {key[:-2] for key in kept if key.endswith("-a")} == {
        key[:-2] for key in kept if key.endswith("-b")
    }
