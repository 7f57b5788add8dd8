"""Tests of integrations use no network but this machine."""

from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_here(self, address: Any) -> Any:
        assert not isinstance(address, tuple) or address[0] in {"127.0.0.1", "::1", "localhost"}
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
