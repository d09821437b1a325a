"""Alarms of the WES: what a person must look at, logged once when it begins and once when it ends."""

from dataclasses import dataclass, replace

import structlog

from gateway.contract.clock import Micros

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that a person must look at.

    Attributes:
        subject: what it is about.
        code: which of all alarms it is; each stands once.
        text, advice: what is the matter, and what to do.
        raised_at: when that was first seen.
    """

    subject: str
    code: str
    text: str
    advice: str
    raised_at: Micros


class Alarms:
    """The alarms of one core.

    Attributes:
        standing: by code.
    """

    def __init__(self) -> None:
        self.standing: dict[str, Alarm] = {}

    def raise_alarm(self, alarm: Alarm) -> None:
        """Raise an alarm; one that stands stays as old as it is, and says what is the matter now."""
        standing = self.standing.get(alarm.code)
        if standing is None:
            log.warning("an alarm", subject=alarm.subject, code=alarm.code, text=alarm.text)
        else:
            alarm = replace(alarm, raised_at=standing.raised_at)
        self.standing[alarm.code] = alarm

    def clear(self, code: str) -> None:
        """End an alarm, if it stands."""
        if self.standing.pop(code, None) is not None:
            log.info("an alarm has ended", code=code)
