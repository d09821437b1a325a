"""What the transport room can be asked; each is handled in one commit. Replies are the rows of `rows.py`.

The reports of the drivers (gateway.contract.reports) are messages too, as they stand.
"""

from dataclasses import dataclass

from gateway.contract.puts import PutRequest
from gateway.contract.transports import Act, ResolveRequest, TransportRequest


@dataclass(frozen=True, slots=True)
class SubmitTransports:
    """Accept transports: all of them or, with `each_alone`, those that can be accepted.

    Reply: one `Submitted | Refusal` for each request, in order. Without `each_alone`, a refusal of one refuses all: Refusal is
    raised with the reasons of all, their fields prefixed `items[n].`.

    Attributes:
        known: ids among the requests that the database knows as ended, with the digest of their bodies: the same id is
            answered again (same body) or refused (other body), although memory has forgotten it.
    """

    requests: tuple[TransportRequest, ...]
    known: dict[str, str]
    each_alone: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """The transport is durable. `again`: the same request had been accepted before."""

    transport_id: str
    again: bool


@dataclass(frozen=True, slots=True)
class CancelTransport:
    """Cancel what goes on by itself; the load ends in a defined place. Reply: Transport row. Cancelling twice is once."""

    transport_id: str


@dataclass(frozen=True, slots=True)
class ResolveTransport:
    """An operator's decision. Reply: Transport row."""

    transport_id: str
    request: ResolveRequest


@dataclass(frozen=True, slots=True)
class SubmitPut:
    """Light a slot. Reply: Submitted (with the put's id). `known` as for transports: digest of an ended put, or None."""

    request: PutRequest
    known: str | None


@dataclass(frozen=True, slots=True)
class CancelPut:
    """Withdraw a put. Reply: Put row; the wall may still answer that a button was first."""

    put_id: str


@dataclass(frozen=True, slots=True)
class SetDeviceEnabled:
    """Let the engine use a device (or a vehicle), or no longer. Reply: Device row."""

    device_id: str
    enabled: bool
    act: Act


@dataclass(frozen=True, slots=True)
class ResetDevice:
    """Ask the device to clear its fault. Reply: Device row."""

    device_id: str
    act: Act


@dataclass(frozen=True, slots=True)
class LocaliseDevice:
    """Tell a vehicle that does not know where it is that it stands at a node, heading `theta` rad. Reply: Device row."""

    device_id: str
    node_id: str
    theta: float
    act: Act


@dataclass(frozen=True, slots=True)
class CorrectContainer:
    """Put the books right: the container is at this location, whatever they say. Reply: Container row.

    Makes the container known if it was not.
    """

    container_id: str
    location_id: str
    act: Act


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    """The container has left the site, or is scrapped: the books forget it. Reply: None."""

    container_id: str
    act: Act


@dataclass(frozen=True, slots=True)
class BlockLocation:
    """A person locks a location: nothing is brought there or fetched from there. Reply: None."""

    location_id: str
    act: Act


@dataclass(frozen=True, slots=True)
class UnblockLocation:
    """Somebody has looked: the location is as the books say, and takes loads again. Reply: None."""

    location_id: str
    act: Act


@dataclass(frozen=True, slots=True)
class Open:
    """The first message of every run: makes the site's devices and stock known, and takes up what was under way."""


@dataclass(frozen=True, slots=True)
class LookForRoom:
    """Nothing could be made durable: see whether a number can be. Sent once a second until one was. Reply: None."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: look at deadlines, timeouts, retries. Sent once a second. Reply: None."""
