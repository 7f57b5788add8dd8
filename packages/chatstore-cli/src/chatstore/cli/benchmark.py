"""The measurements of ``chatstore bench``."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from chatstore.cli.demo.windows import load_tokens
from chatstore.cli.progress import Advance
from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore

_SHORT = 10  # messages
_REPETITIONS = 40
_THREADS = 8
_APPENDS = 50  # of each thread
_BATCH = 500  # messages of one call that fills the long conversation
_OWNER = "owner"
_TEXT = "Good morning! I want to spend a weekend by the sea in June. " * 4
_CALLS = 6
STEPS = 2 * _CALLS + 2
"""How many steps `measure` reports."""

Times = tuple[float, float]
"""Median and 95th percentile, in seconds."""


@dataclass(frozen=True)
class Measurement:
    """The times of one call.

    Attributes:
        call: Its name.
        short: In the short conversation.
        long: In the long conversation.

    """

    call: str
    short: Times
    long: Times

    def to_json(self) -> dict[str, Any]:
        """Return the times in milliseconds."""
        names = ("median_ms", "p95_ms", "median_long_ms", "p95_long_ms")
        times = (*self.short, *self.long)
        return {"call": self.call} | {
            name: round(seconds * 1000, 3) for name, seconds in zip(names, times, strict=True)
        }


@dataclass(frozen=True)
class Measurements:
    """What a benchmark measured.

    Attributes:
        calls: The times of single calls.
        appends_a_second: Messages that several threads append to conversations of their own.

    """

    calls: list[Measurement]
    appends_a_second: float


def measure(store: ChatStore, length: int, advance: Advance) -> Measurements:
    """Measure a store that has no conversations.

    Args:
        store: The store.
        length: The number of messages of the long conversation.
        advance: Called with 1 after each step.

    """
    for key, number in (("short", _SHORT), ("long", length)):
        store.create_conversation(key, owner=_OWNER)
        for start in range(0, number, _BATCH):
            store.add_messages(key, [_message()] * min(_BATCH, number - start))
    advance(1)
    load_tokens()  # its time does not belong to the first window
    short, long = _measure_calls(store, "short", advance), _measure_calls(store, "long", advance)
    calls = [Measurement(name, short[name], long[name]) for name in short]
    rate = _appends_a_second(store)
    advance(1)
    return Measurements(calls, rate)


def _measure_calls(store: ChatStore, key: str, advance: Advance) -> dict[str, Times]:
    memory = ChatMemoryBuffer(token_limit=2000, chat_store=store, chat_store_key=key)
    calls: dict[str, Callable[[], object]] = {
        "get_messages(last=10)": lambda: store.get_messages(key, last=10),
        "memory.get(), 2,000 tokens": memory.get,
        "count_messages": lambda: store.count_messages(key),
        "get_conversation": lambda: store.get_conversation(key),
        "list_conversations(owner=…)": lambda: store.list_conversations(owner=_OWNER),
        "add_message": lambda: store.add_message(key, _message()),
    }
    times = {}
    for name, call in calls.items():
        times[name] = _times(call)
        advance(1)
    return times


def _times(call: Callable[[], object]) -> Times:
    call()  # opens a connection, and fills caches
    measured = []
    for _ in range(_REPETITIONS):
        started = time.perf_counter()
        call()
        measured.append(time.perf_counter() - started)
    cuts = quantiles(measured, n=20)
    return cuts[9], cuts[18]


def _appends_a_second(store: ChatStore) -> float:
    def append(thread: int) -> None:
        for _ in range(_APPENDS):
            store.add_message(f"thread {thread}", _message())

    started = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(append, range(_THREADS)))
    return _THREADS * _APPENDS / (time.perf_counter() - started)


def _message() -> ChatMessage:
    return ChatMessage(role="user", content=_TEXT)
