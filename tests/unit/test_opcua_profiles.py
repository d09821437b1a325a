"""The OPC UA profiles that come with the gateway, against the tables of the specification."""

import re
from pathlib import Path

import pytest
import yaml

from gateway.contract.wiring import Handshake, Profile, Tag

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.unit


def specified(heading: str) -> list[tuple[str, str]]:
    """Return name and type of the fields in the table of the specification that begins with this heading."""
    text = (ROOT / "docs" / "plc-handshake.md").read_text("utf-8")
    table = text.partition(f"| {heading} | type | meaning |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \| (u\d\d|string)", table, re.MULTILINE)


def fields(tags: tuple[Tag, ...]) -> list[tuple[str, str]]:
    """Return name and type of the tags."""
    return [(tag.name, tag.type.value) for tag in tags]


@pytest.mark.parametrize("handshake", [Handshake.MAILBOX, Handshake.METHOD])
def test_a_profile_holds_the_fields_of_the_specification_in_their_order(handshake: Handshake) -> None:
    # given a profile as it is delivered
    path = ROOT / "config" / "profiles" / f"opcua-{handshake}.yaml"
    profile = Profile.model_validate(yaml.safe_load(path.read_text("utf-8")))
    # then it has the fields of the specification, and their addresses are those of the specification
    assert (profile.protocol, profile.handshake) == ("opcua", handshake)
    assert fields(profile.command) == specified("command field")
    assert fields(profile.status) == specified("status field")
    assert [tag.address for tag in profile.command] == [f"Cmd.{tag.name}" for tag in profile.command]
    assert [tag.address for tag in profile.status] == [f"Status.{tag.name}" for tag in profile.status]
    # and the method's name where there is one
    assert profile.method == ("Execute" if handshake is Handshake.METHOD else None)
