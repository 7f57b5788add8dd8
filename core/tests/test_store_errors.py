"""Failed calls of ``ChatStore`` raise translated errors, and calls are logged."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

from chatstore.core import (
    ChatStore,
    ChatStoreError,
    CorruptMessageError,
    SimpleChatStore,
    StoreClosedError,
    StoreUnavailableError,
)
from chatstore.core.backend import Plan, call
from chatstore.core.simple import Conversations, MemoryBackend
from chatstore.core.testing.messages import message


class FakeDriverError(Exception):
    """What a driver might raise."""


class Failing(MemoryBackend):
    """A backend whose driver fails."""

    error: Exception = FakeDriverError("password=hunter2")

    def fail(self, _client: object) -> int:
        raise self.error

    def count(self, key: str) -> Plan[Conversations, int]:
        return call(self.fail)

    def close(self) -> None:
        self.fail(None)

    def translate(self, error: Exception) -> ChatStoreError | None:
        return StoreUnavailableError("down") if isinstance(error, FakeDriverError) else None


def failing() -> ChatStore:
    return ChatStore(Failing())


def test_errors_of_drivers_are_translated() -> None:
    store = failing()
    for act in (
        lambda: store.count_messages("a"),
        lambda: asyncio.run(store.async_count_messages("a")),
        lambda: failing().close(),
        lambda: asyncio.run(failing().async_close()),
    ):
        with pytest.raises(
            StoreUnavailableError, match=r"^(count_messages|close): down$"
        ) as caught:
            act()
        assert "hunter2" not in "".join(map(str, chain_of(caught.value)))
        assert str(caught.value.__cause__).endswith("FakeDriverError")


def chain_of(error: BaseException | None) -> list[BaseException]:
    """Return an error and everything that a traceback could show behind it."""
    if error is None:
        return []
    return [error, *chain_of(error.__cause__), *chain_of(error.__context__)]


def test_no_other_class_of_error_leaves() -> None:
    backend = Failing()
    store = ChatStore(backend)
    for error in (ZeroDivisionError("hunter2"), TypeError("hunter2"), RecursionError("hunter2")):
        backend.error = error
        with pytest.raises(ChatStoreError, match=type(error).__name__) as caught:
            store.count_messages("a")
        assert "hunter2" not in "".join(map(str, chain_of(caught.value)))


def test_errors_cross_processes() -> None:
    original = CorruptMessageError("cannot be read", key="a", position=3)
    original.operation = "get_messages"
    copied = pickle.loads(pickle.dumps(original))
    assert (type(copied), str(copied)) == (CorruptMessageError, str(original))
    assert (copied.key, copied.position) == ("a", 3)


def test_a_closed_store_refuses_everything() -> None:
    store: Any = SimpleChatStore()
    with store:
        pass
    store.close()
    for act in (
        lambda: store.add_message("a", message("x")),
        lambda: store.get_messages("a", last=0),
        store.get_keys,
        lambda: next(store.iter_messages("a")),
        lambda: asyncio.run(store.async_delete_messages("a")),
    ):
        with pytest.raises(StoreClosedError):
            act()


def test_repr_names_class_server_and_state() -> None:
    store = SimpleChatStore()
    assert repr(store) == "<SimpleChatStore: MemoryBackend, open>"
    store.close()
    assert repr(store) == "<SimpleChatStore: MemoryBackend, closed>"


def test_calls_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = SimpleChatStore()
    with caplog.at_level("INFO", "chatstore"):
        store.get_messages("a")
    assert caplog.records == []
    with caplog.at_level("DEBUG", "chatstore"):
        store.add_message("a", message("secret"))
    [record] = caplog.records
    assert "add_message" in record.getMessage()
    assert "'a'" in record.getMessage()
    assert "secret" not in record.getMessage()
