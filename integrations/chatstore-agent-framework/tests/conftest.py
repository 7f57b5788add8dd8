"""Set up all tests: this folder's modules, and stores."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatstore.core import ChatStore, open_store

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode omits it


@pytest.fixture
def store(store_url: str) -> Iterator[ChatStore]:
    with open_store(store_url) as opened:
        yield opened
