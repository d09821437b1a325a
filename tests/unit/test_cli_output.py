"""Answers that cannot be written: a full disk, a reader that has gone, a stream that was closed before."""

import asyncio
import errno
import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from gateway.cli.ending import run_to_the_end
from gateway.cli.failure import Failure
from gateway.cli.output import answers

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
CHECK = ("check", "--site", "config/demo", "--json")


def gateway(*words: str, out: int | None, unbuffered: str) -> tuple[int, str]:
    """Run a command in a process of its own; `out`: left out: it has no stdout at all."""
    command = [sys.executable, "-m", "gateway", *words]
    if out is None:
        command = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command]
    ended = subprocess.run(
        command,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr.strip()


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [CHECK, ("check", "--site", "/nowhere"), ("transport", "--help")])
@pytest.mark.skipif(not FULL.exists(), reason="there is no disk that is always full")
def test_a_disk_without_room_is_told_in_a_sentence(words: tuple[str, ...], unbuffered: str) -> None:
    with FULL.open("w", encoding="utf-8") as full:
        ended = gateway(*words, out=full.fileno(), unbuffered=unbuffered)
    assert ended == (1, "the answer cannot be written: No space left on device")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_fault_and_ends_as_shells_know_it(unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert gateway(*CHECK, out=writing, unbuffered=unbuffered) == (141, "")
    finally:
        os.close(writing)


def test_who_closed_stdout_wants_to_hear_nothing() -> None:
    assert gateway(*CHECK, out=None, unbuffered="") == (0, "")
    assert gateway("check", "--site", "/nowhere", out=None, unbuffered="") == (1, "")


class FullDisk(StringIO):
    """A file on a disk without room."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_cannot_be_written_amid_other_work_is_told_in_the_same_sentence() -> None:
    async def tell() -> None:
        sys.stdout.write("42 of 43\n")

    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(tell())

    with (
        redirect_stdout(FullDisk()),
        pytest.raises(Failure, match="the answer cannot be written: No space left"),
        answers(),
    ):
        run_to_the_end(work())
