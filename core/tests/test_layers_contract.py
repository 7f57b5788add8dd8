"""Stores with layers keep the contract."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from test_contract_simple import SimpleHarness

from chatstore.core import ChatMessage
from chatstore.core.backend import Backend
from chatstore.core.layers import MappingBackend, PrefixedBackend, RedactedBackend
from chatstore.core.testing.layers import Layer, LayeredHarness

if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    from chatstore.core.testing import ChatStoreContract as Contract
else:  # a layer's plans are the same in all modes
    from chatstore.core.testing import MixedContract as Contract

PREFIX = "4:acme:"


def unchanged(message: ChatMessage) -> ChatMessage:
    return message


def stacked(backend: Backend[Any]) -> Backend[Any]:
    inner = PrefixedBackend(backend, "acme")
    return MappingBackend(RedactedBackend(PrefixedBackend(inner, "a:b"), unchanged))


LAYERS: dict[str, tuple[Layer, str]] = {
    "mapping": (MappingBackend, ""),
    "prefixed": (partial(PrefixedBackend, tenant="acme"), PREFIX),
    "redacted": (partial(RedactedBackend, redact=unchanged), ""),
    "stacked": (stacked, PREFIX + "3:a:b:"),
}


class TestLayers(Contract):
    share_of_examples = 5  # as in the long run

    @pytest.fixture(params=LAYERS)
    def harness(self, request: pytest.FixtureRequest) -> LayeredHarness:
        layer, prefix = LAYERS[request.param]
        return LayeredHarness(
            SimpleHarness(), layer, stored_key=prefix.__add__, max_name_bytes=255 - len(prefix)
        )
