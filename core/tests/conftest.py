"""Lets tests import the helpers beside them, and calls buffers in each mode."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import ChatMemoryBuffer

sys.path.append(str(Path(__file__).parent))  # importlib's mode of importing leaves it out


@pytest.fixture(params=["sync", "async", "llama_index"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return what calls a method of a buffer by its name: plain, async, or by LlamaIndex's name."""

    def call_buffer(buffer: ChatMemoryBuffer, name: str, *args: Any, **kwargs: Any) -> Any:
        if request.param == "sync":
            return getattr(buffer, name)(*args, **kwargs)
        prefix = "async_" if request.param == "async" else "a"
        return asyncio.run(getattr(buffer, prefix + name)(*args, **kwargs))

    return call_buffer
