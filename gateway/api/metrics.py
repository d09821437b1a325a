"""Prometheus metrics: read where they are when somebody asks, so that nothing on the hot path counts for them.

Labels are bounded: event types, devices of the site, subscriptions (a few), operations.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.api.deps import ApiDeps
from gateway.transport.rows import Job
from gateway.wes.core import Reading, WesCore

BUCKETS_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)


def make_registry(deps: ApiDeps) -> CollectorRegistry:
    """Return a registry that tells how this gateway does."""
    registry = CollectorRegistry() if deps.wes is None else make_wes_registry(deps.wes)
    registry.register(_Present(deps))
    seconds = Histogram(
        "gateway_command_seconds",
        "From the journal to the end of a command",
        ["op", "status"],
        registry=registry,
        buckets=BUCKETS_S,
    )

    def observe(old: Job | None, new: Job | None) -> None:
        # A commit that fails takes its changes back through here too: a full disk may count a command twice.
        if old is not None and old.ended_us is None and new is not None and new.ended_us is not None:
            taken = (new.ended_us - new.issued_us) / 1e6
            seconds.labels(new.command.op.name, new.status.value).observe(taken)

    deps.tables.jobs.watch(observe)
    return registry


def make_wes_registry(core: WesCore) -> CollectorRegistry:
    """Return a registry that tells how a WES core does."""
    registry = CollectorRegistry()
    registry.register(_Wes(core))
    return registry


class _Present(Collector):
    """How things stand at this moment."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps

    def collect(self) -> Iterator[Metric]:
        """Return all metrics that are read where they are."""
        tables = self._deps.tables
        events = CounterMetricFamily("gateway_events", "Events since the start, by type", labels=["type"])
        for kind, count in self._deps.feed.counts.items():
            events.add_metric([kind.value], count)
        yield events
        yield GaugeMetricFamily("gateway_feed_seq", "Number of the newest event", self._deps.feed.last_seq)
        yield GaugeMetricFamily(
            "gateway_messages_waiting", "Messages to the kernel", self._deps.kernel.waiting
        )
        yield GaugeMetricFamily(
            "gateway_commands_open", "Commands that have not ended", len(tables.open_jobs)
        )
        no_room = self._deps.kernel.no_room is not None
        yield GaugeMetricFamily("gateway_alarms", "Alarms that stand", len(tables.alarms) + no_room)
        transports = GaugeMetricFamily(
            "gateway_transports", "Transports in memory, by status", labels=["status"]
        )
        for status, count in Counter(row.status for row in tables.transports.values()).items():
            transports.add_metric([status.value], count)
        yield transports
        online = GaugeMetricFamily(
            "gateway_device_online", "1 if the engine can use the device", labels=["device"]
        )
        for row in tables.devices.values():
            online.add_metric([row.device_id], float(row.online))
        yield online
        backlog = GaugeMetricFamily(
            "gateway_webhook_backlog", "Events that a subscription has not delivered", labels=["subscription"]
        )
        for subscription_id, count in self._deps.webhooks.backlogs().items():
            backlog.add_metric([subscription_id], count)
        yield backlog


class _Wes(Collector):
    """How a WES core does, as its rounds found it."""

    def __init__(self, core: WesCore) -> None:
        self._core = core

    def collect(self) -> Iterator[Metric]:
        """Return all metrics of the core."""
        yield from _work(self._core)
        yield from _upstream(self._core.tally.readings)


def _work(core: WesCore) -> Iterator[Metric]:
    plans = CounterMetricFamily("wes_plans", "Plans since the start, by who made them", labels=["by"])
    for by, count in core.tally.plans.items():
        plans.add_metric([by], count)
    yield plans
    yield GaugeMetricFamily("wes_alarms", "Alarms that stand", len(core.alarms.standing))
    if core.tally.findings is not None:
        yield GaugeMetricFamily(
            "wes_findings", "What the last verification of stock and documents found", core.tally.findings
        )


def _upstream(readings: Mapping[str, Reading]) -> Iterator[Metric]:
    values = GaugeMetricFamily(
        "wes_upstream", "The exchange with upstream: a share, seconds or messages", labels=["monitor"]
    )
    alarms = GaugeMetricFamily("wes_upstream_alarm", "1 if a threshold is passed", labels=["monitor"])
    for monitor, reading in readings.items():
        values.add_metric([monitor], reading.value)
        alarms.add_metric([monitor], float(reading.alarm))
    yield values
    yield alarms
