"""The memory buffer reads only the pages that it needs, even while the conversation changes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from numbered_messages import numbered, turns, words

from chatstore.core import ChatMessage, ChatStore
from chatstore.core.backend import Newest, Page, Plan
from chatstore.core.memory import ChatMemoryBuffer
from chatstore.core.simple import Conversations, MemoryBackend

KEY = "k"
Call = Callable[..., Any]


class ReadingBackend(MemoryBackend):
    """Records the size of each page; a test can change the conversation after a page."""

    def __init__(self) -> None:
        """Begin with no pages."""
        super().__init__()
        self.pages: list[int] = []
        self.after_page: Callable[[], None] = lambda: None

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from super().read_newest(key, read)
        self.pages.append(len(page.records) + len(page.leading))
        self.after_page()
        return page


def test_no_more_is_read_than_needed(call: Call) -> None:
    read = []
    for count in (100, 5000):
        backend = ReadingBackend()
        store = ChatStore(backend)
        store.add_messages(KEY, turns(count))
        buffer = ChatMemoryBuffer(100, store, KEY, tokenizer_fn=words)
        assert call(buffer, "get")[-1] == turns(count)[-1]
        read.append(backend.pages)

    assert read[0] == read[1]
    assert sum(read[0]) < 100


def test_a_new_buffer_knows_how_long_the_messages_are(call: Call) -> None:
    backend = ReadingBackend()
    store = ChatStore(backend)
    message = ChatMessage(role="user", content="word " * 150)
    store.add_messages(KEY, [message] * 100)
    first, second = (ChatMemoryBuffer(1500, store, KEY, tokenizer_fn=words) for _ in range(2))

    assert call(first, "get") == call(second, "get")

    assert backend.pages[1] < backend.pages[0]


def test_a_window_leaves_nothing_for_the_garbage_collector() -> None:
    """Otherwise all messages that were decoded would stay in memory for a while."""
    store = ChatStore(MemoryBackend())
    store.add_messages(KEY, turns(100))
    buffer = ChatMemoryBuffer(100, store, KEY, tokenizer_fn=words)
    buffer.get()
    gc.collect()
    gc.disable()
    try:
        buffer.get()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_all_is_read_for_a_huge_limit(call: Call) -> None:
    backend = ReadingBackend()
    store = ChatStore(backend)
    store.add_messages(KEY, turns(2500))

    assert call(ChatMemoryBuffer(10**30, store, KEY, tokenizer_fn=words), "get") == turns(2500)
    assert len(backend.pages) > 1


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_all_leading_instructions_stay(call: Call, count: int) -> None:
    pinned = [
        numbered("developer" if number % 2 else "system", 1000 + number) for number in range(count)
    ]
    store = ChatStore(ReadingBackend())
    store.add_messages(KEY, [*pinned, *turns(500)])
    buffer = ChatMemoryBuffer(200, store, KEY, tokenizer_fn=words)

    window = call(buffer, "get")

    assert window[:count] == pinned
    assert window[count].role == "user"
    assert window[-1] == turns(500)[-1]


@pytest.mark.parametrize("always", [False, True])
def test_a_conversation_replaced_between_two_pages(call: Call, *, always: bool) -> None:
    backend, other = ReadingBackend(), MemoryBackend()
    store = ChatStore(backend)
    store.add_messages(KEY, [numbered("assistant", number) for number in range(3000)])

    def replace() -> None:
        if always or len(backend.pages) == 1:
            ChatStore(other).set_messages(KEY, turns(1500))
            backend.conversations.by_key[KEY] = other.conversations.by_key[KEY]

    backend.after_page = replace
    buffer = ChatMemoryBuffer(10**30, store, KEY, tokenizer_fn=words)

    assert call(buffer, "get") == turns(1500)
