"""The live view of a running demo: what an operator sees at one glance, on small and on large terminals.

Rendering is pure: the same snapshot gives the same picture. Where the output is no terminal, a plain line every few seconds
tells how far it has come.
"""

import asyncio
from collections import deque
from dataclasses import replace
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gateway.cli.appearance import STATE_STYLES, duration, place_text, state_text, stopwatch
from gateway.cli.picture import LEGEND, ROADS_LEGEND, Picture
from gateway.cli.snapshot import DemoSource, DeviceState, ShownDevice, ShownOrders, ShownTransport, Snapshot
from gateway.contract.reports import Position
from gateway.contract.transports import TransportStatus
from gateway.site.model import Site

FRAME_S: Final = 0.4
LINE_S: Final = 5.0
PACE_WINDOW_S: Final = 5.0
WIDE: Final = 120
"""Columns from which on the devices get a table of their own beside the picture."""
SIDE_WIDTH: Final = 56
VEHICLES_A_LINE: Final = 3
ID_NARROW: Final = 10
ID_WIDE: Final = 24
BESIDE_ID: Final = 65
"""Columns that the rest of a transport takes, with a reason that can still be read."""
TROUBLES_MAX: Final = 3
BATTERY_LOW: Final = 0.3
BORDERS: Final = 2
"""Lines that a panel takes for itself."""
PANEL_COLUMNS: Final = 4
ALWAYS_COUNTED: Final = (TransportStatus.FAILED, TransportStatus.UNKNOWN)


class DemoView:
    """Renders a demo of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._picture = Picture(site)

    def render(self, snapshot: Snapshot, events_per_s: float) -> RenderableType:
        """Return the view; it fills whatever size its console has, from 80 × 24 on."""
        return _Screen(self._site, self._picture, snapshot, events_per_s)

    def line(self, snapshot: Snapshot, events_per_s: float) -> str:
        """Return how far the demo has come, in one line."""
        total = "" if snapshot.total is None else f"/{snapshot.total}"
        others = ", ".join(
            f"{snapshot.counts.get(status, 0)} {status}"
            for status in (TransportStatus.EXECUTING, *ALWAYS_COUNTED)
        )
        if snapshot.orders is None:
            done = f"{snapshot.done}{total} completed"
        else:
            done = f"{snapshot.done}{total} orders shipped, {_orders(snapshot.orders).plain}"
        troubles = "".join(f"; {trouble.plain}" for trouble in _troubles(snapshot))
        return (
            f"{stopwatch(snapshot.elapsed_s)}  {done}, {others};"
            f" {events_per_s:.0f} events/s, {snapshot.moves} moves{troubles}"
        )

    async def watch(self, source: DemoSource, console: Console) -> None:
        """Show the demo until cancelled."""
        if console.is_terminal:
            await self._watch_live(source, console)
        else:
            await self._watch_lines(source, console)

    async def _watch_live(self, source: DemoSource, console: Console) -> None:
        pace, whereabouts = Pace(), Whereabouts()
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                snapshot = whereabouts.remembered(source.snapshot())
                frame = self.render(snapshot, pace.per_s(snapshot))
                # A large frame takes 50 ms to draw: too long for the loop that the gateway runs on.
                await asyncio.to_thread(live.update, frame, refresh=True)
                await asyncio.sleep(FRAME_S)

    async def _watch_lines(self, source: DemoSource, console: Console) -> None:
        pace = Pace()
        while True:
            await asyncio.sleep(LINE_S)
            snapshot = source.snapshot()
            console.print(Text(self.line(snapshot, pace.per_s(snapshot))), soft_wrap=True)


class Pace:
    """Events a second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def per_s(self, snapshot: Snapshot) -> float:
        """Note how many events there are by now; return how fast they have come lately."""
        self._seen.append((snapshot.elapsed_s, snapshot.events))
        while len(self._seen) > 2 and snapshot.elapsed_s - self._seen[1][0] >= PACE_WINDOW_S:
            self._seen.popleft()
        first_s, first = self._seen[0]
        passed = snapshot.elapsed_s - first_s
        return (snapshot.events - first) / passed if passed > 0 else 0.0


class Whereabouts:
    """Where devices stood last: PLC devices tell their place only while they stand, and shall not vanish between places."""

    def __init__(self) -> None:
        self._last: dict[str, Position] = {}

    def remembered(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the last known place of each device that tells none at the moment."""
        return replace(snapshot, devices=tuple(map(self._remembered, snapshot.devices)))

    def _remembered(self, device: ShownDevice) -> ShownDevice:
        now = device.position
        if now is not None and (now.location_id is not None or now.x is not None):
            self._last[device.device_id] = now
        return replace(device, position=self._last.get(device.device_id, now))


class _Screen:
    """One snapshot on a console of any size."""

    def __init__(self, site: Site, picture: Picture, snapshot: Snapshot, events_per_s: float) -> None:
        self._site = site
        self._picture = picture
        self._snapshot = snapshot
        self._events_per_s = events_per_s

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.height
        head = [*self._head(), *_troubles(self._snapshot)]
        body = Layout()
        if width >= WIDE:
            main, side = Layout(), Layout(size=SIDE_WIDTH)
            main.split_column(*self._floor(width - SIDE_WIDTH), self._transports(height, width - SIDE_WIDTH))
            side.split_column(*self._side(height - len(head)))
            body.split_row(main, side)
        else:
            body.split_column(*self._floor(width), *self._vehicles(), self._transports(height, width))
        screen = Layout()
        screen.split_column(Layout(Group(*head), size=len(head)), body)
        yield from console.render(screen, options.update(height=height))

    def _head(self) -> list[RenderableType]:
        snapshot = self._snapshot
        online = sum(device.state is DeviceState.ONLINE for device in snapshot.devices)
        title = Table.grid(expand=True)
        title.add_column(no_wrap=True)
        title.add_column(no_wrap=True, justify="right")
        title.add_row(
            Text.assemble(("gateway ", "bold"), (self._site.id, "bold cyan"), f" {snapshot.url}"),
            Text.assemble(
                f"devices {online}/{len(snapshot.devices)}  ", (stopwatch(snapshot.elapsed_s), "bold")
            ),
        )
        progress = Table.grid(expand=True, padding=(0, 1, 0, 0))
        progress.add_column(no_wrap=True)
        progress.add_column(ratio=1)
        progress.add_column(no_wrap=True)
        wanted = "" if snapshot.total is None else f"/{snapshot.total}"
        done = "completed" if snapshot.orders is None else "shipped"
        progress.add_row(
            Text.assemble((f"{snapshot.done}{wanted}", "bold green"), f" {done}"),
            ProgressBar(total=snapshot.total or 1, completed=snapshot.done if snapshot.total else 0),
            f"{snapshot.events} events ({self._events_per_s:.0f}/s)  {snapshot.moves} moves",
        )
        orders = [] if snapshot.orders is None else [_orders(snapshot.orders)]
        return [title, progress, *orders, _counts(snapshot)]

    def _floor(self, width: int) -> list[Layout]:
        lines = self._picture.floor(self._snapshot, width - PANEL_COLUMNS)
        return [_panel("floor", Group(*lines), len(lines), LEGEND)] if lines else []

    def _transports(self, height: int, width: int) -> Layout:
        id_width = min(max(width - BESIDE_ID, ID_NARROW), ID_WIDE)
        under_way = self._snapshot.under_way
        table = _table("transport", "container", "where", "to", "status")
        # The only column that gives way where there is not room for all.
        table.add_column("why it waits", ratio=1)
        for transport in under_way[:height]:
            table.add_row(*_transport_row(transport, id_width))
        return _panel(f"{len(under_way)} under way", table)

    def _vehicles(self) -> list[Layout]:
        """Return the vehicles side by side, where there is no table of all devices."""
        vehicles = [d for d in self._snapshot.devices if d.device_id in self._picture.vehicle_ids]
        if not vehicles:
            return []
        grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
        for _ in range(VEHICLES_A_LINE):
            grid.add_column(ratio=1, no_wrap=True)
        for first in range(0, len(vehicles), VEHICLES_A_LINE):
            grid.add_row(*(_vehicle_text(vehicle) for vehicle in vehicles[first : first + VEHICLES_A_LINE]))
        return [_panel("vehicles", grid, grid.row_count)]

    def _side(self, height: int) -> list[Layout]:
        table = _table("device", "state", "place", "load", "battery")
        for device in self._snapshot.devices[:height]:
            table.add_row(*_device_row(device))
        left = height - (table.row_count + 1 + BORDERS) - BORDERS
        roads = self._picture.roads(self._snapshot, SIDE_WIDTH - PANEL_COLUMNS, left) if left > 0 else []
        if not roads:
            return [_panel("devices", table)]
        return [
            _panel("devices", table, table.row_count + 1),
            _panel("roads", Group(*roads), subtitle=ROADS_LEGEND),
        ]


def _panel(title: str, inside: RenderableType, lines: int | None = None, subtitle: str = "") -> Layout:
    """Return a bordered part of the screen, of so many lines, or as high as there is room."""
    panel = Panel(inside, title=title, subtitle=subtitle or None, title_align="left", border_style="dim")
    return Layout(panel, size=None if lines is None else lines + BORDERS)


def _table(*titles: str) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def _counts(snapshot: Snapshot) -> Text:
    shown = [
        (status, snapshot.counts.get(status, 0))
        for status in TransportStatus
        if status in ALWAYS_COUNTED or snapshot.counts.get(status, 0)
    ]
    figures = [
        Text.assemble((status, STATE_STYLES[status] if count else "dim"), f" {count}")
        for status, count in shown
    ]
    if any(snapshot.counts.get(status, 0) for status in ALWAYS_COUNTED):
        figures.append(Text("what to do: gateway alarms", "dim"))
    return Text("  ").join(figures)


def _orders(orders: ShownOrders) -> Text:
    """Return pile-on, stock, orders by status and stations in one line; its end, which the floor shows too, may be cut off."""
    counts = [Text.assemble((status, "cyan"), f" {count}") for status, count in orders.counts.items()]
    pile_on = "–" if orders.pile_on is None else f"{orders.pile_on:.1f}"
    figures = [
        Text.assemble("pieces/tote ", (pile_on, "bold")),
        Text.assemble("stock ", (str(orders.quantity), "bold"), f" ({orders.promised} promised)"),
    ]
    stations = [Text(f"{station} {count}") for station, count in orders.at_stations.items()]
    line = Text("  ").join([*figures, *counts, *stations])
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _troubles(snapshot: Snapshot) -> list[Text]:
    """Return a line for each transport that waits for a person and each device that cannot work, the first few of them."""
    undecided = [
        _trouble(transport.transport_id, transport.status, transport.waiting or "")
        for transport in snapshot.under_way
        if transport.status in ALWAYS_COUNTED
    ]
    ailing = [
        _trouble(device.device_id, device.state, device.note)
        for device in snapshot.devices
        if device.state is not DeviceState.ONLINE
    ]
    lines = undecided + ailing
    if len(lines) <= TROUBLES_MAX:
        return lines
    return [*lines[:TROUBLES_MAX], Text(f"and {len(lines) - TROUBLES_MAX} more", "red")]


def _trouble(who: str, state: str, why: str) -> Text:
    what = (f"{who} {state}", STATE_STYLES[state])
    return Text.assemble(what, f": {why}" if why else "", no_wrap=True, overflow="ellipsis")


def _transport_row(transport: ShownTransport, id_width: int) -> tuple[RenderableType, ...]:
    name = transport.transport_id
    waiting = Text(
        transport.waiting or f"for {duration(transport.age_s)}", "dim" if transport.waiting else ""
    )
    waiting.no_wrap, waiting.overflow = True, "ellipsis"
    return (
        # The end of an id tells more than its beginning.
        name if len(name) <= id_width else f"…{name[1 - id_width :]}",
        transport.container_id,
        transport.where or Text("?", "magenta"),
        transport.destination,
        state_text(transport.status),
        waiting,
    )


def _device_row(device: ShownDevice) -> tuple[RenderableType, ...]:
    return device.device_id, state_text(device.state), _place(device), device.load or "", _battery(device)


def _vehicle_text(device: ShownDevice) -> Text:
    return Text.assemble(
        (f"{device.device_id} ", STATE_STYLES[device.state]),
        _battery(device),
        *((f" {device.load}" if device.load else "", "yellow"), f" {_place(device)}"),
        overflow="ellipsis",
    )


def _place(device: ShownDevice) -> str:
    at = device.position
    return "" if at is None else place_text(at.location_id, at.x, at.y)


def _battery(device: ShownDevice) -> Text:
    charge = None if device.position is None else device.position.battery
    if charge is None:
        return Text()
    style = "red" if charge < BATTERY_LOW else "green"
    return Text(f"{charge:4.0%}", style)
