"""OPC UA with certificates: signed, encrypted, and with no server but the one that was pinned."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from drivers.links.errors import LinkError
from drivers.links.opcua import connect_opcua
from drivers.opcua.link import OpcUaLinkRunner
from drivers.telegrams import ErrorKind
from gateway.contract.commands import Op
from gateway.contract.reports import ChannelOnline, CommandDone, DeviceOffline
from gateway.contract.wiring import OpcUaSecurity
from tests.wire.opcua_bench import Kernel, command, link_to, running, shuttle
from tests.wire.opcua_plc import Identity, PlcServer, plc_server

pytestmark = pytest.mark.wire

NOBODY = "opc.tcp://127.0.0.1:9/"
"""A server that need not be there."""


def identity(folder: Path, name: str, *, uri: str | None) -> Identity:
    """Make a key and a certificate of its own, in the folder; with this application URI, or with none."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + timedelta(days=36500))
    )
    if uri is not None:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = builder.add_extension(names, critical=False)
    files = Identity(folder / f"{name}.der", folder / f"{name}.pem")
    certificate = builder.sign(key, hashes.SHA256())
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def pinning(pinned: Path, gateway: Identity) -> OpcUaSecurity:
    """Return the gateway's settings, with this certificate as the server's."""
    return OpcUaSecurity(certificate=gateway.certificate, private_key=gateway.key, server_certificate=pinned)


@dataclass(frozen=True)
class Plant:
    """A server that wants encryption, its identity, the gateway's, and somebody else's."""

    server: PlcServer
    own: Identity
    gateway: Identity
    stranger: Identity


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncGenerator[Plant]:
    """A server that wants encryption, with one shuttle."""
    own = identity(tmp_path, "plc", uri="urn:plc")
    gateway = identity(tmp_path, "gateway", uri="urn:gateway")
    stranger = identity(tmp_path, "stranger", uri="urn:plc")
    async with plc_server(own) as server:
        await server.add("Shuttle1.")
        async with running(server.run()):
            yield Plant(server, own, gateway, stranger)


async def test_a_command_is_carried_out_over_an_encrypted_session(plant: Plant) -> None:
    # given a gateway that has pinned the server's certificate
    settings = link_to(plant.server.url, security=pinning(plant.own.certificate, plant.gateway))
    kernel, link = Kernel(), OpcUaLinkRunner(settings, connect_opcua)
    driver = shuttle(link, kernel)
    async with running(link.run(), driver.run()):
        await kernel.heard(ChannelOnline)
        # when it gives a command
        driver.assign(command(1, Op.PICK, 1101))
        # then it is done
        await kernel.heard(CommandDone)


async def test_a_server_with_another_certificate_is_not_spoken_to(plant: Plant) -> None:
    # given a gateway that has pinned another certificate, of the same name
    settings = link_to(plant.server.url, security=pinning(plant.stranger.certificate, plant.gateway))
    kernel, link = Kernel(), OpcUaLinkRunner(settings, connect_opcua)
    driver = shuttle(link, kernel)
    async with running(link.run(), driver.run()):
        # when it comes up, with a command to give
        driver.assign(command(1, Op.PICK, 1101))
        offline = await kernel.heard(DeviceOffline)
        await asyncio.sleep(0.5)
    # then the device stays offline, and the reason says what to look at
    assert f"Is {plant.stranger.certificate} the server's own certificate" in offline.reason
    assert kernel.reports == [offline]
    assert not plant.server.plcs["Shuttle1."].taken


async def test_a_server_that_wants_encryption_refuses_a_gateway_without(plant: Plant) -> None:
    with pytest.raises(LinkError, match="no session with"):
        async with connect_opcua(link_to(plant.server.url)):
            pass


@pytest.mark.parametrize("file", ["certificate", "private_key", "server_certificate"])
async def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    # given settings with the path of a file that is not there
    gateway = identity(tmp_path, "gateway", uri="urn:gateway")
    security = pinning(gateway.certificate, gateway).model_copy(update={file: Path("/nowhere/file.der")})
    # when a session is made, then the file is named, whatever the server says
    with pytest.raises(LinkError, match=r"cannot read /nowhere/file\.der: No such file") as refusal:
        async with connect_opcua(link_to(NOBODY, security=security)):
            pass
    assert refusal.value.kind is ErrorKind.REFUSED


async def test_a_certificate_without_application_uri_is_not_used(tmp_path: Path) -> None:
    # given a gateway whose certificate names no application
    nameless = identity(tmp_path, "nameless", uri=None)
    # when a session is made, then it says so
    with pytest.raises(LinkError, match=r"nameless\.der names no application URI"):
        async with connect_opcua(link_to(NOBODY, security=pinning(nameless.certificate, nameless))):
            pass


async def test_a_server_without_the_namespace_is_refused_with_those_that_it_has(plant: Plant) -> None:
    # given a link to a namespace that the server does not have
    security = pinning(plant.own.certificate, plant.gateway)
    settings = link_to(plant.server.url, security=security).model_copy(update={"namespace": "urn:other"})
    # when a session is made, then both are named
    with pytest.raises(LinkError, match=r"no namespace urn:other, only .*urn:warehouse:mailbox"):
        async with connect_opcua(settings):
            pass
