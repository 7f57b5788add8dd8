"""Costs against history length, and against the bare driver: ``make bench``.

The cases take turns in every round, so that a change of the machine's mood meets them all; a
figure is the median of its rounds, and what counts are the ratios.
"""

from __future__ import annotations

import platform
import sqlite3
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

import chatstore.core
from chatstore.core import ChatMemoryBuffer, ChatMessage
from chatstore.sqlite import SQLiteChatStore

LENGTHS = (10, 100, 10_000, 100_000)
ROUNDS = 200
MESSAGE = ChatMessage(role="user", content="It is 600 bytes, about. " * 25)

Case = tuple[str, Callable[[], object]]


def main() -> None:
    """Measure and print."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder, SQLiteChatStore(Path(folder) / "c.db") as store:
        cases = [_bare_append(Path(folder) / "bare.db")]
        for length in track(LENGTHS, "Filling", console=console, transient=True):
            store.add_messages(str(length), [MESSAGE] * length)
            cases += _cases(store, length)
        figures = _measure(cases, console)
    _show(console, figures)


def _bare_append(path: Path) -> Case:
    """Return the least that a durable append of the same bytes takes."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE m (id INTEGER PRIMARY KEY, key TEXT, body TEXT)")
    db.execute("CREATE INDEX by_key ON m (key, id)")
    body = MESSAGE.model_dump_json()
    with db:  # as much before it as the store has: a log that grows costs more than one that is
        db.execute("BEGIN")
        db.executemany("INSERT INTO m (key, body) VALUES ('k', ?)", [(body,)] * LENGTHS[-1])
    return "bare append", lambda: db.execute("INSERT INTO m (key, body) VALUES ('k', ?)", (body,))


def _cases(store: SQLiteChatStore, length: int) -> list[Case]:
    key = str(length)
    buffer = ChatMemoryBuffer(token_limit=3000, chat_store=store, chat_store_key=key)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an estimate of tokens measures as well as a count
        buffer.get()
    return [
        (f"append {length}", lambda: store.add_message(key, MESSAGE)),
        (f"window {length}", buffer.get),
        (f"last 20 {length}", lambda: store.get_messages(key, last=20)),
        (f"count {length}", lambda: store.count_messages(key)),
    ]


def _measure(cases: list[Case], console: Console) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name, _ in cases}
    for _ in track(range(ROUNDS), "Measuring", console=console, transient=True):
        for name, work in cases:
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(measured) for name, measured in times.items()}


def _show(console: Console, figures: dict[str, float]) -> None:
    bare = figures["bare append"]
    table = Table(title="SQLite, by messages in the conversation", box=box.SIMPLE_HEAD)
    table.add_column("call")
    for length in LENGTHS:
        table.add_column(f"{length:,}", justify="right")
    for name in ("append", "window", "last 20", "count"):
        first = figures[f"{name} {LENGTHS[0]}"]
        row = [figures[f"{name} {length}"] for length in LENGTHS]
        table.add_row(name, *(f"{value * 1e6:,.0f} µs  {value / first:.2f} ×" for value in row))
    console.print(table)
    append = figures[f"append {LENGTHS[-1]}"]
    window = figures[f"window {LENGTHS[-1]}"] / figures["window 100"]
    console.print(f"append at {LENGTHS[-1]:,} against the bare driver: {append / bare:.2f} ×")
    console.print(f"window at {LENGTHS[-1]:,} against 100 messages: {window:.2f} ×")
    console.print(
        f"chatstore-core {chatstore.core.__version__}, SQLite {sqlite3.sqlite_version}, "
        f"Python {platform.python_version()}, {platform.machine()}; medians of {ROUNDS} rounds",
        style="dim",
    )


if __name__ == "__main__":
    main()
