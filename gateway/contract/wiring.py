"""How devices hang on the wire, as data: links, tag maps (profiles) and the addresses of each device.

Drivers are configured by these values alone; the site file contains them. A profile is a table as PLC programmers send it:
name, address, type. The device's `base` is added to every address: a register number for Modbus, a prefix of the node's
string identifier for OPC UA.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt

from gateway.contract.transports import Identifier


class WiringModel(BaseModel):
    """Base of everything that is read from a site file: snake_case, unknown keys refused, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Port = Annotated[int, Field(ge=1, le=65535)]
Register = Annotated[int, Field(ge=0, le=65535)]


def _with_sound_port(url: str) -> str:
    if urlsplit(url).port == 0:  # above 65535 it raises ValueError by itself
        raise ValueError("Port out of range 0-65535")
    return url


OPCUA_URL: Final = r"^opc\.tcp://([^/:\s\[\]]+|\[[0-9A-Fa-f:]+\])(:\d+)?(/\S*)?$"
OpcUaUrl = Annotated[str, Field(pattern=OPCUA_URL), AfterValidator(_with_sound_port)]
HOST: Final = r"^([^/:\s@\[\]]+|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%\w+)?)$"
Host = Annotated[str, Field(pattern=HOST)]
BROKER_URL: Final = r"^(embedded|mqtts?://[^/\s\[\]]+:\d+|mqtts?://\[[0-9A-Fa-f:]+\]:\d+)$"
BrokerUrl = Annotated[str, Field(pattern=BROKER_URL), AfterValidator(_with_sound_port)]


class OpcUaSecurity(WiringModel):
    """SignAndEncrypt with certificate files (DER or PEM). The server's certificate is pinned: any other is refused."""

    policy: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "Basic256Sha256"
    certificate: Path
    private_key: Path
    server_certificate: Path


class OpcUaLink(WiringModel):
    """One OPC UA session, shared by all devices behind it.

    Attributes:
        security: left out: nothing is signed or encrypted.
        publishing_ms: publishing interval of the subscription.
        poll_ms: period of the re-reading that stands behind the subscription; at most 400, so that a life counter that
            stands still for 2 s is noticed within 3.
        timeout_ms: a peer that is silent for this long is dead.
    """

    kind: Literal["opcua"]
    id: Identifier
    url: OpcUaUrl
    security: OpcUaSecurity | None = None
    namespace: str = "urn:warehouse:mailbox"
    """Namespace URI of the nodes; its index is looked up at every connect."""
    publishing_ms: PositiveInt = 20
    poll_ms: Annotated[int, Field(ge=10, le=400)] = 400
    timeout_ms: PositiveInt = 2000


class ModbusLink(WiringModel):
    """One Modbus TCP connection with one outstanding request, shared by all devices behind it."""

    kind: Literal["modbus"]
    id: Identifier
    host: Host = "127.0.0.1"
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    poll_ms: PositiveInt = 20
    timeout_ms: PositiveInt = 1000
    """One request without an answer for this long is lost; two in a row drop the connection (dead peer in ≤ 3 s)."""
    max_gap: Annotated[int, Field(ge=0, le=124)] = 16
    """Unused registers between two blocks that are read along rather than asking twice."""


class MqttLink(WiringModel):
    """An MQTT 3.1.1 broker. `url` is `embedded` (a nats-server child of the gateway) or `mqtt[s]://host:port`.

    Attributes:
        username, password_file: credentials; the password never stands in the site file.
        ca_file, certificate, private_key: TLS with `mqtts://`.
    """

    kind: Literal["mqtt"]
    id: Identifier
    url: BrokerUrl = "embedded"
    port: Port = 1883
    """Port of the embedded broker."""
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None


Link = Annotated[OpcUaLink | ModbusLink | MqttLink, Field(discriminator="kind")]


class TagType(StrEnum):
    """Types of tags; each takes 1, 2, 4 or length/2 registers in Modbus and the type of its name in OPC UA."""

    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    STRING = "string"


class Tag(WiringModel):
    """One row of a tag table.

    Attributes:
        address: Modbus: register offset from the device's base; OPC UA: what follows the base in the node's identifier.
        length: characters of a string (even), padded with NUL.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9]*$")]
    address: int | str
    type: TagType
    length: PositiveInt | None = None
    description: str = ""


class ByteOrder(StrEnum):
    """Order of bytes in a register, or of registers in a longer number; Modbus itself is big."""

    BIG = "big"
    LITTLE = "little"


class Handshake(StrEnum):
    """How a device takes commands (docs/plc-handshake.md)."""

    MAILBOX = "mailbox"
    METHOD = "method"
    """OPC UA only: commands by a method call, the same status variables."""
    PUTWALL = "putwall"


class Profile(WiringModel):
    """A device's tag map.

    Attributes:
        command: what the gateway writes (of one put-wall slot, for the put wall).
        status: what the device shows (of one channel, or of one slot).
        header: what a put wall shows once.
        command_base, status_base, header_base: Modbus: register of the block, relative to the device's base.
        command_stride, status_stride: put wall: registers from one slot to the next.
        method: OPC UA method profile: what follows the base in the method's identifier.
    """

    id: Identifier
    protocol: Literal["modbus", "opcua"]
    handshake: Handshake
    byte_order: ByteOrder = ByteOrder.BIG
    word_order: ByteOrder = ByteOrder.BIG
    command: tuple[Tag, ...]
    status: tuple[Tag, ...]
    header: tuple[Tag, ...] = ()
    command_base: Register = 0
    status_base: Register = 0
    header_base: Register = 0
    command_stride: Register = 0
    status_stride: Register = 0
    method: str | None = None


class MailboxChannel(WiringModel):
    """One mailbox of a device.

    Attributes:
        id: of a shuttle or lift, which has only one: `main`.
        base: register number, from 0: 40001 of engineering tools is 0 (Modbus), or identifier prefix such as
            `Shuttle1.` (OPC UA).
        scanner: a barcode reader stands at the target; its reading comes with the result.
    """

    id: Identifier
    base: int | str
    scanner: bool = False


class MailboxWiring(WiringModel):
    """All that a mailbox driver needs to know about one device."""

    device_id: Identifier
    profile: Profile
    channels: tuple[MailboxChannel, ...]
    places: dict[int, str]
    """Place number → location id, to tell positions in the site's words."""


class PutWallWiring(WiringModel):
    """All that a put-wall driver needs to know about one wall; slot n of `slots` is slot n (from 0) on the wire."""

    device_id: Identifier
    profile: Profile
    base: Register
    slots: tuple[Identifier, ...]


class VehicleWiring(WiringModel):
    """One vehicle's address in VDA 5050 topics: `{interface}/v2/{manufacturer}/{serial}/…`."""

    device_id: Identifier
    manufacturer: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:\-]+$")]
    serial: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:\-]+$")]


class FleetWiring(WiringModel):
    """All that a VDA 5050 driver needs to know about one fleet."""

    fleet_id: Identifier
    interface: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]+$")] = "uagv"
    vehicles: tuple[VehicleWiring, ...]
    offline_after_s: Annotated[float, Field(gt=0)] = 35.0
    """No state for this long: the vehicle counts as offline (VDA 5050 wants one every 30 s). One with an order that answers
    questions (`stateRequest`) is asked long before, and offline when it does not answer."""
    resend_after_s: Annotated[float, Field(gt=0)] = 2.0
    """An order that is not echoed after this long is sent again, unchanged."""
