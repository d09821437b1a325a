"""Devices as OPC UA variables and methods, in memory: values by node identifier."""

from asyncio import Event
from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway.contract.wiring import Tag
from sim_devices.mailbox import Fields
from sim_devices.surface import Base, Called, Shown, Surface, Taken, Ticking, empty


class UnknownNode(LookupError):  # noqa: N818 - an answer on the wire
    """No such variable or method, or not one that may be written."""


class NodeSpace:
    """The variables and methods of all devices behind one link.

    Writes are judged by the devices before they return; one `write` is one OPC UA Write of several nodes.
    `changed` is set whenever there are `changes` that nobody has fetched.
    """

    def __init__(self) -> None:
        self.shown: dict[str, Tag] = {}
        self.taken: dict[str, Tag] = {}
        self.called: dict[str, Called] = {}
        self.changed = Event()
        self._watchers: dict[tuple[str, ...], Callable[[], None]] = {}
        self._takers: dict[str, Taken] = {}
        self._ticking: dict[str, Ticking] = {}
        self._standing: dict[Shown | Taken, Fields] = {}
        self._values: dict[str, int | str] = {}
        self._changes: dict[str, int | str] = {}

    def mount(self, surface: Surface) -> None:
        """Give a device its nodes."""
        for block in surface.shown:
            self.shown |= {_identifier(block.base, tag): tag for tag in block.tags}
        for block in surface.taken:
            tags = {_identifier(block.base, tag): tag for tag in block.tags}
            self.taken |= tags
            self._takers |= dict.fromkeys(tags, block)
            self._values |= {identifier: empty(tag) for identifier, tag in tags.items()}
            self._standing[block] = block.blank()
        for ticking in surface.ticking:
            identifier = _identifier(ticking.base, ticking.tag)
            self.shown[identifier] = ticking.tag
            self._ticking[identifier] = ticking
            self._values[identifier] = empty(ticking.tag)
        for called in surface.called:
            self.called[f"{called.base}{called.method}"] = called

    def show(self, surface: Surface) -> None:
        """Let the variables show what the device shows now, and be empty where it has cleared what was written."""
        changed: dict[str, int | str] = {}
        for block in surface.shown:
            changed |= self._news(block, block.read())
        for block in surface.taken:
            if block not in self._standing and block.is_clear():
                changed |= self._news(block, block.blank())
        if changed:
            self._values |= changed
            self._changes |= changed
            self.changed.set()
            for identifiers, wake in self._watchers.items():
                if not changed.keys().isdisjoint(identifiers):
                    wake()

    def watch(self, identifiers: Sequence[str], wake: Callable[[], None]) -> None:
        """Call `wake` after any of these variables has changed; replaces an earlier watch of the same ones."""
        self._watchers[tuple(identifiers)] = wake

    def changes(self) -> dict[str, int | str]:
        """Return what has changed since the last call, newest values only."""
        self._tick(self._ticking)
        changes, self._changes = self._changes, {}
        self.changed.clear()
        return changes

    def read(self, identifiers: Sequence[str]) -> list[int | str]:
        """Return the values of variables.

        Raises:
            UnknownNode: there is no such variable.
        """
        self._tick(identifiers)
        try:
            return [self._values[identifier] for identifier in identifiers]
        except KeyError as missing:
            raise UnknownNode(f"there is no variable {missing}") from None

    def write(self, values: Mapping[str, int | str]) -> None:
        """Write variables in one request, then let each device judge each block that was touched.

        Raises:
            UnknownNode: one of them cannot be written; nothing has been written.
        """
        if not all(identifier in self._takers for identifier in values):
            raise UnknownNode(f"not all of {', '.join(values)} can be written")
        self._values |= values
        touched = dict.fromkeys(self._takers[identifier] for identifier in values)
        for block in touched:
            self._standing.pop(block, None)
        for block, fields in [(block, self._fields(block)) for block in touched]:
            block.write(fields)

    def call(self, identifier: str, arguments: Sequence[int | str]) -> int | None:
        """Call a method; None: the device is dead and gives no answer.

        Raises:
            UnknownNode: there is no such method, or it takes other arguments.
        """
        called = self.called.get(identifier)
        if called is None or len(arguments) != len(called.tags):
            raise UnknownNode(f"there is no method {identifier} with {len(arguments)} arguments")
        return called.call({tag.name: value for tag, value in zip(called.tags, arguments, strict=True)})

    def _news(self, block: Shown | Taken, fields: Fields) -> dict[str, int | str]:
        """Return the variables that differ from now on from what they have been."""
        if self._standing.get(block) == fields:
            return {}
        self._standing[block] = fields
        values = {_identifier(block.base, tag): fields[tag.name] for tag in block.tags}
        return {
            identifier: value for identifier, value in values.items() if self._values.get(identifier) != value
        }

    def _tick(self, identifiers: Iterable[str]) -> None:
        """Let those of these variables that count by themselves be up to date."""
        for identifier in identifiers:
            if identifier not in self._ticking:
                continue
            value = self._ticking[identifier].read()
            if value is not None and value != self._values[identifier]:
                self._values[identifier] = self._changes[identifier] = value

    def _fields(self, block: Taken) -> dict[str, int | str]:
        return {tag.name: self._values[_identifier(block.base, tag)] for tag in block.tags}


def _identifier(base: Base, tag: Tag) -> str:
    return f"{base}{tag.address}"
