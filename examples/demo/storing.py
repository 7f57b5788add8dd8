"""Store conversations, read them back and judge their windows, in several processes if many."""

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from examples.demo.reading import BadFileError, Source, parse
from typing_extensions import Self

from chatstore.cli.demo.windows import LIMITS, judge_windows, load_tokens
from chatstore.core import ChatStoreError, TokenCounter
from chatstore.sqlite import SQLiteChatStore

BATCH = 200
"""Conversations that a process stores at a time."""

_MAX_PROCESSES = 4


@dataclass
class Total:
    """The windows at one limit, added up."""

    sent: int = 0
    largest: int = 0
    above: int = 0
    refused: int = 0


@dataclass
class Summary:
    """The results for a number of conversations."""

    conversations: int = 0
    messages: int = 0
    totals: dict[int, Total] = field(default_factory=lambda: {limit: Total() for limit in LIMITS})
    problems: list[str] = field(default_factory=list)

    def add(self, other: "Summary") -> None:
        """Add another summary to this one."""
        self.conversations += other.conversations
        self.messages += other.messages
        self.problems += other.problems
        for limit, total in other.totals.items():
            combined = self.totals[limit]
            combined.sent += total.sent
            combined.largest = max(combined.largest, total.largest)
            combined.above += total.above
            combined.refused += total.refused


def ignore_slow_calls() -> None:
    """Keep log lines about slow calls out of the output; a busy machine causes them."""
    logging.getLogger("chatstore").addHandler(logging.NullHandler())


def store_all(path: Path, batches: Iterable[list[Source]]) -> Iterator[Summary]:
    """Store batches of conversations in an SQLite file; yield a summary of each.

    Raises:
        BadFileError: A conversation cannot be read, or its key occurred before.

    """
    batches = iter(batches)
    first = list(islice(batches, 2))
    if len(first) == 1:
        with _Worker(path) as worker:
            yield worker.store(first[0])
        return
    count = min(_MAX_PROCESSES, os.cpu_count() or 1)
    with ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_begin, initargs=(path,)
    ) as pool:
        waiting: deque[Future[Summary]] = deque()
        try:
            for batch in chain(first, batches):
                waiting.append(pool.submit(_store, batch))
                if len(waiting) > 2 * count:  # do not read faster than the workers store
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


class _Worker:
    """Stores and judges conversations in one process."""

    def __init__(self, path: Path) -> None:
        # After a power failure the demo starts again, so nothing needs to be flushed to disk.
        self._store = SQLiteChatStore(path, durable=False)
        self._counter: TokenCounter = load_tokens()[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def store(self, batch: list[Source]) -> Summary:
        summary = Summary()
        for source in batch:
            self._store_one(source, summary)
        return summary

    def _store_one(self, source: Source, summary: Summary) -> None:
        key, messages = parse(source)
        if self._store.count_messages(key):
            raise BadFileError(f"{source.place}: the key occurred before; keys must differ")
        try:
            self._store.set_messages(key, messages)
        except ChatStoreError as error:
            raise BadFileError(f"{source.place}: {error}") from None
        stored = self._store.get_messages(key)
        if stored != messages:
            summary.problems.append(f"{source.place}: what came back is not what was stored")
        for window in judge_windows(self._store, key, stored, self._counter):
            total = summary.totals[window.limit]
            total.sent += len(window.messages)
            total.largest = max(total.largest, window.tokens)
            total.above += window.tokens > window.limit
            total.refused += bool(window.violations)
            summary.problems += [
                f"{source.place}, limit {window.limit}: {violation}"
                for violation in window.violations
            ]
        summary.conversations += 1
        summary.messages += len(messages)


_workers: list[_Worker] = []  # of this process


def _begin(path: Path) -> None:
    ignore_slow_calls()
    Thread(target=_end_with_parent, daemon=True).start()
    _workers.append(_Worker(path))


def _end_with_parent() -> None:
    """End this process if its parent was killed; the pool's workers would wait forever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _store(batch: list[Source]) -> Summary:
    return _workers[0].store(batch)
