"""What a driver keeps for people who look for a fault: the last telegrams, and how healthy the wire is.

The ring is short on purpose, so drivers leave out readings that say nothing new; else a polled device would
have washed the command that somebody looks for out of it within seconds.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import StrEnum

from gateway.contract.clock import Clock, Micros
from gateway.contract.driver import Health, Telegram

TELEGRAMS_KEPT = 256
TEXT_MAX = 2000
LATENCY_WEIGHT = 0.1
"""Weight of the newest request in the moving average."""


class ErrorKind(StrEnum):
    """What can go wrong on a wire; the keys of `Health.errors`."""

    TIMEOUT = "timeout"
    """No answer in time."""
    DISCONNECT = "disconnect"
    """The connection could not be made, or broke."""
    BAD_FRAME = "badFrame"
    """An answer that cannot be read."""
    REFUSED = "refused"
    """The peer answered with an error."""


class Diagnosis:
    """Telegrams and health of the wire to one device. `connected` is the driver's to set."""

    def __init__(self, clock: Clock, kept: int = TELEGRAMS_KEPT) -> None:
        self.connected = False
        self._clock = clock
        self._ring: deque[Telegram] = deque(maxlen=kept)
        self._shown: dict[str, dict[str, object]] = {}
        self._errors: Counter[str] = Counter()
        self._latency_ms: float | None = None
        self._last_heard_us: Micros | None = None

    def sent(self, text: str, note: str = "") -> None:
        """Keep a message to the device."""
        self._keep(outgoing=True, text=text, note=note)

    def heard(self, text: str, note: str = "") -> None:
        """Keep a message from the device."""
        self._keep(outgoing=False, text=text, note=note)

    def shown(self, block: str, tags: Mapping[str, object], text: str) -> None:
        """Keep a reading of a block, unless it shows what it showed before, its life counter apart."""
        news = {**tags, "life": None}
        if self._shown.get(block) != news:
            self._shown[block] = news
            self.heard(text, block)

    def alive(self) -> None:
        """Note that the device was heard of its own accord."""
        self._last_heard_us = self._clock.now_us()

    def answered(self, latency_s: float) -> None:
        """Count a request that was answered after `latency_s` seconds."""
        self._last_heard_us = self._clock.now_us()
        latency_ms = latency_s * 1000
        before = latency_ms if self._latency_ms is None else self._latency_ms
        self._latency_ms = before + LATENCY_WEIGHT * (latency_ms - before)

    def failed(self, kind: ErrorKind, text: str) -> None:
        """Count an error and keep what is known about it, once while it repeats itself."""
        self._errors[kind.value] += 1
        newest = self._ring[-1] if self._ring else None
        if newest is None or (newest.note, newest.text) != (kind.value, text[:TEXT_MAX]):
            self._keep(outgoing=False, text=text, note=kind.value)

    def health(self) -> Health:
        """Return how the wire is now."""
        return Health(
            connected=self.connected,
            latency_ms=self._latency_ms,
            last_heard_us=self._last_heard_us,
            errors=dict(self._errors),
        )

    def telegrams(self) -> Sequence[Telegram]:
        """Return the kept telegrams, oldest first."""
        return tuple(self._ring)

    def _keep(self, *, outgoing: bool, text: str, note: str) -> None:
        at_us = self._clock.now_us()
        self._ring.append(Telegram(at_us=at_us, outgoing=outgoing, text=text[:TEXT_MAX], note=note))
