"""``TelemetryObserver``: makes a span and metrics of each call."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, get_tracer

from chatstore.core import ChatStoreError
from chatstore.core.backend import Backend, WrapperBackend
from chatstore.opentelemetry import names
from chatstore.opentelemetry.call import Call, Traffic
from chatstore.opentelemetry.metrics import Metrics

logger = logging.getLogger("chatstore.opentelemetry")

_ADDRESS = re.compile(r"(?:^| at )(\[[^\]]+\]|[^\s\[\]:/]+):(\d+)(?:/\S*)?$")


class TelemetryObserver:
    """Makes a span of each call, with the call's counts as attributes, and records metrics."""

    def __init__(
        self,
        backend: Backend[Any],
        *,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        conversation_id: Callable[[str], str] | None,
        content: bool,
    ) -> None:
        """See `TracedBackend`.

        Args:
            backend: Translates errors, and names the system and the server.
            tracer_provider: Makes the spans.
            meter_provider: Makes the instruments.
            conversation_id: Returns the id in spans for a conversation's key.
            content: Whether spans contain messages.

        """
        self._backend = backend
        self._tracer = get_tracer("chatstore", tracer_provider=tracer_provider)
        self._metrics = Metrics(meter_provider)
        self._conversation_id = conversation_id
        self._content = content
        self._common: dict[str, str | int] = {names.SYSTEM: backend.system}
        self._server = _innermost(backend).server
        address = _ADDRESS.search(self._server)
        self._target = ""
        if address is not None:
            host, port = address[1].strip("[]"), int(address[2])
            self._common |= {names.SERVER_ADDRESS: host, names.SERVER_PORT: port}
            self._target = f" {address[1]}:{port}"

    @contextmanager
    def observe(self, operation: str) -> Iterator[Call]:
        """Make a span around a call; its parent is the caller's current span."""
        attributes = {**self._common, names.OPERATION: operation}
        started = perf_counter()
        with self._tracer.start_as_current_span(
            operation + self._target,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,  # a driver's text may contain secrets
            set_status_on_exception=False,
        ) as span:
            call = Call(span, self, keeps_bodies=self._content and span.is_recording())
            try:
                yield call
            except BaseException as error:
                attributes[names.ERROR_TYPE] = self._record_error(span, error)
                raise
            finally:
                self._describe(call)
                self._measure(call, perf_counter() - started, attributes)

    def _record_error(self, span: Span, error: BaseException) -> str:
        """Note the error that the caller gets; return its class."""
        failure: BaseException | None = error
        if isinstance(error, Exception) and not isinstance(error, ChatStoreError):
            failure = self._backend.translate(error)
        # Only the store's own messages are known to be free of secrets.
        text = str(failure) if isinstance(failure, ChatStoreError) else None
        kind = type(failure or error)
        name = f"{kind.__module__}.{kind.__qualname__}"
        span.set_attribute(names.ERROR_TYPE, name)
        span.set_status(Status(StatusCode.ERROR, text))
        return name

    def _describe(self, call: Call) -> None:
        """Set the attributes of a finished call."""
        span = call.span
        if not span.is_recording():
            return
        span.set_attribute(names.ATTEMPTS, call.retries + 1)
        if call.waits:
            span.set_attribute(names.WAIT, sum(call.waits))
        if self._conversation_id is not None and len(call.keys) == 1:
            self._identify(span, self._conversation_id, *call.keys)
        for direction, traffic in _directions(call):
            span.set_attribute(names.MESSAGES + direction, traffic.messages)
            span.set_attribute(names.BYTES + direction, traffic.bytes)
            if traffic.bodies:
                span.set_attribute(names.CONTENT + direction, traffic.bodies)
        if call.read.messages:
            span.set_attribute(names.RETURNED_ROWS, call.read.messages)

    def _identify(self, span: Span, conversation_id: Callable[[str], str], key: str) -> None:
        try:
            span.set_attribute(names.CONVERSATION_ID, conversation_id(key))
        except Exception as error:  # noqa: BLE001 - the call has taken effect
            logger.warning(
                "conversation_id raised %s: the span has no %s",
                type(error).__name__,
                names.CONVERSATION_ID,
            )

    def _measure(self, call: Call, seconds: float, attributes: dict[str, str | int]) -> None:
        """Record the metrics of a finished call."""
        self._metrics.record_call(seconds, call.retries, attributes)
        for direction, traffic in _directions(call):
            self._metrics.record_messages(direction, traffic.messages, traffic.bytes, attributes)
        for wait in call.waits:
            pool = {**self._common, names.POOL: self._server}
            self._metrics.record_wait(wait, pool)


def _innermost(backend: Backend[Any]) -> Backend[Any]:
    while isinstance(backend, WrapperBackend):
        backend = backend.inner
    return backend


def _directions(call: Call) -> Iterator[tuple[str, Traffic]]:
    """Return the directions in which the call moved messages."""
    for direction, traffic in ((names.READ, call.read), (names.WRITTEN, call.written)):
        if traffic.messages:
            yield direction, traffic
