"""A VFS of SQLite that tells of every write and sync before it happens, and can let it fail.

It is registered with the library that Python's own sqlite3 uses, over that library's own VFS: production code opens its
files as ever. Of each file it replaces three operations (write, truncate, sync); all others are the library's.
"""

import _sqlite3
import ctypes
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast, pointer, string_at
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for a file; durable with the next sync of that file."""

    path: Path
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    path: Path


@dataclass(frozen=True, slots=True)
class Create:
    path: Path


@dataclass(frozen=True, slots=True)
class Delete:
    """A file's name goes; `durable` if its folder is synced with that."""

    path: Path
    durable: bool


Op = Write | Truncate | Sync | Create | Delete


class Watcher(Protocol):
    """Is told of every operation before it happens."""

    def __call__(self, op: Op) -> int:
        """Return SQLITE_OK to let it happen; any other result code lets it fail with that."""
        ...


class _File(Structure):
    _fields_ = (("methods", c_void_p),)


_WRITE = CFUNCTYPE(c_int, POINTER(_File), c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, POINTER(_File), c_int64)
_SYNC = CFUNCTYPE(c_int, POINTER(_File), c_int)


class _Methods(Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        ("others", c_void_p * 13),
    )


class _Vfs(Structure):
    """sqlite3_vfs, version 3."""


_OPEN = CFUNCTYPE(c_int, POINTER(_Vfs), c_void_p, POINTER(_File), c_int, POINTER(c_int))
_DELETE = CFUNCTYPE(c_int, POINTER(_Vfs), c_char_p, c_int)
_Vfs._fields_ = (
    ("version", c_int),
    ("file_size", c_int),
    ("path_max", c_int),
    ("next", c_void_p),
    ("name", c_char_p),
    ("data", c_void_p),
    ("open", _OPEN),
    ("delete", _DELETE),
    ("others", c_void_p * 14),
)

_OPEN_CREATE = 0x4

_library: Any = ctypes.CDLL(_sqlite3.__file__)  # what it is linked to is found through it
_library.sqlite3_vfs_find.restype = POINTER(_Vfs)


class WatchedVfs:
    """The library's default VFS with a watcher before it. Keep it as long as a file is open."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._below: Any = _library.sqlite3_vfs_find(None)
        self._paths: dict[int, Path] = {}
        self._methods: dict[int, tuple[_Methods, _Methods]] = {}
        self._vfs = _Vfs.from_buffer_copy(self._below.contents)
        self._vfs.name = b"watched"
        self._vfs.open = _OPEN(self._open)
        self._vfs.delete = _DELETE(self._delete)

    def register(self) -> None:
        """Have all connections use it that are opened from now on."""
        assert _library.sqlite3_vfs_register(pointer(self._vfs), 1) == sqlite3.SQLITE_OK

    def unregister(self) -> None:
        """Have connections use the library's own again."""
        assert _library.sqlite3_vfs_unregister(pointer(self._vfs)) == sqlite3.SQLITE_OK

    def _open(self, vfs: Any, name: int | None, file: Any, flags: int, shown: Any) -> int:
        path = Path(string_at(name).decode()) if name else None
        if path and flags & _OPEN_CREATE and not path.exists() and (code := self._watcher(Create(path))):
            return code
        # The name is handed on as it came: SQLite keeps URI parameters behind its end.
        code = self._below.contents.open(vfs, name, file, flags, shown)
        if code == sqlite3.SQLITE_OK and path:
            self._paths[_address(file)] = path
            file.contents.methods = ctypes.addressof(self._watched(file.contents.methods))
        return code

    def _watched(self, address: int) -> _Methods:
        if address not in self._methods:
            below = cast(address, POINTER(_Methods)).contents
            watched = _Methods.from_buffer_copy(below)
            watched.write = _WRITE(
                lambda file, data, amount, offset: self._told(
                    Write(self._paths[_address(file)], offset, string_at(data, amount)),
                    lambda: below.write(file, data, amount, offset),
                )
            )
            watched.truncate = _TRUNCATE(
                lambda file, size: self._told(
                    Truncate(self._paths[_address(file)], size), lambda: below.truncate(file, size)
                )
            )
            watched.sync = _SYNC(
                lambda file, flags: self._told(
                    Sync(self._paths[_address(file)]), lambda: below.sync(file, flags)
                )
            )
            self._methods[address] = below, watched
        return self._methods[address][1]

    def _delete(self, vfs: Any, name: bytes, durable: int) -> int:
        return self._told(
            Delete(Path(name.decode()), bool(durable)),
            lambda: self._below.contents.delete(vfs, name, durable),
        )

    def _told(self, op: Op, act: Callable[[], int]) -> int:
        return self._watcher(op) or act()


@contextmanager
def watched(watcher: Watcher) -> Generator[None]:
    """Tell a watcher of everything that is written to databases opened inside the context."""
    vfs = WatchedVfs(watcher)
    vfs.register()
    try:
        yield
    finally:
        vfs.unregister()


def _address(file: Any) -> int:
    return ctypes.addressof(file.contents)
