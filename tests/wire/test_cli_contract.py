"""The command line against the real HTTP interface on a socket: what a person types, reads, and what scripts get."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.contract.driver import Telegram
from gateway.contract.events import EventType
from gateway.contract.faults import Fault
from gateway.contract.reports import CommandAccepted, CommandDone, CommandFailed, DeviceFault
from gateway.transport.effects import Assign
from tests.cli_bench import Ended, loopback_socket, served, typed
from tests.unit.api_rig import Rig, SilentDriver, gateway

pytestmark = pytest.mark.wire

TOKEN = "correct-horse-battery"


@dataclass
class Desk:
    """A person at a terminal, and the gateway that they talk to."""

    rig: Rig
    url: str

    async def type(self, *words: str) -> Ended:
        return await asyncio.to_thread(typed, *words, "--url", self.url)

    async def read(self, *words: str) -> Any:
        ended = await self.type(*words, "--json")
        assert ended.code == 0, ended.err
        return json.loads(ended.out)

    async def submit(self, transport_id: str = "T-1", to: str = "ST-1") -> Ended:
        return await self.type("transport", "submit", "--id", transport_id, "--container", "T1", "--to", to)

    async def fail_the_command(self) -> None:
        """Let the device tell that the source of the command was empty."""
        [job_id] = [effect.command.job_id for effect in self.rig.effects if isinstance(effect, Assign)]
        await self.rig.kernel.ask(CommandAccepted(job_id=job_id))
        await self.rig.kernel.ask(
            CommandFailed(job_id=job_id, fault=Fault.SOURCE_EMPTY, text="nothing there")
        )


@asynccontextmanager
async def desk(token: str | None = None) -> AsyncGenerator[Desk]:
    async with gateway(token=token) as rig, served(rig.app) as url:
        yield Desk(rig, url)


async def test_a_transport_is_asked_for_once_under_one_id() -> None:
    async with desk() as at:
        first = await at.submit()
        assert first.code == 0
        assert "T-1 accepted: T1 goes to ST-1" in first.out
        assert f"gateway transport show T-1 --url {at.url}" in first.out
        again = await at.submit()
        assert again.code == 0
        assert "had been accepted before; nothing new was started" in again.out
        assert at.rig.feed.counts[EventType.TRANSPORT_ACCEPTED] == 1


async def test_an_id_that_is_made_up_is_told_before_anything_else_and_can_be_given_again() -> None:
    async with desk() as at:
        words = ("transport", "submit", "--container", "T1", "--to", "ST-1")
        ended = await at.type(*words)
        label, _, rest = ended.err.partition(": ")
        transport_id = rest.split()[0]
        assert label == "transport id"
        again = await at.type(*words, "--id", transport_id)
        assert "nothing new was started" in again.out
        assert (await at.read("transport", "show", transport_id))["containerId"] == "T1"


async def test_everything_that_can_be_asked_for_reaches_the_gateway() -> None:
    async with desk() as at:
        answer = await at.read(
            *(
                "transport",
                "submit",
                "--id",
                "T-1",
                "--container",
                "T1",
                "--to",
                "ST-1",
                "--from",
                "A-1-L-01",
            ),
            *("--priority", "8", "--deadline", "2026-09-21T23:00:00+08:00"),
            *("--attribute", "order=17", "--attribute", "note=a=b"),
        )
        assert answer == {"transportId": "T-1", "again": False}
        shown = await at.read("transport", "show", "T-1")
        assert (shown["source"], shown["priority"]) == ("A-1-L-01", 8)
        assert shown["attributes"] == {"order": "17", "note": "a=b"}
        assert shown["deadline"] == "2026-09-21T15:00:00Z"


async def test_a_refusal_ends_with_1_and_says_why_and_what_to_do() -> None:
    async with desk() as at:
        ended = await at.type("transport", "submit", "--id", "T-1", "--container", "NO", "--to", "NOWHERE")
        assert (ended.code, ended.out) == (1, "")
        told = " ".join(ended.err.split())
        assert "container NO is not known" in told
        assert "location NOWHERE is not in the site file (unknownLocation)" in told
        assert "whose fault the request's" in told
        missing = await at.type("transport", "show", "../devices")
        assert missing.code == 1
        assert "whose fault the request's: there is no such thing" in " ".join(missing.err.split())


async def test_the_list_shows_status_and_why_something_waits() -> None:
    async with desk() as at:
        assert "no such transports" in (await at.type("transport", "list")).out
        await at.submit()
        rows = (await at.type("transport", "list")).out.splitlines()
        [row] = [row for row in rows if "T-1" in row]
        assert row.split()[:6] == ["T-1", "T1", "A-1-L-01", "ST-1", "5", "executing"]
        assert "T-1" not in (await at.type("transport", "list", "--status", "failed")).out
        both = await at.read("transport", "list", "--status", "failed", "--status", "executing")
        assert [item["transportId"] for item in both["items"]] == ["T-1"]
        assert (await at.read("transport", "list", "--container", "T2"))["items"] == []


async def test_a_long_list_is_read_page_by_page_up_to_the_limit() -> None:
    async with desk() as at:
        await at.type("device", "disable", "shuttle-1", "--reason", "nothing shall move")
        for number in range(3):
            await at.submit(f"T-{number}")
            await at.type("transport", "cancel", f"T-{number}")
        listed = await at.type("transport", "list", "--limit", "2")
        assert "T-2" in listed.out and "T-0" not in listed.out
        assert "there are more: --limit 8" in listed.out


async def test_a_halted_transport_shows_the_commands_that_settle_it_and_they_do() -> None:
    async with desk() as at:
        await at.submit()
        await at.fail_the_command()
        shown = await at.type("transport", "show", "T-1")
        assert "somebody must decide: sourceEmpty" in shown.out
        assert "The source was empty" in shown.out
        for action in ("retry", "cancel"):
            assert f"gateway transport resolve T-1 --action {action} --reason WHY --url {at.url}" in shown.out
        assert "--action container-at --location LOCATION --reason WHY" in shown.out
        offered = re.findall(r"--action (\S+)", shown.out)
        assert offered == ["retry", "container-at", "complete-at", "cancel"], (
            "what mends it first, giving up last"
        )
        assert "transport.failed" in shown.out
        listed = await at.type("transport", "list")
        assert "The source was empty" in listed.out
        assert "gateway transport show ID" in listed.out
        decided = await at.type(
            *("transport", "resolve", "T-1", "--action", "complete-at", "--location", "ST-1"),
            *("--operator", "Ann", "--reason", "carried it myself"),
        )
        assert (decided.code, decided.out.split()) == (0, ["T-1", "completed"])
        after = await at.type("transport", "show", "T-1")
        assert "transport.completeAt by Ann: carried it myself" in after.out
        late = await at.type("transport", "resolve", "T-1", "--action", "retry", "--reason", "again")
        assert late.code == 1
        assert "needs no decision" in late.err


async def test_a_cancelled_transport_says_so() -> None:
    async with desk() as at:
        await at.type("device", "disable", "shuttle-1", "--reason", "maintenance")
        await at.submit()
        cancelled = await at.type("transport", "cancel", "T-1")
        assert (cancelled.code, cancelled.out.split()) == (0, ["T-1", "cancelled"])


async def test_devices_are_listed_with_what_is_wrong_and_people_act_on_them() -> None:
    async with desk() as at:
        await at.rig.kernel.ask(DeviceFault(device_id="shuttle-1", code=17, text="jam"))
        rows = {
            row.split()[0]: row for row in (await at.type("device", "list")).out.splitlines() if row.strip()
        }
        assert "fault" in rows["shuttle-1"] and "jam" in rows["shuttle-1"]
        assert "online" in rows["lift"] and "2.5 ms" in rows["lift"]
        disabled = await at.type("device", "disable", "lift", "--operator", "Ann", "--reason", "maintenance")
        assert disabled.code == 0
        assert "disabled" in disabled.out
        assert "online" in (await at.type("device", "enable", "lift", "--reason", "done")).out
        assert (await at.type("device", "reset", "shuttle-1", "--reason", "cleared")).code == 0
        assert (await at.read("device", "show", "lift"))["enabled"] is True
        assert "timeout: 1" in (await at.type("device", "show", "lift")).out
        unknown = await at.type("device", "enable", "no-such", "--reason", "x")
        assert unknown.code == 1


async def test_containers_and_places_are_listed_and_a_person_puts_them_right() -> None:
    async with desk() as at:
        listed = (await at.type("container", "list")).out
        assert "A-1-L-01" in next(row for row in listed.splitlines() if row.startswith(" T1 "))
        located = await at.type("container", "locate", "NEW-1", "--at", "A-1-R-03", "--reason", "came in")
        assert (located.code, located.out) == (0, "NEW-1 is at A-1-R-03\n")
        assert (await at.type("container", "locate", "T1", "--at", "NOWHERE", "--reason", "x")).code == 1
        await at.submit()
        places = (await at.type("location", "list")).out.splitlines()
        assert any(row.split()[:3] == ["A-1-R-03", "storage", "NEW-1"] for row in places)
        assert places[-1].endswith("others are empty")
        items = (await at.read("location", "list"))["items"]
        assert [item["containers"] for item in items if item["locationId"] == "A-1-R-03"] == [["NEW-1"]]
        known = (await at.read("container", "list"))["items"]
        assert "NEW-1" in [item["containerId"] for item in known]


async def test_a_container_that_has_left_the_site_is_taken_out_of_the_books() -> None:
    async with desk() as at:
        scrap = ("--operator", "Ann", "--reason", "cracked")
        removed = await at.type("container", "remove", "T2", *scrap)
        assert (removed.code, removed.out) == (0, "T2 is out of the books.\n")
        assert "T2" not in [item["containerId"] for item in (await at.read("container", "list"))["items"]]
        unknown = await at.type("container", "remove", "T2", *scrap)
        assert (unknown.code, unknown.out) == (1, "")
        assert "no container T2 is known (unknownContainer)" in " ".join(unknown.err.split())
        await at.submit()
        busy = await at.type("container", "remove", "T1", *scrap)
        assert busy.code == 1
        assert "T1 belongs to transport T-1; cancel that one first" in " ".join(busy.err.split())


async def test_alarms_say_what_they_are_about_and_what_to_do() -> None:
    async with desk() as at:
        assert "no alarms" in (await at.type("alarms")).out
        await at.submit()
        await at.fail_the_command()
        (alarm,) = (await at.read("alarms"))["items"]
        row = next(row for row in (await at.type("alarms")).out.splitlines() if alarm["code"] in row)
        assert alarm["subject"] in row and alarm["advice"] in row


async def test_telegrams_show_their_direction_and_meaning() -> None:
    async with desk() as at:
        assert "nothing has been said" in (await at.type("device", "telegrams", "lift")).out
        driver = at.rig.drivers["lift"]
        assert isinstance(driver, SilentDriver)
        driver.ring += [
            Telegram(at_us=1_000_000, outgoing=True, text="[0x10] 0001 0002", note="command 17 PICK"),
            Telegram(at_us=2_000_000, outgoing=False, text="ok"),
        ]
        out, back = (await at.type("device", "telegrams", "lift")).out.splitlines()
        assert "→ command 17 PICK" in out and "[0x10] 0001 0002" in out
        assert back.endswith("← ok")
        assert len((await at.read("device", "telegrams", "lift"))["items"]) == 2


async def test_puts_are_asked_for_shown_and_withdrawn() -> None:
    async with desk() as at:
        words = ("put", "submit", "--id", "P-1", "--wall", "wall", "--slot", "W-01", "--quantity", "3")
        assert "P-1 accepted: 3 into wall/W-01" in (await at.type(*words, "--colour", "blue", "--blink")).out
        shown = await at.type("put", "show", "P-1")
        assert "accepted" in shown.out and "3 wanted, blue light" in shown.out
        assert (await at.type("put", "cancel", "P-1")).code == 0
        assert (await at.type(*words)).code == 1, "the same id with another body is refused"


async def test_the_feed_is_printed_to_its_end_as_json_lines() -> None:
    async with desk() as at:
        await at.submit()
        newest = at.rig.feed.last_seq
        lines = (await at.type("events", "--json")).out.splitlines()
        assert [json.loads(line)["seq"] for line in lines] == list(range(1, newest + 1))
        later = await at.type("events", "--after", str(newest - 1), "--json")
        assert [json.loads(line)["seq"] for line in later.out.splitlines()] == [newest]
        accepted = await at.type("events", "--types", "transport.accepted,transport.failed")
        assert [line.split()[3] for line in accepted.out.splitlines()] == ["transport.accepted"]


async def test_a_token_is_taken_from_the_file_or_the_environment(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEWAY_TOKEN", raising=False)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    async with desk(token=TOKEN) as at:
        without = await at.type("device", "list")
        assert without.code == 1
        assert "give --token-file FILE or set $GATEWAY_TOKEN" in " ".join(without.err.split())
        assert (await at.type("device", "list", "--token-file", str(file))).code == 0
        monkeypatch.setenv("GATEWAY_TOKEN", TOKEN)
        assert (await at.type("device", "list")).code == 0


async def test_where_nothing_listens_a_command_ends_with_3() -> None:
    with loopback_socket() as bound:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        for words in (("transport", "list"), ("device", "list"), ("events",), ("events", "--follow")):
            ended = await asyncio.to_thread(typed, *words, "--url", url)
            assert ended.code == 3
            assert "gateway demo" in ended.err


ACT = ("--reason", "I looked", "--operator", "Ann")


@pytest.mark.parametrize(
    "words",
    [
        ("transport", "show", "T-1"),
        ("transport", "submit", "--container", "C-1", "--to", "S1-1"),
        ("transport", "cancel", "T-1"),
        ("put", "submit", "--wall", "w", "--slot", "s", "--quantity", "1"),
        ("device", "enable", "lift-1", *ACT),
        ("location", "block", "A-1", *ACT),
        ("location", "unblock", "A-1", *ACT),
        ("container", "locate", "C-1", "--at", "A-1", *ACT),
        ("container", "remove", "C-1", *ACT),
        ("events",),
        ("events", "--follow"),
        ("wes", "messages", "skip", "1", *ACT),
        ("wes", "import-stock", "STOCK", "--operator", "Ann"),
    ],
)
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<html>please log in</html>", []),
        (b'{"items": [1]}', [(b"content-type", b"application/json")]),
        (b"no gzip", [(b"content-encoding", b"gzip")]),
    ],
    ids=["page", "other json", "broken"],
)
async def test_something_else_than_a_gateway_is_told_from_one(
    words: tuple[str, ...], body: bytes, headers: list[tuple[bytes, bytes]], tmp_path: Path
) -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    stock = tmp_path / "stock.csv"
    stock.write_text("skuId,quantity\nTEA,1\n", encoding="utf-8")
    typed_words = [str(stock) if word == "STOCK" else word for word in words]
    async with served(other) as url:
        ended = await asyncio.to_thread(typed, *typed_words, "--url", url)
    assert ended.code == 1
    assert ended.out == ""
    assert "answered, but not as a gateway does" in " ".join(ended.err.split())


async def test_a_completed_transport_shows_its_legs_and_commands() -> None:
    async with desk() as at:
        await at.submit(to="A-1-R-03")
        for done in range(2):
            jobs = [effect.command.job_id for effect in at.rig.effects if isinstance(effect, Assign)]
            await at.rig.kernel.ask(CommandDone(job_id=jobs[done]))
        shown = (await at.type("transport", "show", "T-1")).out
        assert "T-1  completed  T1: A-1-L-01 → A-1-R-03" in shown
        legs, commands, timeline = (shown.index(word) for word in ("legs", "commands", "timeline"))
        assert legs < commands < timeline
        assert shown[legs:commands].count("shuttle-1") == 1
        assert commands < shown.index("PICK") < shown.index("DROP") < timeline
        assert timeline < shown.index("transport.legCompleted") < shown.index("transport.completed")
