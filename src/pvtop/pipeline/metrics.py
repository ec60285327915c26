"""Metrics: counts, gauges and timings for a DogStatsD server. Tags name the state of an hour, never pages."""

from __future__ import annotations

from typing import Protocol

from pvtop.core.errors import UsageError
from pvtop.core.states import HourState
from pvtop.pipeline.results import HourResult


class Metrics(Protocol):
    """Receives metrics."""

    def count(self, name: str, value: int = 1, *, outcome: str = "") -> None:
        """Add to a counter."""

    def gauge(self, name: str, value: float) -> None:
        """Set a value."""

    def timing(self, name: str, seconds: float) -> None:
        """Record how long something took."""

    def close(self) -> None:
        """Release the socket."""


class NoMetrics:
    """Sends nothing."""

    def count(self, name: str, value: int = 1, *, outcome: str = "") -> None:
        """Do nothing."""

    def gauge(self, name: str, value: float) -> None:
        """Do nothing."""

    def timing(self, name: str, seconds: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Statsd:
    """Sends metrics to DogStatsD over UDP, by the `datadog` package. A server that is down does no harm.

    Args:
        address: `host:port`.

    Raises:
        UsageError: The address is not valid, or the package is not installed.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isascii() or not port.isdigit():
            raise UsageError(
                f"{address!r} is not a valid host:port for metrics",
                "write it as localhost:8125",
                setting="statsd",
            )
        try:
            from datadog.dogstatsd.base import DogStatsd
        except ImportError:
            raise UsageError(
                "metrics need a package that is not installed", "install pvtop with its extra named metrics"
            ) from None
        self._client = DogStatsd(
            host.strip("[]"), int(port), namespace="pvtop", disable_telemetry=True, disable_buffering=True
        )

    def count(self, name: str, value: int = 1, *, outcome: str = "") -> None:
        """Add to a counter."""
        self._client.increment(name, value, tags=[f"outcome:{outcome}"] if outcome else None)

    def gauge(self, name: str, value: float) -> None:
        """Set a value."""
        self._client.gauge(name, value)

    def timing(self, name: str, seconds: float) -> None:
        """Record how long something took. The protocol counts in milliseconds."""
        self._client.timing(name, seconds * 1000)

    def close(self) -> None:
        """Close the socket."""
        self._client.close_socket()


def open_metrics(address: str) -> Metrics:
    """Open the metrics of the setting `statsd`. Without an address, nothing is sent. The caller closes them.

    Raises:
        UsageError: As for `Statsd`.
    """
    return Statsd(address) if address else NoMetrics()


def count_hour(metrics: Metrics, state: HourState) -> None:
    """Count an hour by its state, and a failure as such."""
    metrics.count("hours", outcome=state)
    if state is HourState.FAILED:
        metrics.count("failures")


def measure(metrics: Metrics, result: HourResult) -> None:
    """Send the metrics of an hour that did not fail."""
    count_hour(metrics, result.state)
    if result.state is not HourState.MADE:
        return
    facts = result.provenance
    metrics.count("dump.lines", facts.rows + facts.malformed)
    metrics.count("dump.bytes", facts.dump_bytes)
    metrics.count("dump.malformed_lines", facts.malformed)
    metrics.gauge("report.entries", facts.entries)
    metrics.gauge("report.bytes", result.written_bytes)
    metrics.timing("download.seconds", result.seconds.download)
    metrics.timing("compute.seconds", result.seconds.compute)
