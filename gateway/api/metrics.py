"""Prometheus metrics: read where they are when somebody asks, so that nothing on the hot path counts for them.

Labels are bounded: event types, devices of the site, subscriptions (a few), operations.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.api.deps import ApiDeps
from gateway.transport.rows import Job
from gateway.wes.core import WesCore
from gateway.wes.upstream.monitors import Monitors

BUCKETS_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)


def make_registry(deps: ApiDeps) -> CollectorRegistry:
    """Return a registry that tells how this gateway does."""
    registry = CollectorRegistry()
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
        yield GaugeMetricFamily("gateway_alarms", "Alarms that stand", len(tables.alarms))
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
        if self._deps.wes is not None:
            yield from _wes(self._deps.wes)
        if self._deps.monitors is not None:
            yield from _upstream(self._deps.monitors)


def _wes(core: WesCore) -> Iterator[Metric]:
    """Return how the WES core does."""
    plans = CounterMetricFamily("wes_plans", "Plans since the start, by who made them", labels=["by"])
    for by, count in core.tally.plans.items():
        plans.add_metric([by], count)
    yield plans
    yield GaugeMetricFamily("wes_alarms", "Alarms that stand", len(core.alarms.standing))
    if core.tally.findings is not None:
        yield GaugeMetricFamily(
            "wes_findings", "What the last verification of stock and documents found", core.tally.findings
        )


def _upstream(monitors: Monitors) -> Iterator[Metric]:
    """Return what the WES's monitors measured last."""
    values = GaugeMetricFamily(
        "wes_upstream", "The exchange with upstream: a share, seconds or messages", labels=["monitor"]
    )
    alarms = GaugeMetricFamily("wes_upstream_alarm", "1 if a threshold is passed", labels=["monitor"])
    for monitor, reading in monitors.readings.items():
        values.add_metric([monitor.value], reading.value)
        alarms.add_metric([monitor.value], float(reading.alarm))
    yield values
    yield alarms
