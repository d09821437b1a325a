"""Power cuts: what a disk may hold when the power goes in the middle of a recorded sequence of writes.

Whatever was synced is kept. Of what was written since, the disk keeps any part, in any order: nothing, all, the first
writes, some of the writes, some of the sectors, or a sector torn in the middle. A file's new or missing name is as uncertain
until its folder is synced. A disk that acknowledges a sync and does not keep it is beyond this.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.disk.vfs import Create, Delete, Op, Sync, Truncate, Write


@dataclass(frozen=True, slots=True)
class FailedSync:
    """A sync that failed: what it was about is dropped, though the process goes on seeing it, and the next sync succeeds."""

    path: Path


SECTOR: Final = 512


@dataclass
class _Content:
    """What a name stands for: the bytes that processes see, those that are surely there, and what was done to them since."""

    seen: bytearray = field(default_factory=bytearray)
    kept: bytearray = field(default_factory=bytearray)
    since: list[Write | Truncate] = field(default_factory=list[Write | Truncate])

    def change(self, op: Write | Truncate) -> None:
        _apply(self.seen, op)
        self.since.append(op)

    def sync(self) -> None:
        self.kept = self.after(self.since)
        self.since = []

    def after(self, ops: Sequence[Write | Truncate]) -> bytearray:
        image = bytearray(self.kept)
        for op in ops:
            _apply(image, op)
        return image


class Disk:
    """The files of one folder while a sequence of operations goes on."""

    def __init__(self) -> None:
        # What each name may stand for, the newest last; None: there is no such file.
        self._names: dict[Path, list[_Content | None]] = {}

    def do(self, op: Op | FailedSync) -> None:
        """Let one operation happen."""
        match op:
            case Create(path):
                self._names.setdefault(path, [None]).append(_Content())
            case Delete(path, durable):
                if path in self._names:
                    self._names[path].append(None)
                if durable:
                    self._sync_folder()
            case Sync(path):
                self._newest(path).sync()
                self._sync_folder()
            case Write(path) | Truncate(path):
                self._newest(path).change(op)
            case FailedSync(path):
                self._newest(path).since.clear()

    def whole(self) -> dict[Path, bytes]:
        """Return the files as a process sees them as long as the power stays."""
        return {
            path: bytes(content.seen)
            for path, contents in self._names.items()
            if (content := contents[-1]) is not None
        }

    def cut(self, rng: Random) -> dict[Path, bytes]:
        """Return files that the disk may hold after a power cut at this moment."""
        survives = rng.choice(_SURVIVALS)
        images: dict[Path, bytes] = {}
        for path, contents in self._names.items():
            content = rng.choice(contents)
            if content is not None:
                images[path] = bytes(content.after(list(survives(content.since, rng))))
        return images

    def _newest(self, path: Path) -> _Content:
        content = self._names[path][-1]
        assert content is not None, f"{path} was deleted"
        return content

    def _sync_folder(self) -> None:
        # SQLite syncs the folder with the first sync of every journal that it has made.
        for contents in self._names.values():
            del contents[:-1]


def _apply(image: bytearray, op: Write | Truncate) -> None:
    match op:
        case Write(_, offset, data):
            if len(image) < offset:
                image.extend(bytes(offset - len(image)))
            image[offset : offset + len(data)] = data
        case Truncate(_, size):
            del image[size:]


Since = Sequence[Write | Truncate]


def _nothing(_: Since, __: Random) -> Iterator[Write | Truncate]:
    return iter(())


def _all(since: Since, _: Random) -> Iterator[Write | Truncate]:
    return iter(since)


def _first(since: Since, rng: Random) -> Iterator[Write | Truncate]:
    return iter(since[: rng.randint(0, len(since))])


def _some(since: Since, rng: Random) -> Iterator[Write | Truncate]:
    return (op for op in since if rng.random() < 0.5)


def _sectors(since: Since, rng: Random) -> Iterator[Write | Truncate]:
    share = rng.choice((0.1, 0.5, 0.9))
    return (part for op in since for part in _in_sectors(op) if rng.random() < share)


def _torn(since: Since, rng: Random) -> Iterator[Write | Truncate]:
    """The first writes are there, the last of them up to the middle of a sector."""
    parts = [part for op in since for part in _in_sectors(op)]
    kept = parts[: rng.randint(0, len(parts))]
    yield from kept[:-1]
    match kept[-1:]:
        case [Write(path, offset, data)]:
            yield Write(path, offset, data[: rng.randint(0, len(data))])
        case rest:
            yield from rest


def _in_sectors(op: Write | Truncate) -> Iterator[Write | Truncate]:
    if isinstance(op, Truncate):
        yield op
        return
    start, end = op.offset, op.offset + len(op.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield Write(op.path, start, op.data[start - op.offset : stop - op.offset])
        start = stop


_SURVIVALS: Final = (_nothing, _all, _first, _some, _sectors, _torn)
