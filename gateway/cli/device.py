"""`gateway device`: how the machines are, and what people do about them."""

from datetime import datetime
from math import pi
from typing import Annotated, Final

import httpx
import typer
from rich.text import Text

from gateway.cli.acts import OperatorOption, ReasonOption, act
from gateway.cli.appearance import Listing, clock_time, place_text, relative, state_text, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    content,
    parse,
    parse_items,
    print_json,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.snapshot import DeviceState, device_state
from gateway.cli.tables import commands_table
from gateway.contract.plant import DeviceView, LinkView, PositionView, TelegramView
from gateway.kernel.clock import SystemClock, to_datetime

device = typer.Typer(
    help="Devices: how they are; enable, disable, reset, localise; what was said on the wire.",
    no_args_is_help=True,
)

PATH: Final = "/v1/devices"
LIMIT: Final = 10_000

DeviceIdArgument = Annotated[str, typer.Argument(metavar="ID", help="The device's id.")]


@device.command("list")
def list_devices(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List devices and vehicles: state, place, load, the wire."""
    with connect(url, token_file) as gateway:
        page = gateway.items(PATH, {}, LIMIT)
    if as_json:
        print_json(page)
        return
    stdout().print(_devices_table(parse_items(DeviceView, page)))


@device.command()
def show(
    device_id: DeviceIdArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one device: its state, its wire, what it has been told and has not ended."""
    with connect(url, token_file) as gateway:
        _answer(gateway.get(f"{PATH}/{segment(device_id)}"), as_json)


@device.command()
def enable(
    device_id: DeviceIdArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the gateway use a device again."""
    with connect(url, token_file) as gateway:
        _answer(gateway.post(f"{PATH}/{segment(device_id)}/enable", act(operator, reason)), as_json)


@device.command()
def disable(
    device_id: DeviceIdArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a device nothing new; what it does now it finishes. Routes avoid it."""
    with connect(url, token_file) as gateway:
        _answer(gateway.post(f"{PATH}/{segment(device_id)}/disable", act(operator, reason)), as_json)


@device.command()
def reset(
    device_id: DeviceIdArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a device to clear a fault whose cause is gone."""
    with connect(url, token_file) as gateway:
        _answer(gateway.post(f"{PATH}/{segment(device_id)}/reset", act(operator, reason)), as_json)


@device.command()
def localise(
    device_id: DeviceIdArgument,
    node: Annotated[str, typer.Option("--at", metavar="NODE", help="Node of the road map where it stands.")],
    reason: ReasonOption,
    theta: Annotated[
        float, typer.Option(min=-pi, max=pi, metavar="RAD", help="Its heading on the map, -pi … pi.")
    ] = 0.0,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a vehicle that has lost its place where it stands; look first. Its sensors must agree."""
    body = {"nodeId": node, "theta": theta, **act(operator, reason)}
    with connect(url, token_file) as gateway:
        _answer(gateway.post(f"{PATH}/{segment(device_id)}/localise", body), as_json)


@device.command()
def telegrams(
    device_id: DeviceIdArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the last raw messages on the wire to a device, oldest first."""
    with connect(url, token_file) as gateway:
        page = gateway.whole(f"{PATH}/{segment(device_id)}/telegrams")
    if as_json:
        print_json(page)
        return
    console = stdout()
    for telegram in parse_items(TelegramView, page):
        console.print(_telegram_line(telegram), soft_wrap=True)
    if not page["items"]:
        console.print("nothing has been said on the wire yet")


def _answer(response: httpx.Response, as_json: bool) -> None:
    if as_json:
        print_json(content(response))
    else:
        _tell(parse(DeviceView, response))


def _state(view: DeviceView) -> DeviceState:
    return device_state(fault=view.fault, online=view.online, enabled=view.enabled)


def _note(view: DeviceView) -> str:
    return view.fault or view.offline_reason or ""


def _devices_table(views: list[DeviceView]) -> Listing:
    table = Listing(
        "device",
        "kind",
        "state",
        "place",
        "load",
        "battery",
        "wire",
        sentences=("what is the matter",),
    )
    for view in views:
        link = view.link
        battery = None if view.position is None else view.position.battery
        table.add_row(
            *(view.device_id, view.kind, state_text(_state(view)), _place(view.position)),
            " ".join(view.containers),
            "" if battery is None else f"{battery:.0%}",
            "" if link is None or link.latency_ms is None else f"{link.latency_ms:.1f} ms",
            Text(_note(view), "dim"),
        )
    return table


def _place(position: PositionView | None) -> str:
    return "" if position is None else place_text(position.location_id, position.x, position.y)


def _tell(view: DeviceView) -> None:
    console = stdout()
    now = to_datetime(SystemClock().now_us())
    console.print(Text.assemble((view.device_id, "bold"), f"  {view.kind}  ", state_text(_state(view))))
    if _note(view):
        console.print(Text(_note(view), "red"))
    if place := _place(view.position):
        console.print(f"at {place}")
    if view.containers:
        console.print(f"on board: {', '.join(view.containers)}")
    if view.link is not None:
        console.print(_wire(view.link, now))
    if view.commands:
        console.print(commands_table(view.commands, now))


def _wire(link: LinkView, now: datetime) -> str:
    parts = ["connected" if link.connected else "not connected"]
    if link.latency_ms is not None:
        parts.append(f"{link.latency_ms:.1f} ms a request")
    if link.last_heard_at is not None:
        parts.append(f"heard {relative(link.last_heard_at, now)}")
    parts.extend(f"{kind}: {count}" for kind, count in link.errors.items() if count)
    return f"wire: {', '.join(parts)}"


def _telegram_line(telegram: TelegramView) -> Text:
    return Text.assemble(
        (f"{clock_time(telegram.time)} ", "dim"),
        ("→" if telegram.outgoing else "←", "cyan" if telegram.outgoing else "green"),
        (f" {telegram.note:<24} " if telegram.note else " ", "bold"),
        telegram.text,
    )
