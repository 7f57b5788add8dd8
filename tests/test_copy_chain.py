"""``chatstore copy`` from database to database, killed on the way: the digests stay equal.

SQLite → Redis → DynamoDB (moto) → Postgres → SQLite. The copies to Redis and to Postgres are killed
with SIGKILL in the middle, and made again. ``CHATSTORE_SOAK=1`` copies 1,000 conversations with
100,000 messages, and prints times and peak memory for ``docs/export-and-copy.md``.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripts.workspace import ROOT

from chatstore.core import ChatMessage, ChatStore, open_store
from chatstore.migrate import Fingerprint, fingerprint

sys.path.append(str(ROOT / "packages" / "chatstore-dynamodb" / "tests"))
from dynamodb_server import KEYS, REGION, DynamoDBServer

IS_LONG = bool(os.environ.get("CHATSTORE_SOAK"))
CONVERSATIONS = 1000 if IS_LONG else 8
MESSAGES = 100_000 if IS_LONG else 900
LONGEST = 20_000 if IS_LONG else 700  # messages of one conversation
MAX_MEGABYTES = 150  # of the process that copies, with the interpreter and the drivers
_PATIENT = "timeout=60"  # a machine may stall for seconds
_COPY = """
import sys
from pathlib import Path

from chatstore.cli.app import run

code = run(["copy", "--json", *sys.argv[1:]])
lines = Path("/proc/self/status").read_text().splitlines()
[kilobytes] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
print(kilobytes)
sys.exit(code)
"""
_KILLED_COPY = """
import os, signal, sys
from chatstore.core import open_store
from chatstore.migrate import migrate

def stop(progress):
    if progress.messages >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

with open_store(sys.argv[1]) as source, open_store(sys.argv[2]) as store:
    migrate(source, store, progress=stop)
"""


def run(program: str, *arguments: str) -> tuple[int, list[str]]:
    """Run a program; return its exit code and the lines that it printed."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def urls(
    tmp_path: Path, redis_server: Any, postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Return the stores to copy through."""
    environment = {**KEYS, "aws_default_region": REGION, "no_proxy": "*"}
    for name, value in environment.items():
        monkeypatch.setenv(name.upper(), value)
    database = f"test_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {database}")
    server = DynamoDBServer()
    postgres = postgres_server.url(database)
    yield [
        f"sqlite:///{tmp_path}/first.db",
        f"redis://127.0.0.1:{redis_server.port}/0?namespace={database}&{_PATIENT}",
        f"dynamodb://{server.new_table()}?endpoint_url={server.url}&{_PATIENT}",
        f"{postgres}{'&' if '?' in postgres else '?'}{_PATIENT}",
        f"sqlite:///{tmp_path}/last.db",
    ]
    server.close()


def fill(store: ChatStore) -> None:
    rest = MESSAGES - LONGEST
    for number in range(CONVERSATIONS):
        key = f"chat/{number}"
        owner = f"u{number % 50}" if number % 7 else None
        title = f"Conversation {number}" if number % 3 else None
        if owner or title:
            metadata = {"number": number, "tags": ["a", "é"]}
            store.create_conversation(key, owner=owner, title=title, metadata=metadata)
        others = CONVERSATIONS - 1
        share = rest // others + (number <= rest % others)
        count = share if number else LONGEST
        for start in range(0, count, 500):
            store.add_messages(
                key,
                [
                    ChatMessage(
                        role="assistant" if index % 2 else "user",
                        content=f"Message {index} of {key}. " + "It has some text. " * 25,
                        metadata={"tokens": index} if index % 2 else {},
                    )
                    for index in range(start, min(count, start + 500))
                ],
            )
    store.create_conversation("empty", owner="u1")


def read(url: str) -> Fingerprint:
    with open_store(url) as store:
        return fingerprint(store)


def kill_a_copy(source: str, target: str) -> int:
    """Kill a copy in the middle; return how many messages it copied."""
    code, _ = run(_KILLED_COPY, source, target, str(MESSAGES // 2))
    assert code == -signal.SIGKILL
    there = read(target).messages
    assert 0 < there < MESSAGES
    return there


def test_copies_from_database_to_database_are_equal(
    urls: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(urls[0]) as store:
        fill(store)
        expected = fingerprint(store)
    assert (expected.conversations, expected.messages) == (CONVERSATIONS + 1, MESSAGES)
    for number, (source, target) in enumerate(itertools.pairwise(urls)):
        there = kill_a_copy(source, target) if number % 2 == 0 else 0
        start = time.monotonic()
        code, (text, kilobytes) = run(_COPY, source, target)
        seconds, megabytes = time.monotonic() - start, int(kilobytes) / 1024
        assert code == 0
        report = json.loads(text)
        assert report["skipped"] == []
        assert (report["conversations"], report["messages"]) == (CONVERSATIONS + 1, MESSAGES)
        assert report["copied"] == MESSAGES - there
        assert report["digest"] == expected.digest
        assert read(target) == expected
        assert megabytes < MAX_MEGABYTES
        kinds = " → ".join(url.partition(":")[0] for url in (source, target))
        line = (
            f"{kinds}: {report['copied']:,} messages in {seconds:.0f} s, "
            f"{report['copied'] / seconds:,.0f} a second; peak {megabytes:.0f} MB"
            + (f"; resumed after SIGKILL at {there:,}" if there else "")
        )
        if IS_LONG:
            with capsys.disabled():
                print(f"\n{line}")
