"""The README's examples run."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
LANGCHAIN, STORE, READER = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(program: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_from_langchain(tmp_path: Path) -> None:
    message = {"type": "human", "data": {"content": "Hello!"}}
    with closing(sqlite3.connect(tmp_path / "memory.db")) as database, database:
        database.execute(
            "CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"
        )
        values = ("user:42", json.dumps(message))
        database.execute("INSERT INTO message_store (session_id, message) VALUES (?, ?)", values)
    [line] = run(LANGCHAIN, tmp_path)

    assert "key='user:42', messages=1, copied=1" in line


def test_between_stores(tmp_path: Path) -> None:
    assert run(STORE, tmp_path) == ["['user:42']"]


def test_a_reader_and_a_function(tmp_path: Path) -> None:
    assert run(READER, tmp_path) == ["Hello!"]
