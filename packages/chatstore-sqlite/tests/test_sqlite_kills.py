"""Writers that are killed in the middle of large writes leave all or nothing of each."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from chatstore.core import ChatMessage
from chatstore.sqlite import SQLiteChatStore

KILLS = 200 if os.environ.get("CHATSTORE_SOAK") else 8
SIZE = 500  # messages that are written at once

WRITER = """
import sys
from chatstore.core import ChatMessage
from chatstore.sqlite import SQLiteChatStore

path, start = sys.argv[1], int(sys.argv[2])

def batch(kind, number):
    return [
        ChatMessage(role="user", content="x" * 2000, id=f"{kind} {number} {n}") for n in range(500)
    ]

with SQLiteChatStore(path) as store:
    print("ready", flush=True)
    for number in range(start, start + 1000):
        store.set_messages("set", batch("set", number))
        store.add_messages("add", batch("add", number))
        store.delete_messages("fork")
        store.fork("set", "fork")
        store.truncate("fork", from_id=f"set {number} 1")
        print(number, flush=True)
"""


def test_kills_in_the_middle_of_large_writes(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    chance = random.Random(1)  # repeatable, although the kills also depend on the machine
    answered: set[str] = set()
    for number in range(KILLS):
        start = number * 1000
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        )
        with writer:
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 4)):
                line = writer.stdout.readline().strip()
                if line.isdigit():
                    answered.add(line)
            try:
                writer.wait(chance.uniform(0, 0.1))
            except subprocess.TimeoutExpired:
                writer.kill()
            answered |= {line.strip() for line in writer.stdout if line.strip().isdigit()}
        with SQLiteChatStore(path) as store:
            check_whole(store, answered)
            store.delete_messages("add")
            answered.clear()
    with SQLiteChatStore(path) as store:
        before = path.stat().st_size
        store.add_message("after", ChatMessage(role="user", content="x"))
        store.delete_messages("set")
        store.delete_messages("fork")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM chatstore_messages").fetchone() == (1,)
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"{KILLS} kills; {before:,} bytes before, {path.stat().st_size:,} after deleting all")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chat.db"]


def check_whole(store: SQLiteChatStore, answered: set[str]) -> None:
    """Check that each batch is complete, and that every answered batch exists."""
    ids = [str(message.id).split() for message in store.get_messages("add")]
    batches = [ids[start : start + SIZE] for start in range(0, len(ids), SIZE)]
    for batch in batches:
        assert [number for _, _, number in batch] == [str(n) for n in range(SIZE)]
        assert len({number for _, number, _ in batch}) == 1
    written = [batch[0][1] for batch in batches]
    assert len(set(written)) == len(written)
    assert answered <= set(written)
    current = [str(message.id).split() for message in store.get_messages("set")]
    assert len(current) in {0, SIZE}
    assert len({number for _, number, _ in current}) <= 1
    fork = store.snapshot("fork")
    assert len(fork.messages) in ({0} if fork.conversation is None else {SIZE, 1})
