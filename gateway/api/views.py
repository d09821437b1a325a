"""Rows of the books as the contract shows them."""

import json
from typing import Any

from gateway.api.stored import History
from gateway.contract.driver import Health, Telegram
from gateway.contract.faults import FAULT_TEXTS
from gateway.contract.plant import (
    AlarmView,
    ContainerView,
    LinkView,
    PositionView,
    TelegramView,
)
from gateway.contract.puts import PutView
from gateway.contract.reports import Position
from gateway.contract.transports import (
    ActView,
    CommandView,
    LegView,
    ProblemView,
    TransportStatus,
    TransportView,
)
from gateway.kernel.clock import to_datetime, to_rfc3339
from gateway.kernel.kernel import NoRoom
from gateway.kernel.ports import Row
from gateway.transport.rows import ActRecord, Alarm, Container, Job, Leg, Problem, Put, Transport
from gateway.transport.transitions import ENDED, HALTED


def transport_view(
    transport: Transport, waiting: str | None, history: History | None = None
) -> TransportView:
    """Show a transport, with its history where that is at hand."""
    return TransportView(
        transport_id=transport.transport_id,
        container_id=transport.container_id,
        source=transport.source,
        destination=transport.destination,
        priority=transport.priority,
        deadline=None if transport.deadline_us is None else to_datetime(transport.deadline_us),
        attributes=transport.attributes,
        status=transport.status,
        cancel_requested=transport.cancel_requested,
        created_at=to_datetime(transport.created_us),
        updated_at=to_datetime(transport.updated_us),
        waiting=waiting,
        problem=None if transport.problem is None else _problem_view(transport.problem),
        legs=tuple(_leg_view(transport, index, leg) for index, leg in enumerate(transport.legs)),
        commands=() if history is None else tuple(command_view(job) for job in history.jobs),
        timeline=() if history is None else tuple(_timeline_entry(event) for event in history.events),
        acts=() if history is None else tuple(_act_view(act) for act in history.acts),
    )


def command_view(job: Job) -> CommandView:
    """Show a command of the journal."""
    command = job.command
    return CommandView(
        job_id=command.job_id,
        device_id=command.device_id,
        channel=command.channel,
        seq=command.seq,
        op=command.op.name,
        source=None if command.source is None else command.source.location_id,
        target=None if command.target is None else command.target.location_id,
        status=job.status,
        text=job.text or None,
        issued_at=to_datetime(job.issued_us),
        ended_at=None if job.ended_us is None else to_datetime(job.ended_us),
    )


def put_view(put: Put) -> PutView:
    """Show a put."""
    return PutView(
        put_id=put.put_id,
        wall=put.wall,
        slot=put.slot,
        quantity=put.quantity,
        colour=put.colour,
        blink=put.blink,
        text=put.text,
        status=put.status,
        confirmed_quantity=put.confirmed_quantity,
        created_at=to_datetime(put.created_us),
        updated_at=to_datetime(put.updated_us),
    )


def container_view(container: Container) -> ContainerView:
    """Show a container."""
    return ContainerView(
        container_id=container.container_id,
        location_id=container.location_id,
        device_id=container.device_id,
        transport_id=container.transport_id,
    )


def alarm_view(alarm: Alarm) -> AlarmView:
    """Show an alarm."""
    return AlarmView(
        alarm_id=alarm.alarm_id,
        subject=alarm.subject,
        code=alarm.code,
        text=alarm.text,
        advice=alarm.advice,
        actions=alarm.actions,
        raised_at=to_datetime(alarm.raised_us),
    )


def no_room_view(no_room: NoRoom) -> AlarmView:
    """Show the one alarm that is in no table, as nothing could be written there."""
    return AlarmView(
        alarm_id="storageFull",
        subject="gateway",
        code="storageFull",
        text=f"nothing can be made durable, so nothing is accepted and nothing commanded: {no_room.why}",
        advice="Make room on the gateway's disk. It goes on by itself.",
        actions=(),
        raised_at=to_datetime(no_room.since_us),
    )


def link_view(health: Health) -> LinkView:
    """Show how the wire to a device is."""
    return LinkView(
        connected=health.connected,
        latency_ms=health.latency_ms,
        last_heard_at=None if health.last_heard_us is None else to_datetime(health.last_heard_us),
        errors=health.errors,
    )


def position_view(position: Position) -> PositionView:
    """Show where a device is."""
    return PositionView(
        device_id=position.device_id,
        time=to_datetime(position.at_us),
        x=position.x,
        y=position.y,
        z=position.z,
        theta=position.theta,
        location_id=position.location_id,
        load=position.load,
        battery=position.battery,
    )


def telegram_view(telegram: Telegram) -> TelegramView:
    """Show a raw message."""
    return TelegramView(
        time=to_datetime(telegram.at_us), outgoing=telegram.outgoing, text=telegram.text, note=telegram.note
    )


def _problem_view(problem: Problem) -> ProblemView:
    text = FAULT_TEXTS[problem.fault]
    return ProblemView(
        code=problem.fault.value,
        title=text.title,
        detail=problem.detail,
        advice=text.advice,
        actions=problem.actions,
    )


def _leg_view(transport: Transport, index: int, leg: Leg) -> LegView:
    return LegView(
        index=index,
        source=leg.source,
        target=leg.target,
        carrier_id=leg.carrier_id,
        device_id=leg.device_id,
        status=_leg_status(transport, index),
        expected_seconds=leg.expected_s,
    )


def _leg_status(transport: Transport, index: int) -> str:
    if index < transport.leg or transport.status is TransportStatus.COMPLETED:
        return "done"
    if transport.status in ENDED:
        return "dropped"
    if index > transport.leg:
        return "ahead"
    if transport.status in HALTED:
        return transport.status.value
    return "ahead" if transport.job_id is None else "active"


def _timeline_entry(event: Row) -> dict[str, Any]:
    seq, kind, at_us, data = event
    return {"seq": seq, "type": kind, "time": to_rfc3339(at_us), "data": json.loads(data)}


def _act_view(act: ActRecord) -> ActView:
    return ActView(
        at=to_datetime(act.at_us), operator=act.operator, reason=act.reason, act=act.act, details=act.details
    )
