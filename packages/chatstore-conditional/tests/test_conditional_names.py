"""Names do not repeat, even if a program seeds its random generator."""

from __future__ import annotations

import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatstore.conditional.names import new_name
from chatstore.conditional.testing import MemoryChatStore, MemoryDatabase
from chatstore.core import ChatMessage


def seeded_names(_: int) -> list[str]:
    random.seed(7)
    return [new_name() for _ in range(100)]


def test_names_have_at_least_64_bits() -> None:
    assert all(len(new_name()) == 13 and new_name().isalnum() for _ in range(1000))


def test_names_of_seeded_processes_and_threads_differ() -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        names = [name for batch in pool.map(seeded_names, range(8)) for name in batch]
    with ThreadPoolExecutor(4) as threads:
        names += [name for batch in threads.map(seeded_names, range(8)) for name in batch]

    assert len(set(names)) == len(names) == 1600


@pytest.mark.parametrize("count", [1, 300])
def test_stores_of_seeded_programs_lose_nothing(count: int) -> None:
    database = MemoryDatabase()
    stores = [MemoryChatStore(database), MemoryChatStore(database)]
    expected = []
    for number in range(20):
        messages = [ChatMessage(role="user", content=f"{number}.{n}") for n in range(count)]
        random.seed(7)
        stores[number % 2].add_messages("k", messages)
        expected += [message.content for message in messages]

    assert [message.content for message in stores[0].get_messages("k")] == expected
