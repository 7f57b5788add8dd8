"""Measure LangGraph's savers and this project's: ``python -m scripts.langgraph_bytes [TURNS]``.

Each saver keeps one conversation of 400 turns, about 600 bytes a message, in one run. It writes the
table in the README of `chatstore-langgraph`: bytes written and stored, and the time of a turn.

It needs Linux, and for the row of ``PostgresSaver`` the package ``langgraph-checkpoint-postgres``,
which is not in the workspace.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from scripts.workspace import ROOT

from chatstore.core import open_store
from chatstore.langgraph import ChatStoreSaver

_README = ROOT / "integrations" / "chatstore-langgraph" / "README.md"
_MARKS = ("<!-- bytes -->\n", "<!-- end of bytes -->")
_TURNS = 400
_AVERAGED = 20  # turns at the beginning and at the end
_WORDS = 95  # about 600 bytes
_MEGABYTE = 1_000_000

Opener = Callable[[], AbstractContextManager[BaseCheckpointSaver[Any]]]


class Figures(NamedTuple):
    """What one saver needs for a conversation."""

    name: str
    written: int
    stored: int
    first: float
    last: float


def main() -> None:
    """Measure, and write the table."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else _TURNS
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_measure_sqlite(Path(folder), turns), *_measure_postgres(turns)]
    page = _README.read_text(encoding="utf-8")
    before, _, rest = page.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    table = f"\n{_table(rows, turns)}\n\n"
    _README.write_text(before + _MARKS[0] + table + _MARKS[1] + after, encoding="utf-8")


def _measure_sqlite(folder: Path, turns: int) -> Iterator[Figures]:
    def open_chatstore() -> AbstractContextManager[BaseCheckpointSaver[Any]]:
        return _saver_of(f"sqlite:///{folder}/chatstore.db")

    def open_langgraph() -> AbstractContextManager[BaseCheckpointSaver[Any]]:
        return SqliteSaver.from_conn_string(f"{folder}/langgraph.db")

    for name, file, opener in (
        (f"`SqliteSaver` {version('langgraph-checkpoint-sqlite')}", "langgraph.db", open_langgraph),
        ("`ChatStoreSaver` on SQLite", "chatstore.db", open_chatstore),
    ):
        before = _written_to_files()
        times = _converse(opener, turns)
        written = _written_to_files() - before
        stored = sum(path.stat().st_size for path in folder.glob(f"{file}*"))
        yield _figures(name, written, stored, times)


def _measure_postgres(turns: int) -> Iterator[Figures]:
    sys.path.append(str(ROOT / "packages" / "chatstore-postgres" / "tests"))
    servers: Any = import_module("postgres_servers")
    server = servers.PostgresServer(servers.newest_binaries())
    try:
        subjects: list[tuple[str, Callable[[str], Any]]] = [
            ("`ChatStoreSaver` on Postgres", _saver_of)
        ]
        try:
            postgres_saver: Any = import_module("langgraph.checkpoint.postgres").PostgresSaver
            name = f"`PostgresSaver` {version('langgraph-checkpoint-postgres')}"
            subjects.insert(0, (name, lambda url: _set_up(postgres_saver.from_conn_string(url))))
        except (ImportError, PackageNotFoundError):
            pass
        for number, (name, opener) in enumerate(subjects):
            database = f"measured_{number}"
            server.execute(f"CREATE DATABASE {database}")
            url = str(server.url(database))
            before = _postgres_figures(url)
            times = _converse(lambda opener=opener, url=url: opener(url), turns)  # type: ignore[misc]
            after = _postgres_figures(url)
            yield _figures(name, after[0] - before[0], after[1] - before[1], times)
    finally:
        server.close()


@contextmanager
def _saver_of(url: str) -> Iterator[BaseCheckpointSaver[Any]]:
    with open_store(url) as store:
        yield ChatStoreSaver(store)


@contextmanager
def _set_up(opened: AbstractContextManager[Any]) -> Iterator[BaseCheckpointSaver[Any]]:
    with opened as saver:
        saver.setup()
        yield saver


def _converse(opener: Opener, turns: int) -> list[float]:
    """Run a conversation and return the seconds of each turn."""
    words = random.Random(1)  # the same messages for every saver
    vocabulary = ["".join(words.choices("etaoinshrdlu", k=words.randint(2, 9))) for _ in range(999)]

    def text() -> str:
        return " ".join(words.choices(vocabulary, k=_WORDS))

    def answer(state: MessagesState) -> dict[str, Any]:
        assert state["messages"]
        return {"messages": [AIMessage(text())]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    thread: Any = {"configurable": {"thread_id": "thread"}}
    seconds = []
    with opener() as saver:
        graph = builder.compile(checkpointer=saver)
        for _ in range(turns):
            question: Any = {"messages": [HumanMessage(text())]}
            begin = time.perf_counter()
            graph.invoke(question, thread)
            seconds.append(time.perf_counter() - begin)
        assert len(graph.get_state(thread).values["messages"]) == 2 * turns
    return seconds


def _written_to_files() -> int:
    """Return how many bytes this process has passed to write calls."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def _postgres_figures(url: str) -> tuple[int, int]:
    """Return the position in the server's log of writes, and the size of the database."""
    psycopg: Any = import_module("psycopg")
    with psycopg.connect(url) as connection:
        query = (
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), "
            "pg_database_size(current_database())"
        )
        written, stored = connection.execute(query).fetchone()
        return int(written), int(stored)


def _figures(name: str, written: int, stored: int, times: list[float]) -> Figures:
    return Figures(name, written, stored, median(times[:_AVERAGED]), median(times[-_AVERAGED:]))


def _table(rows: list[Figures], turns: int) -> str:
    lines = [
        f"| {turns} turns | written | stored | first {_AVERAGED} turns | last {_AVERAGED} turns |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        sizes = [f"{size / _MEGABYTE:.1f} MB" for size in (row.written, row.stored)]
        times = [f"{seconds * 1000:.0f} ms" for seconds in (row.first, row.last)]
        lines.append("| " + " | ".join([row.name, *sizes, *times]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
