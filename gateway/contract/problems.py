"""How a refusal looks on the wire: problem+json after RFC 9457, with every reason in the caller's terms."""

from gateway.contract.model import WireModel


class Reason(WireModel):
    """One reason.

    Attributes:
        field: path of the field as the caller wrote it, e.g. `destination` or `items[3].priority`; empty for the whole.
        code: stable machine-readable word, e.g. `unknownLocation`.
        message: what is wrong and what would mend it.
    """

    field: str
    code: str
    message: str


class Problem(WireModel):
    """A refused request: it changed nothing.

    Attributes:
        type: a URN for the kind of problem.
        title: the kind of problem in words.
        detail: all reasons in one line.
    """

    type: str
    title: str
    status: int
    detail: str
    reasons: tuple[Reason, ...] = ()
