"""Where loads are, kept in a file over the end of the process.

A simulated site that is started again knows nothing of before, while whoever controlled it still has its books. What stands in a
hall stays there though, whatever loses its power. So each load that moves is a line of this file, written before anybody can hear
of it; the file of a process that was killed lacks nothing but, perhaps, the half of its last line.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError

from sim_devices.world import Impossible, World

log = structlog.get_logger()

LINES_MAX: Final = 10_000
"""So many lines are written behind each other; then the file is written anew, a line a container."""

_HEAD: Final = TypeAdapter[dict[str, str]](dict[str, str])
_LINE: Final = TypeAdapter[tuple[str, str | None, str]](tuple[str, str | None, str])


class Places:
    """The file of one site: its first line names the site, each other one a container, its spot (null: none), and its label."""

    def __init__(self, file: Path, site_id: str) -> None:
        self._file = file
        self._head = {"site": site_id}
        self._lines = 0
        self._behind = False

    def restore(self, world: World) -> bool:
        """Put every container where it was, and no other one anywhere; False: the file does not exist, nothing has changed.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not a file of this site, or the site has no such places any more; the text says which.
        """
        if not self._file.exists():
            return False
        kept = dict(self._read())
        for container in tuple(world.spots):
            world.remove(container)
        try:
            for container, (spot, label) in kept.items():
                if spot is not None:
                    world.place(container, spot, label)
        except Impossible as reason:
            raise ValueError(str(reason)) from reason
        return True

    def follow(self, world: World) -> None:
        """Write down where everything is, and from now on whatever moves.

        Raises:
            OSError: the file cannot be written.
        """
        self._write_anew(world)
        world.follow(lambda container: self._note(world, container))

    def _read(self) -> Iterator[tuple[str, tuple[str | None, str]]]:
        head, *lines = self._file.read_text(encoding="utf-8").splitlines() or [""]
        try:
            if _HEAD.validate_json(head) != self._head:
                raise ValueError(f"it begins with {head}, not with {json.dumps(self._head)}")
        except ValidationError as error:
            raise ValueError("it does not begin with the name of a site") from error
        for number, line in enumerate(lines, start=2):
            try:
                container, spot, label = _LINE.validate_json(line)
            except ValidationError as error:
                if number > len(lines):
                    return  # a process was killed while it wrote
                raise ValueError(f"line {number} is damaged") from error
            yield container, (spot, label)

    def _note(self, world: World, container: str) -> None:
        """Write one change down; on a full disk the world goes on, and all of it is written once there is room."""
        try:
            if self._behind or self._lines >= LINES_MAX:
                self._write_anew(world)
            else:
                self._append(world, container)
        except OSError as error:
            if not self._behind:
                log.warning("where loads are is not kept", file=str(self._file), why=str(error))
            self._behind = True
        else:
            if self._behind:
                log.info("where loads are is kept again", file=str(self._file))
            self._behind = False

    def _append(self, world: World, container: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(_line(world, container))
        self._lines += 1

    def _write_anew(self, world: World) -> None:
        fresh = self._file.with_name(f"{self._file.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(f"{json.dumps(self._head)}\n")
            file.writelines(_line(world, container) for container in world.spots)
        os.replace(fresh, self._file)
        self._lines = 0


def _line(world: World, container: str) -> str:
    spot = world.spot_of(container)
    return f"{json.dumps([container, spot, world.label(container) if spot else ''])}\n"
