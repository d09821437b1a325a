"""How a wire fails."""

from drivers.telegrams import ErrorKind


class LinkError(Exception):
    """A request got no proper answer; whether it was executed is for the next reading to tell (law 3)."""

    def __init__(self, kind: ErrorKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class NotSentError(LinkError):
    """A request has not left: there is no connection, or it was lost first. No error of the wire, which has its own."""

    def __init__(self, text: str) -> None:
        super().__init__(ErrorKind.DISCONNECT, f"not sent: {text}")
