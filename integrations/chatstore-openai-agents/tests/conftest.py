"""The stores that every test runs on, and no network."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from agents import set_tracing_disabled

set_tracing_disabled(True)

sys.path.insert(0, str(Path(__file__).parent))  # the modules beside this one


@pytest.fixture(params=["sqlite"])
def store_url(request, tmp_path):
    """The URL of an empty store, one param for each kind of store."""
    return f"{request.param}:///{tmp_path}/chat.db"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    connect = socket.socket.connect

    def connect_here(self, address):
        assert not isinstance(address, tuple) or address[0] in {"127.0.0.1", "::1", "localhost"}
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
