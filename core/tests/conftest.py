"""Fixtures that several files share; tests can import the helper modules in this folder."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatstore.core import ChatMemoryBuffer
from chatstore.core.testing import Relay

if TYPE_CHECKING:
    from echo_server import EchoServer

sys.path.append(str(Path(__file__).parent))  # pytest's import mode "importlib" does not add it


@pytest.fixture(params=["sync", "async", "llama_index"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return a function that calls a buffer's method: sync, async, or by its LlamaIndex name."""

    def call_buffer(buffer: ChatMemoryBuffer, name: str, *args: Any, **kwargs: Any) -> Any:
        if request.param == "sync":
            return getattr(buffer, name)(*args, **kwargs)
        prefix = "async_" if request.param == "async" else "a"
        return asyncio.run(getattr(buffer, prefix + name)(*args, **kwargs))

    return call_buffer


@pytest.fixture
def server() -> Iterator[EchoServer]:
    from echo_server import EchoServer

    with EchoServer() as server:
        yield server


@pytest.fixture
def relay(server: EchoServer) -> Iterator[Relay]:
    with Relay(server.port) as relay:
        yield relay
    assert not [t for t in threading.enumerate() if t.name == f"relay on port {relay.port}"]
