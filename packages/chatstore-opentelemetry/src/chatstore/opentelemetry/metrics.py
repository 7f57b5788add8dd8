"""``Metrics``: the instruments, and what a call records with them."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.metrics import MeterProvider, get_meter

from chatstore.core.backend import ForkLock
from chatstore.opentelemetry import names

# The SDK locks its counters, and a child would inherit a lock that another thread holds.
_recording = ForkLock()


class Metrics:
    """Records durations, waits, retries, messages and bytes of calls."""

    def __init__(self, provider: MeterProvider | None) -> None:
        """Create the instruments; ``None``: the program's provider, which may be set later."""
        meter = get_meter("chatstore", meter_provider=provider)
        self._durations = meter.create_histogram(
            names.DURATION_METRIC,
            "s",
            "Duration of calls.",
            explicit_bucket_boundaries_advisory=names.SECONDS,
        )
        self._waits = meter.create_histogram(
            names.WAIT_METRIC,
            "s",
            "Time that calls waited for a free connection.",
            explicit_bucket_boundaries_advisory=names.SECONDS,
        )
        self._retries = meter.create_counter(
            names.RETRIES_METRIC, "{retry}", "Requests that failed and were sent again."
        )
        self._messages = meter.create_histogram(
            names.MESSAGES_METRIC,
            "{message}",
            "Messages that a call read or wrote.",
            explicit_bucket_boundaries_advisory=names.COUNTS,
        )
        self._bytes = meter.create_histogram(
            names.BYTES_METRIC,
            "By",
            "Bytes of messages that a call read or wrote.",
            explicit_bucket_boundaries_advisory=names.SIZES,
        )

    def record_call(
        self, seconds: float, retries: int, attributes: Mapping[str, str | int]
    ) -> None:
        """Record a finished call."""
        with _recording:
            self._durations.record(seconds, attributes)
            if retries:
                self._retries.add(retries, attributes)

    def record_messages(
        self, direction: str, count: int, size: int, attributes: Mapping[str, str | int]
    ) -> None:
        """Record the messages of a call, and their bytes in UTF-8."""
        labels = {**attributes, names.DIRECTION: direction}
        with _recording:
            self._messages.record(count, labels)
            self._bytes.record(size, labels)

    def record_wait(self, seconds: float, attributes: Mapping[str, str | int]) -> None:
        """Record a wait for a free connection."""
        with _recording:
            self._waits.record(seconds, attributes)
