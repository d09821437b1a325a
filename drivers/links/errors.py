"""How a wire fails."""

from drivers.telegrams import ErrorKind


class LinkError(Exception):
    """A request got no proper answer; whether it was executed is for the next reading to tell (law 3)."""

    def __init__(self, kind: ErrorKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind
