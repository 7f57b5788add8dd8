"""Set up all tests: an event loop that is closed, and this folder's modules."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode omits it


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[Any]:
    """Close the loop that ``run_sync`` leaves open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)
