"""Tests intercept the commands of a store's sync calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chatstore.core import ChatStore
from chatstore.redis import RedisBackend
from chatstore.redis_scripts import Attempt, Command, ScriptClient


class Interceptor:
    """Passes commands on to another client; a subclass overrides `send`."""

    def __init__(self, inner: ScriptClient) -> None:
        self.inner = inner

    def send(self, command: Command, attempt: Attempt) -> Any:
        return self.inner.send(command, attempt)

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> Any:
        return [self.send(command, attempt) for command in commands]

    def scan(self, cursor: Any, pattern: str, count: int, attempt: Attempt) -> Any:
        return self.inner.scan(cursor, pattern, count, attempt)

    def sleep(self, seconds: float) -> Any:
        return self.inner.sleep(seconds)


def backend_of(store: ChatStore) -> RedisBackend:
    """Return a store's backend with its type."""
    assert isinstance(store.backend, RedisBackend)
    return store.backend


def intercept(
    monkeypatch: pytest.MonkeyPatch,
    store: ChatStore,
    make: Callable[[ScriptClient], ScriptClient],
) -> None:
    """Let a store's sync calls use another client, made from its own."""
    clients = backend_of(store).clients
    interceptor = make(clients.for_threads())
    monkeypatch.setattr(clients, "for_threads", lambda: interceptor)
