"""Traced stores keep the contract."""

from __future__ import annotations

from functools import partial

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import ReadableSpan
from recorded import Recorded

from chatstore.core.testing import ChatStoreContract
from chatstore.core.testing.broken import BrokenHarness, CorrectStore
from chatstore.core.testing.layers import LayeredHarness
from chatstore.opentelemetry import TracedBackend


@pytest.fixture(scope="module")
def spans() -> list[ReadableSpan]:
    """Install providers for the program: a store with others cannot be pickled."""
    recorded = Recorded()
    trace.set_tracer_provider(recorded.tracer_provider)
    metrics.set_meter_provider(recorded.meter_provider)
    return recorded.spans


class TestTracedStores(ChatStoreContract):
    @pytest.fixture
    def harness(self, spans: list[ReadableSpan]) -> LayeredHarness:
        spans.clear()
        return LayeredHarness(BrokenHarness(CorrectStore), partial(TracedBackend, content=True))


def test_the_contract_was_traced(spans: list[ReadableSpan]) -> None:
    """It runs last; the last test of the contract made spans."""
    assert spans
