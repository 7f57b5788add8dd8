"""Layers: ``WrapperBackend`` passes everything on, and a subclass changes one thing."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

from chatstore.core import ChatMemoryBuffer, ChatStore, StoreUnavailableError
from chatstore.core.backend import (
    Append,
    Backend,
    Existing,
    Newest,
    Oldest,
    Page,
    Plan,
    Record,
    StoredRecord,
    WrapperBackend,
)
from chatstore.core.errors import ChatStoreError
from chatstore.core.simple import Conversations, MemoryBackend
from chatstore.core.testing.messages import contents, message

T = TypeVar("T")
M = TypeVar("M")


class Noting(MemoryBackend):
    """Notes which of its methods are called."""

    max_message_bytes = 1000

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    @property
    def server(self) -> str:
        return "memory:1"

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name in PUBLIC:
            self.calls[name] += 1
        return super().__getattribute__(name)


PUBLIC = {
    name
    for name, member in vars(Backend).items()
    if not name.startswith("_") and inspect.isfunction(member)
}


class Shouting(WrapperBackend[Conversations]):
    """Changes records as they are written."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        records = [Record(r.id, r.body.replace("quiet", "LOUD")) for r in write.records]
        return self.inner.append(key, Append(records))


class Hiding(WrapperBackend[Conversations]):
    """Changes records as they are read newest first, and nowhere else."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_newest(key, read)
        return page._replace(records=[r for r in page.records if "secret" not in r.body])


def use(store: ChatStore) -> None:
    store.setup()
    store.add_messages("k", [message(c) for c in "abc"])
    store.add_message("k", message("x"), 0)
    assert contents(store.get_messages("k")) == list("xabc")
    assert contents(store.get_messages("k", last=1)) == ["c"]
    assert contents(store.iter_messages("k")) == list("xabc")
    store.delete_message("k", 0)
    assert store.count_messages("k") == 3
    assert store.get_keys() == ["k"]
    store.set_messages("k", [message("new", id="1")])
    store.put_message("k", message("newer", id="1"))
    assert store.get_message("k", "1") == message("newer")
    assert store.truncate("k", from_id="1") == 1
    store.delete_messages("k")
    store.create_conversation("k", owner="ann")
    store.update_conversation("k", title="t")
    assert [one.title for one in store.list_conversations(owner="ann").conversations] == ["t"]
    store.purge_expired()
    store.check()


def test_every_method_is_passed_on() -> None:
    """The exception is `read_all`: it calls `read_newest`, since a subclass may change that."""
    inner = Noting()
    store = ChatStore(WrapperBackend(inner))
    assert store.server == "memory:1"
    assert store.max_message_bytes == 1000
    use(store)
    asyncio.run(store.async_count_messages("k"))
    asyncio.run(store.async_close())
    ChatStore(WrapperBackend(inner)).close()
    WrapperBackend(inner).translate(ValueError())

    assert PUBLIC - set(inner.calls) == {"read_all"}
    assert len(PUBLIC) > 12


def test_every_method_is_defined_by_the_wrapper() -> None:
    """A new method of `Backend` must be passed on, not inherited."""
    assert PUBLIC - set(vars(WrapperBackend)) == {"read_all"}


def test_a_layer_changes_what_is_written() -> None:
    inner = MemoryBackend()
    ChatStore(Shouting(inner)).add_message("k", message("a quiet word"))
    assert contents(ChatStore(inner).get_messages("k")) == ["a LOUD word"]


def test_a_layer_changes_what_all_reads_return() -> None:
    """Of the whole conversation, the newest messages, and a window."""
    store = ChatStore(Hiding(MemoryBackend()))
    store.add_messages("k", [message("a"), message("secret"), message("b")])
    assert contents(store.get_messages("k")) == ["a", "b"]
    assert contents(store.get_messages("k", last=3)) == ["a", "b"]
    buffer = ChatMemoryBuffer(100, store, "k", tokenizer_fn=str.split)
    assert contents(buffer.get()) == ["a", "b"]


def test_layers_can_be_stacked() -> None:
    store = ChatStore(Hiding(Shouting(WrapperBackend(MemoryBackend()))))
    use(store)
    store.add_messages("k", [message("quiet"), message("secret")])
    assert contents(store.get_messages("k")) == ["LOUD"]


def test_errors_are_translated_by_the_inner_backend() -> None:
    class Failing(MemoryBackend):
        def run(self, plan: Plan[Conversations, T]) -> T:
            plan.close()
            raise OSError("password=hunter2")

        def translate(self, error: Exception) -> ChatStoreError | None:
            return StoreUnavailableError("memory: no answer")

    store = ChatStore(WrapperBackend(Failing()))
    with pytest.raises(StoreUnavailableError, match=r"^count_messages: memory: no answer$"):
        store.count_messages("k")


def test_layers_are_pickled_with_what_they_wrap() -> None:
    store = ChatStore(WrapperBackend(MemoryBackend()))
    store.add_message("k", message("a"))
    copied = pickle.loads(pickle.dumps(store))
    assert type(copied.backend) is WrapperBackend
    assert contents(copied.get_messages("k")) == ["a"]


class ReadsAll(MemoryBackend):
    """Reads a conversation in two parts, and decodes each."""

    parts = 0

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[Conversations, list[M]]:
        page = yield from self.read_oldest(key, Oldest(2))
        messages = decode(page.records)
        page = yield from self.read_newest(key, Newest())
        self.parts += 2
        return messages + decode(page.records[2:])


def test_read_all_is_used_for_whole_conversations_only() -> None:
    backend = ReadsAll()
    store = ChatStore(backend)
    store.add_messages("k", [message(c) for c in "abcd"])
    assert contents(store.get_messages("k", last=4)) == list("abcd")
    assert backend.parts == 0
    assert contents(store.get_messages("k")) == list("abcd")
    assert contents(asyncio.run(store.async_get_messages("k"))) == list("abcd")
    assert backend.parts == 4


def test_read_all_reads_and_decodes_by_default() -> None:
    backend = MemoryBackend()
    ChatStore(backend).add_messages("k", [message("a", id="a"), message("b", id="b")])

    def positions(records: Sequence[StoredRecord]) -> list[int]:
        return [record.position for record in records]

    assert backend.run(backend.read_all("k", positions)) == [0, 1]
    assert backend.run(backend.read_all("missing", positions)) == []
