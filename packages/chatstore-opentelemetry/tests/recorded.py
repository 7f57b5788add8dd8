"""Spans and metrics that tests can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class SpanList(SpanExporter):
    """Keeps spans in a list; unlike the SDK's exporter, without a lock that a fork would copy."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


class Recorded:
    """Providers, and what was recorded with them.

    Attributes:
        providers: The arguments of a `TracedBackend`.
        spans: The finished spans.

    """

    def __init__(self) -> None:
        exporter = SpanList()
        self.spans = exporter.spans
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
        self._reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self._reader])
        self.providers: dict[str, Any] = {
            "tracer_provider": self.tracer_provider,
            "meter_provider": self.meter_provider,
        }

    def span(self, name: str) -> ReadableSpan:
        """Return the only span of an operation."""
        [span] = [one for one in self.spans if attributes_of(one)["db.operation.name"] == name]
        return span

    def metrics(self) -> dict[str, list[Any]]:
        """Return the data points by the name of the metric."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})
