"""Set up all tests: no telemetry, and this folder's modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chatstore.haystack import StoredChatMessages

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when Haystack is imported

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode omits it


@pytest.fixture
def store(store_url: str) -> Iterator[StoredChatMessages]:
    from chatstore.haystack import StoredChatMessages

    opened = StoredChatMessages(store_url)
    yield opened
    opened.close()
