"""What the documents tell a WES developer to type works as they say, against the demo site."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.wire.processes import ROOT, running_site

pytestmark = pytest.mark.wire

GUIDE = ROOT / "docs" / "wes-integration.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^# → (\d+)\n(.*?)(?=^# → |\Z)", re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[int, str]]:
    """Return each curl of the guide with the status that it promises."""
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    return [(int(status), command) for block in blocks for status, command in COMMAND.findall(block)]


async def test_every_curl_of_the_integration_guide_answers_as_the_guide_says(tmp_path: Path) -> None:
    assert shutil.which("curl"), "the guide speaks of curl"
    assert len(commands()) > 10
    async with running_site(tmp_path) as site:
        for status, command in commands():
            answer = await shell(f"{command.strip()} --silent --show-error", GATEWAY=site.run_url)
            first = answer.splitlines()[0] if answer else ""
            assert first.startswith(f"HTTP/1.1 {status}"), f"{command}\n{answer}"


async def shell(command: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_shell(
        command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | environment,
    )
    output, _ = await process.communicate()
    return output.decode()
