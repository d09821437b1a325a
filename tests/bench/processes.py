"""Processes that are measured: started as a user starts them, never left behind."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from tests.wire.processes import ROOT

START_S: Final = 60.0


@asynccontextmanager
async def running(log: Path, module: str, *words: str) -> AsyncGenerator[Process]:
    """Run `python -m module words…` for as long as the context lasts, unless it is killed before.

    What it says on stderr goes to the log, of which the end is shown if the measurement fails.
    """
    with log.open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *words, cwd=ROOT, stdin=DEVNULL, stdout=PIPE, stderr=said
        )
    try:
        yield process
    except BaseException:
        print(
            f"--- {log.name}:", *log.read_text(errors="replace").splitlines()[-20:], sep="\n", file=sys.stderr
        )
        raise
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def line_of(process: Process) -> str:
    """Return the next line that a process prints.

    Raises:
        EOFError: it has ended instead.
    """
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        line = await process.stdout.readline()
    if not line:
        raise EOFError("the process has ended")
    return line.decode().strip()


def cpu_s(pid: int) -> float:
    """Return the seconds that a process has computed so far (proc(5))."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
