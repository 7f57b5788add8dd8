"""The size of a window's first page."""

from __future__ import annotations

import gc
import weakref

from chatstore.core.memory.page_sizes import LARGEST_PAGE, first_page_size, remember
from chatstore.core.simple import MemoryBackend

ROOM = 3000


def test_it_depends_on_what_the_conversation_showed_last() -> None:
    backend = MemoryBackend()
    first = first_page_size(backend, "a", ROOM)

    remember(backend, "a", messages=10, tokens=2000)

    assert first_page_size(backend, "a", ROOM) < first
    assert first_page_size(backend, "b", ROOM) == first
    assert first_page_size(MemoryBackend(), "a", ROOM) == first

    remember(backend, "a", messages=10, tokens=10)

    assert first < first_page_size(backend, "a", ROOM) <= LARGEST_PAGE


def test_a_window_without_messages_says_nothing() -> None:
    backend = MemoryBackend()
    before = first_page_size(backend, "a", ROOM)

    remember(backend, "a", messages=0, tokens=0)

    assert first_page_size(backend, "a", ROOM) == before


def test_old_conversations_and_closed_backends_are_forgotten() -> None:
    backend = MemoryBackend()
    first = first_page_size(backend, "key 0", ROOM)
    for number in range(1001):
        remember(backend, f"key {number}", messages=1, tokens=1000)

    assert first_page_size(backend, "key 0", ROOM) == first
    assert first_page_size(backend, "key 1000", ROOM) < first

    reference = weakref.ref(backend)
    del backend
    gc.collect()
    assert reference() is None
