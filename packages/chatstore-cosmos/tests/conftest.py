"""The double of the service, one for each test: it starts in a millisecond."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from cosmos_double import CosmosDouble


@pytest.fixture
def double() -> Iterator[CosmosDouble]:
    service = CosmosDouble()
    yield service
    service.close()
    assert service.errors == []
