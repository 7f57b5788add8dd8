"""The README's agent runs three turns in one process, and another process continues."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
GUIDE, HISTORY, MOVING = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
# tiktoken would fetch its vocabulary: tokens are estimated without it, with a warning.
QUIET = ["-W", "error", "-W", "ignore::UserWarning"]
OFFLINE = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "TIKTOKEN_CACHE_DIR": "",
    "LANGSMITH_TRACING": "false",
}


def run(program, *arguments, **options):
    command = [sys.executable, *QUIET, "-c", program, *arguments]
    options["env"] = {**os.environ, **OFFLINE}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_model_sees_the_whole_conversation(each_store_url):
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    lines = run(GUIDE, each_store_url, *cities[:3]) + run(GUIDE, each_store_url, cities[3])

    before = [["system", "Be brief."]]
    for city, line in zip(cities, lines, strict=True):
        answer, question, results = json.loads(line)
        asked, called, told = ["human", city], ["ai", ""], ["tool", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        assert question == [*before, asked]
        assert results == [*before, asked, called, told]
        before += [asked, called, told, ["ai", answer]]


def test_history(tmp_path):
    for turns in (1, 2):
        assert run(HISTORY, cwd=tmp_path) == ["Human: Hello!", "AI: Hi."] * turns


def test_moving_in(tmp_path):
    message = {"type": "human", "data": {"content": "Hello!"}}
    with closing(sqlite3.connect(tmp_path / "memory.db")) as theirs, theirs:
        theirs.execute(
            "CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"
        )
        values = ("user:42", json.dumps(message))
        theirs.execute("INSERT INTO message_store (session_id, message) VALUES (?, ?)", values)
    [line] = run(MOVING, cwd=tmp_path)

    assert "key='user:42', messages=1, copied=1" in line
