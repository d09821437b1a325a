"""Simulated OPC UA devices as an independent client meets them (asyncua's plain client)."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, Node, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.contract.wiring import OpcUaSecurity
from sim_devices.faces.opcua import APPLICATION_URI, server_key
from sim_devices.faults.kinds import BlackHole, LinkDrop, LostReply, Reboot
from sim_devices.mailbox import Accept, CommandBlock, Done, Refused
from sim_devices.site import SimulatedSite
from tests.wire.sim_site import opcua_site, pick, running, until

pytestmark = pytest.mark.wire

UNSIGNED = {
    "epoch": ua.VariantType.UInt32,
    "seq": ua.VariantType.UInt16,
    "op": ua.VariantType.UInt16,
    "jobId": ua.VariantType.UInt64,
    "source": ua.VariantType.UInt32,
    "target": ua.VariantType.UInt32,
}


def variants(block: CommandBlock) -> dict[str, ua.Variant]:
    numbers = (block.epoch, block.seq, block.op, block.job_id, block.source, block.target)
    typed = {
        name: ua.Variant(number, kind) for (name, kind), number in zip(UNSIGNED.items(), numbers, strict=True)
    }
    return typed | {
        "container": ua.Variant(block.container, ua.VariantType.String),
        "bootId": ua.Variant(block.boot_id, ua.VariantType.UInt16),
        "check": ua.Variant(block.check, ua.VariantType.UInt16),
    }


def url(simulated: SimulatedSite) -> str:
    return simulated.links["plc"].link.url  # pyright: ignore[reportAttributeAccessIssue]


class Peer:
    """A client of the device below `S1.`."""

    def __init__(self, client: Client, namespace: int) -> None:
        self.client = client
        self._namespace = namespace

    def node(self, name: str) -> Node:
        return self.client.get_node(f"ns={self._namespace};s=S1.{name}")

    async def write(self, block: CommandBlock) -> None:
        fields = variants(block)
        nodes = [self.node(f"Cmd.{name}") for name in fields]
        await self.client.write_values(nodes, [ua.DataValue(value) for value in fields.values()])

    async def call(self, block: CommandBlock) -> int:
        return await self.client.nodes.objects.call_method(
            self.node("Execute").nodeid, *variants(block).values()
        )

    async def status(self, *names: str) -> list[Any]:
        return await self.client.read_values([self.node(f"Status.{name}") for name in names])

    async def done(self, seq: int) -> int:
        async with asyncio.timeout(10):
            while (await self.status("doneSeq"))[0] != seq:
                await asyncio.sleep(0.01)
        return (await self.status("doneCode"))[0]


@contextlib.asynccontextmanager
async def peer(simulated: SimulatedSite) -> AsyncGenerator[Peer]:
    client = Client(url(simulated), timeout=2)
    client.session_timeout = 60_000
    async with client:
        yield Peer(client, await client.get_namespace_index("urn:warehouse:mailbox"))


async def test_a_command_that_is_written_twice_moves_its_load_once() -> None:
    async with running(opcua_site("opcua-mailbox")) as simulated, peer(simulated) as device:
        await device.write(pick(simulated, seq=1))
        assert await device.status("ackSeq", "acceptCode", "jobId") == [1, Accept.TAKEN, 100]
        await device.write(pick(simulated, seq=1))
        assert await device.done(1) == Done.DONE
        await device.write(pick(simulated, seq=1))
        assert await device.status("load", "position") == [1, 1]
        assert simulated.world.snapshot() == {"containers": {"T1": "shuttle"}, "moves": {"100": 1}}


async def test_the_variables_have_the_types_of_the_profile() -> None:
    async with running(opcua_site("opcua-mailbox")) as simulated, peer(simulated) as device:
        for name, kind in {
            "jobId": ua.VariantType.UInt64,
            "position": ua.VariantType.UInt32,
            "life": ua.VariantType.UInt16,
            "barcode": ua.VariantType.String,
        }.items():
            assert await device.node(f"Status.{name}").read_data_type_as_variant_type() is kind


async def test_a_half_written_block_does_not_fit_and_the_devices_own_variables_cannot_be_written() -> None:
    async with running(opcua_site("opcua-mailbox")) as simulated, peer(simulated) as device:
        await device.node("Cmd.seq").write_value(ua.DataValue(ua.Variant(5, ua.VariantType.UInt16)))
        assert await device.status("refusedSeq", "refusedCode", "ackSeq") == [5, Refused.CHECK, 0]
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await device.node("Status.ackSeq").write_value(ua.DataValue(ua.Variant(5, ua.VariantType.UInt16)))
        await device.write(pick(simulated, seq=1))
        assert await device.status("ackSeq") == [1]


async def test_a_subscription_tells_what_happens_without_asking() -> None:
    seen: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    class Handler:
        def datachange_notification(self, node: Node, val: Any, data: Any) -> None:
            seen.put_nowait((str(node.nodeid.Identifier), val))

    async with running(opcua_site("opcua-mailbox")) as simulated, peer(simulated) as device:
        subscription = await device.client.create_subscription(20, Handler())
        await subscription.subscribe_data_change(
            [device.node(f"Status.{name}") for name in ("doneSeq", "life")]
        )
        await device.write(pick(simulated, seq=1))
        told: set[str] = set()
        async with asyncio.timeout(10):
            while told != {"S1.Status.doneSeq", "S1.Status.life"}:
                name, value = await seen.get()
                told |= {name} if value else set()


async def test_a_site_that_stops_forgets_sessions_whose_clients_are_gone_without_a_word() -> None:
    async with running(opcua_site("opcua-mailbox")) as simulated:
        with contextlib.suppress(ConnectionError, ua.UaError, TimeoutError):
            async with peer(simulated) as device:
                subscription = await device.client.create_subscription(20, None)
                await subscription.subscribe_data_change(device.node("Status.life"))
                simulated.faults.add(LinkDrop(device="shuttle", duration_s=None))


async def test_the_method_answers_what_the_variables_show_and_a_repeated_call_moves_nothing() -> None:
    async with running(opcua_site("opcua-method"), speed=10.0) as simulated, peer(simulated) as device:
        assert await device.call(pick(simulated, seq=1)) == Accept.TAKEN
        assert await device.status("ackSeq", "acceptCode") == [1, Accept.TAKEN]
        assert await device.call(pick(simulated, seq=1)) == Accept.TAKEN
        assert await device.call(pick(simulated, seq=2, job_id=101)) == Accept.NOTHING
        assert await device.status("ackSeq", "refusedSeq", "refusedCode") == [1, 2, Refused.EXECUTING]
        assert await device.done(1) == Done.DONE
        await asyncio.sleep(0.05)
        assert await device.status("ackSeq") == [1]
        assert simulated.world.moves("100") == 1
        with pytest.raises(ua.UaStatusCodeError):
            await device.client.nodes.objects.call_method(device.node("Execute").nodeid, ua.Variant(1))


async def test_a_lost_reply_is_not_a_lost_command() -> None:
    async with running(opcua_site("opcua-mailbox")) as simulated:
        with contextlib.suppress(ConnectionError, ua.UaError, TimeoutError):
            async with peer(simulated) as device:
                simulated.faults.add(LostReply(device="shuttle"))
                with pytest.raises((ConnectionError, ua.UaError, TimeoutError)):
                    await device.write(pick(simulated, seq=1))
        async with peer(simulated) as device:
            assert await device.done(1) == Done.DONE
            await device.write(pick(simulated, seq=1))
            assert simulated.world.moves("100") == 1


async def test_a_write_into_a_black_hole_raises_and_is_executed_when_it_is_over() -> None:
    async with running(opcua_site("opcua-mailbox")) as simulated, peer(simulated) as device:
        fault = simulated.faults.add(BlackHole(device="shuttle"))
        with pytest.raises((ConnectionError, ua.UaError, TimeoutError)):
            async with asyncio.timeout(0.3):
                await device.write(pick(simulated, seq=1))
        assert simulated.world.moves("100") == 0
        simulated.faults.remove(fault.fault_id)
        await until(lambda: simulated.world.moves("100") == 1)


async def test_a_device_that_loses_power_takes_its_link_down_and_comes_back_with_its_memory() -> None:
    async with running(opcua_site("opcua-mailbox")) as simulated:
        async with peer(simulated) as device:
            await device.write(pick(simulated, seq=1))
            await device.done(1)
            (boot_id,) = await device.status("bootId")
        fault = simulated.faults.add(Reboot(device="shuttle", duration_s=None))
        await asyncio.sleep(0.01)
        with pytest.raises((ConnectionError, ua.UaError, TimeoutError)):
            async with peer(simulated):
                pass
        simulated.faults.remove(fault.fault_id)
        await asyncio.sleep(0.01)
        async with peer(simulated) as device:
            assert await device.status("ackSeq", "doneSeq", "doneCode") == [1, 1, Done.DONE]
            assert await device.status("bootId") != [boot_id]


def make_certificate(folder: Path, name: str, application_uri: str) -> tuple[Path, Path]:
    """Write a self-signed certificate and its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(application_uri)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    server_key(path).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path, server_key(path)


async def test_with_security_only_the_trusted_certificate_gets_in(tmp_path: Path) -> None:
    trusted, trusted_key = make_certificate(tmp_path, "gateway", "urn:gateway")
    other, other_key = make_certificate(tmp_path, "other", "urn:gateway")
    server, _ = make_certificate(tmp_path, "plc", APPLICATION_URI)
    security = OpcUaSecurity(certificate=trusted, private_key=trusted_key, server_certificate=server)

    async def connect(certificate: Path, key: Path, simulated: SimulatedSite) -> None:
        client = Client(url(simulated), timeout=2)
        client.application_uri = "urn:gateway"
        client.session_timeout = 60_000
        await client.set_security(
            SecurityPolicyBasic256Sha256, certificate, key, server_certificate=str(server)
        )
        async with client:
            await client.get_namespace_index("urn:warehouse:mailbox")

    async with running(opcua_site("opcua-mailbox", security)) as simulated:
        await connect(trusted, trusted_key, simulated)
        with pytest.raises((ConnectionError, ua.UaError, TimeoutError)):
            await connect(other, other_key, simulated)
        with pytest.raises((ConnectionError, ua.UaError, TimeoutError)):
            async with peer(simulated):
                pass
