"""The README's examples run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from programs import run_program, snippets

STORE, FILES, LANGCHAIN, READER = snippets(Path(__file__).parent.parent / "README.md")


def test_from_langchain(tmp_path: Path) -> None:
    message = {"type": "human", "data": {"content": "Hello!"}}
    with closing(sqlite3.connect(tmp_path / "memory.db")) as database, database:
        database.execute(
            "CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"
        )
        values = ("user:42", json.dumps(message))
        database.execute("INSERT INTO message_store (session_id, message) VALUES (?, ?)", values)
    [line] = run_program(LANGCHAIN, cwd=tmp_path)

    assert "conversations=1, messages=1, copied=1" in line


def test_between_stores(tmp_path: Path) -> None:
    assert run_program(STORE, cwd=tmp_path) == ["True"]


def test_files(tmp_path: Path) -> None:
    assert run_program(FILES, cwd=tmp_path) == ["1 ['user:42']"]


def test_a_reader_and_a_function(tmp_path: Path) -> None:
    assert run_program(READER, cwd=tmp_path) == ["Hello!"]
