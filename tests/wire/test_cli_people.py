"""The command line of people: the first administrator on the box, sign-in, and acts under one's own name (S2-13, S2-162)."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli_bench import Ended, served, typed
from tests.unit.api_rig import gateway
from tests.wire.test_cli_contract import Desk

pytestmark = pytest.mark.wire

OWN = "a password of one's own"


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.delenv("GATEWAY_TOKEN", raising=False)
    monkeypatch.setenv("GATEWAY_SESSION_FILE", str(tmp_path / "kept" / "session.json"))
    async with gateway() as rig, served(rig.app) as url:
        yield Desk(rig, url)


async def add(desk: Desk, *words: str) -> str:
    """Add a person; return the password that is printed."""
    ended = await desk.type("people", "add", *words)
    assert ended.code == 0, ended.err
    found = re.search(r"signs in with +(\S+)", ended.out)
    assert found is not None, ended.out
    return found[1]


async def login(desk: Desk, tmp_path: Path, name: str, *passwords: str) -> Ended:
    file = tmp_path / "passwords"
    file.touch(mode=0o600)
    file.write_text("\n".join(passwords), encoding="utf-8")
    return await desk.type("login", name, "--password-file", str(file))


@pytest.mark.skipif(os.name != "posix", reason="files have modes on POSIX alone")
async def test_passwords_are_not_taken_from_a_file_that_others_can_read(desk: Desk, tmp_path: Path) -> None:
    password = await add(desk, "ada", "--role", "administrator")
    file = tmp_path / "passwords"
    file.write_text(password, encoding="utf-8")
    file.chmod(0o644)
    ended = await desk.type("login", "ada", "--password-file", str(file))
    assert ended.code == 2
    assert "chmod 600" in ended.err and password not in ended.err


async def test_from_the_first_administrator_to_acts_under_ones_own_name(desk: Desk, tmp_path: Path) -> None:
    assert (await desk.type("device", "list")).code == 0
    initial = await add(desk, "ada", "--role", "administrator", "--role", "engineer", "--name", "Ada Wong")
    refused = await desk.type("device", "list")
    assert refused.code == 1
    assert "gateway login NAME" in refused.err
    signed_in = await login(desk, tmp_path, "ada", initial, OWN)
    assert signed_in.code == 0, signed_in.err
    assert "Ada Wong is signed in until" in signed_in.out
    assert (await desk.type("device", "disable", "lift", "--reason", "oiled")).code == 0
    assert not desk.rig.tables.devices["lift"].enabled
    other = await desk.type("device", "enable", "lift", "--reason", "x", "--operator", "ben")
    assert other.code == 1
    assert "ada is signed in" in other.err
    shown = await desk.type("people", "show", "ada")
    assert "administrator engineer" in shown.out
    assert "passwordChanged" in shown.out
    signed_out = await asyncio.to_thread(typed, "logout")
    assert "ada is signed out" in signed_out.out
    assert (await desk.type("device", "list")).code == 1


@pytest.mark.skipif(os.name != "posix", reason="files have modes on POSIX alone")
async def test_secrets_lie_in_files_that_nobody_else_reads(desk: Desk, tmp_path: Path) -> None:
    await login(desk, tmp_path, "ada", await add(desk, "ada", "--role", "administrator"), OWN)
    kept = tmp_path / "kept" / "session.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert (await desk.type("people", "add", "wes-1", "--role", "service")).code == 0
    token = tmp_path / "wes.token"
    assert (await desk.type("people", "token", "wes-1", str(token), "--days", "30")).code == 0
    assert token.stat().st_mode & 0o077 == 0
    assert (await desk.type("people", "list", "--token-file", str(token))).code == 1
    assert (await desk.type("device", "list", "--token-file", str(token))).code == 0
    again = await desk.type("people", "token", "wes-1", str(token))
    assert "is there already" in again.err
    kept.chmod(0o644)
    assert "others can read" in (await desk.type("people", "list")).err


async def test_people_are_changed_locked_and_let_go(desk: Desk, tmp_path: Path) -> None:
    await login(desk, tmp_path, "ada", await add(desk, "ada", "--role", "administrator"), OWN)
    first = await add(desk, "ben", "--role", "operator", "--zone", "dock", "--phone", "+86 755 1234")
    for words, told in (
        (("roles", "ben", "operator", "supervisor"), "operator supervisor"),
        (("zones", "ben", "dock", "hall"), "dock hall"),
        (("zones", "ben"), "all"),
        (("lock", "ben"), "locked"),
        (("unlock", "ben"), "active"),
        (("leave", "ben"), "left"),
    ):
        ended = await desk.type("people", *words)
        assert (ended.code, told in ended.out) == (0, True), ended.err + ended.out
    assert (await desk.type("people", "reset-password", "ben")).code == 1
    await desk.type("people", "unlock", "ben")
    ended = await desk.type("people", "reset-password", "ben")
    assert first not in ended.out
    audit = await desk.type("people", "audit")
    assert "roles: operator → operator, supervisor" in audit.out
    last = await desk.type("people", "leave", "ada")
    assert "last administrator" in last.err
