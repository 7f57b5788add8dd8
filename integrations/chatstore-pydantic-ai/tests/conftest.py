"""What all tests need: an event loop that is closed, and the modules beside this one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[Any]:
    """Close the loop that ``run_sync`` leaves open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)
