"""What waits for a person at the WES: orders that cannot go on, messages that upstream refuses, alarms (contract v1, /v1/wes)."""

from datetime import datetime
from enum import StrEnum

from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.transports import Act


class Decision(StrEnum):
    """What a person decides about something that waits."""

    RELEASE = "release"
    """An order that a rule holds may go on."""
    RETRY = "retry"
    """Try again now: what was missing may be there."""
    PART = "part"
    """What is there goes on without the rest."""
    URGE = "urge"
    """The order goes before all others."""
    SHORT = "short"
    """Every piece that is there goes on; the others never come."""
    CANCEL = "cancel"
    """The whole order is not wanted any more; its goods come back."""
    SEND = "send"
    """A message that was given up is sent again."""
    SKIP = "skip"
    """A message that was given up is not sent any more; later ones of its order go on."""


class ExceptionView(WireModel):
    """Why an order cannot go on as a whole.

    Attributes:
        sku_id: the product of the line that is concerned; left out: the whole order is.
        decisions: what may be decided about it.
    """

    exception_id: int
    order_no: str
    outbound_no: str
    status_code: int
    kind: str
    sku_id: str | None = Omitted
    text: str
    at: datetime
    decisions: tuple[Decision, ...]
    settled_at: datetime | None = Omitted
    settled_by: str | None = Omitted


class SettleRequest(Act):
    """A person's decision about an order that cannot go on."""

    decision: Decision


class MessageView(WireModel):
    """A message that upstream has refused so often that it was given up.

    Attributes:
        lane: later messages of this one wait for it.
        waiting: how many do.
        error: what upstream said last.
    """

    message_id: int
    topic: str
    lane: str
    order_no: str | None
    attempts: int
    error: str | None
    created_at: datetime
    waiting: int


class DecisionView(WireModel):
    """What a person decided, and why.

    Attributes:
        document: order, message or safety: how much of a product is never offered to upstream.
        document_id: its number in the WES.
        decision: of a safety stock, how much it was and is: `20 → 50`.
        owner_id, sku_id: whose safety stock it is.
    """

    decision_id: int
    document: str
    document_id: int
    decision: str
    owner_id: str | None = Omitted
    sku_id: str | None = Omitted
    operator: str
    reason: str
    at: datetime
