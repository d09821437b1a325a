"""`gateway events`: the feed in a terminal or a pipe; with --follow it goes on, through every lost connection, without a gap."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, final

import httpx
import typer
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.text import Text

from gateway.cli.appearance import clock_time, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    GatewayClient,
    Page,
    Params,
    UrlOption,
    connect,
    connection,
    no_gateway,
    parse,
    refused,
    unreachable,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.failure import Failure
from gateway.cli.tables import told
from gateway.contract.events import EventType

PATH: Final = "/v1/events"
PAGE_MAX: Final = 1000
SILENCE_S: Final = 30.0
"""The stream says every ten seconds that it is there; a connection that is silent for so long is dead."""
PAUSE_FIRST_S: Final = 0.25
PAUSE_MAX_S: Final = 10.0

Message = tuple[int, str | None]
"""The number of an event, and the event as JSON; None where the stream only tells at which number it is."""

_GOOD: Final = frozenset({"completed", "confirmed", "recovered", "cleared", "online", "arrived"})
_BAD: Final = frozenset({"failed", "unknown", "fault", "offline", "raised", "short"})


class HeardEvent(BaseModel):
    """What the command line reads of an event; types that are newer than this program included."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seq: int
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


def events(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C; reconnects.")
    ] = False,
    after: Annotated[
        int | None,
        typer.Option(min=0, metavar="SEQ", help="Begin after this number; 0: with the oldest that is kept."),
    ] = None,
    types: Annotated[
        str | None,
        typer.Option(metavar="TYPE,…", help="Only these types, e.g. transport.completed,transport.failed."),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what has happened, oldest first; with --follow what happens from now on (or after --after)."""
    wanted = _checked(types)
    show = _show_json if as_json else _show_line(stdout())
    if follow:
        asyncio.run(_follow(url, token_file, after, wanted, show))
        return
    with connect(url, token_file) as gateway:
        _show_past(gateway, after or 0, wanted, show)


def _checked(types: str | None) -> str | None:
    unknown = [] if types is None else sorted(set(types.split(",")) - set(EventType))
    if unknown:
        known = ", ".join(EventType)
        raise typer.BadParameter(f"{', '.join(unknown)}: not among {known}", param_hint="--types")
    return types


def _show_past(gateway: GatewayClient, after: int, types: str | None, show: Callable[[str], None]) -> None:
    filtered: Params = {} if types is None else {"types": types}
    cursor: str | None = str(after)
    while cursor is not None:
        page = parse(Page, gateway.get(PATH, {"after": cursor, "limit": PAGE_MAX, **filtered}))
        for item in page.items:
            show(json.dumps(item, ensure_ascii=False, separators=(",", ":")))
        cursor = page.next_cursor


async def _follow(
    url: str, token_file: Path | None, after: int | None, types: str | None, show: Callable[[str], None]
) -> None:
    async with httpx.AsyncClient(**connection(url, token_file, SILENCE_S)) as http:
        async with aclosing(followed(http, after, types, _tell)) as heard:
            async for event in heard:
                show(event)


@final
class _Broken(Exception):  # noqa: N818 - names the condition
    """There is no stream at the moment, but there may be one later.

    Attributes:
        failure: what to tell a person if there never was one.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.title)
        self.failure = failure


async def followed(
    http: httpx.AsyncClient, after: int | None, types: str | None, tell: Callable[[str], None]
) -> AsyncGenerator[str]:
    """Yield every event after a number as JSON, each once and in order, for ever; connections may break.

    Args:
        http: with the gateway's base URL.
        after: the last event that has been seen; None: what happens from now on.
        types: names of types, with commas between; None: all.
        tell: is given one line when the connection is lost, and one when it is back.

    Raises:
        Failure: the gateway refuses, or cannot be reached from the start.
    """
    pause, connected, lost = PAUSE_FIRST_S, False, False
    while True:
        try:
            async with _stream(http, after, types) as messages:
                if lost:
                    tell("connected again")
                connected, lost = True, False
                async for seq, event in messages:
                    if after is not None and seq <= after:
                        continue
                    after = seq
                    if event is not None:
                        pause = PAUSE_FIRST_S
                        yield event
        except _Broken as broken:
            if not connected:
                raise broken.failure from broken
            if not lost:
                tell(f"{broken}; connecting again until Ctrl-C")
            lost = True
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_MAX_S)


@asynccontextmanager
async def _stream(
    http: httpx.AsyncClient, after: int | None, types: str | None
) -> AsyncGenerator[AsyncGenerator[Message]]:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    params = {} if types is None else {"types": types}
    try:
        async with http.stream("GET", f"{PATH}/stream", params=params, headers=headers) as response:
            if not response.is_success:
                await response.aread()
                raise _refusal(response)
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise no_gateway(str(response.url), "the answer is no stream of events")
            async with aclosing(_messages(response)) as messages:
                yield messages
    except httpx.TransportError as error:
        raise _Broken(unreachable(str(http.base_url), error)) from error
    except (ValueError, httpx.DecodingError) as error:  # a number that is none, no UTF-8
        raise no_gateway(str(http.base_url), "what it tells is no event") from error


def _refusal(response: httpx.Response) -> Failure | _Broken:
    """Tell a gateway that cannot serve the stream now from one that never will."""
    later = response.status_code == 429 or response.is_server_error
    return _Broken(refused(response)) if later else refused(response)


async def _messages(response: httpx.Response) -> AsyncGenerator[Message]:
    parser = MessageParser()
    async for chunk in response.aiter_bytes():
        for message in parser.feed(chunk):
            yield message


class MessageParser:
    """Cuts a stream of server-sent events into messages that have a number.

    Works on bytes: text may hold line separators of Unicode, which end no line of the stream.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._id = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Yield the messages that are whole by now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in (line.removesuffix(b"\r") for line in lines):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"id":
                self._id = value
            elif name == b"data":
                self._data.append(value)
            elif not line and self._id:
                yield int(self._id), b"\n".join(self._data).decode() if self._data else None
                self._id = b""
                self._data.clear()


def _tell(line: str) -> None:
    sys.stderr.write(f"gateway: {line}\n")


def _show_json(event: str) -> None:
    # A pipe shall have every event as soon as it has happened.
    sys.stdout.write(event + "\n")
    sys.stdout.flush()


def _show_line(console: Console) -> Callable[[str], None]:
    def show(event: str) -> None:
        try:
            heard = HeardEvent.model_validate_json(event)
        except ValidationError as error:
            raise no_gateway("the gateway", "what it tells is no event") from error
        console.print(line_of(heard), soft_wrap=True)

    return show


def line_of(event: HeardEvent) -> Text:
    """Return an event as a line for people."""
    word = event.type.rpartition(".")[2]
    style = "green" if word in _GOOD else "bold red" if word in _BAD else "cyan"
    known = [key for key, value in event.data.items() if value == event.subject]
    return Text.assemble(
        (f"{event.seq:>7}  {clock_time(event.time)}  ", "dim"),
        (f"{event.type:<23}", style),
        f"  {event.subject}  ",
        (told(event.data, known), "dim"),
    )
