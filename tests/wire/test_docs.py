"""What the documents tell developers of a WES or of a station's page to type works as they say, against the demo site."""

import asyncio
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.wire.processes import DEMO, ROOT, SiteProcesses, running, running_site

pytestmark = [pytest.mark.wire, pytest.mark.timeout(150)]

GUIDE = ROOT / "docs" / "wes-integration.md"
STATIONS = ROOT / "docs" / "wes-stations.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^# → (\d+)\n(.*?)(?=^# → |\Z)", re.MULTILINE | re.DOTALL)


def commands(document: Path) -> list[tuple[int, str]]:
    """Return each curl of a document with the status that it promises."""
    blocks = BLOCK.findall(document.read_text(encoding="utf-8"))
    return [(int(status), command) for block in blocks for status, command in COMMAND.findall(block)]


def script(document: Path) -> str:
    """Return all that a document says to type, ended by the first answer that is not as promised."""
    lines = ["set -eu"]
    for block in BLOCK.findall(document.read_text(encoding="utf-8")):
        if not COMMAND.match(block):
            lines.append(block)
        for status, command in COMMAND.findall(block):
            lines.append(f"answer=$(\n{command})\ncase $answer in 'HTTP/1.1 {status}'*) ;;")
            lines.append(f'*) echo {shlex.quote(command)}; echo "$answer"; exit 1 ;; esac')
    return "\n".join(lines)


async def test_every_curl_of_the_integration_guide_answers_as_the_guide_says(tmp_path: Path) -> None:
    assert shutil.which("curl"), "the guide speaks of curl"
    assert len(commands(GUIDE)) > 10
    async with running_site(tmp_path, speed=1) as site:  # the hand at the wall is not faster than who types
        for status, command in commands(GUIDE):
            answer = await shell(f"{command.strip()} --silent --show-error", GATEWAY=site.run_url)
            first = answer.splitlines()[0] if answer else ""
            assert first.startswith(f"HTTP/1.1 {status}"), f"{command}\n{answer}"


async def test_a_station_page_is_written_as_its_document_says(tmp_path: Path) -> None:
    assert len(commands(STATIONS)) > 10
    shutil.copytree(DEMO.parent, tmp_path / "config")  # a site of its own runs its WES
    async with running(SiteProcesses(tmp_path, tmp_path / "config" / DEMO.name)) as site:
        told = await shell(f"{script(STATIONS)}\necho well done", GATEWAY=site.run_url)
        assert told.endswith("well done\n"), told


async def shell(command: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_shell(
        command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | environment,
    )
    output, _ = await process.communicate()
    return output.decode()
