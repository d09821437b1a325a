"""Alarms: what a person must look at, raised once and cleared once."""

from gateway.contract.events import EventType
from gateway.contract.faults import OperatorAction
from gateway.transport.rows import Alarm
from gateway.transport.tables import TransportTables


class Alarms:
    """The alarms that stand."""

    def __init__(self, tables: TransportTables) -> None:
        self._tables = tables

    def raise_alarm(
        self,
        alarm_id: str,
        subject: str,
        code: str,
        text: str,
        advice: str,
        actions: tuple[OperatorAction, ...] = (),
    ) -> None:
        """Raise an alarm, unless it stands already."""
        if alarm_id in self._tables.alarms:
            return
        books = self._tables.books
        self._tables.alarms.put(
            Alarm(
                alarm_id=alarm_id,
                subject=subject,
                code=code,
                text=text,
                advice=advice,
                actions=actions,
                raised_us=books.now_us,
            )
        )
        books.emit(
            EventType.ALARM_RAISED,
            alarm_id,
            alarmId=alarm_id,
            subject=subject,
            code=code,
            text=text,
            advice=advice,
            actions=list(actions),
        )

    def replace(self, alarm_id: str, subject: str, code: str, text: str, advice: str) -> None:
        """Raise an alarm; one that stands and says something else is cleared first."""
        alarm = self._tables.alarms.get(alarm_id)
        if alarm is not None and (alarm.text, alarm.advice) != (text, advice):
            self.clear(alarm_id)
        self.raise_alarm(alarm_id, subject, code, text, advice)

    def clear(self, alarm_id: str) -> None:
        """Clear an alarm, if it stands."""
        alarm = self._tables.alarms.get(alarm_id)
        if alarm is not None:
            self._tables.alarms.remove(alarm_id)
            self._tables.books.emit(
                EventType.ALARM_CLEARED, alarm_id, alarmId=alarm_id, subject=alarm.subject, code=alarm.code
            )
