"""A store that is used before, during and after forks, in the parent and in its children.

Each case runs in a process of its own: its forks inherit neither pytest nor its threads.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from itertools import product
from pathlib import Path

import pytest

from chatstore.sqlite import SQLiteChatStore

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PRELUDE = """
import os, sys, threading
from chatstore.core import ChatMessage
from chatstore.sqlite import SQLiteChatStore

path = sys.argv[1]
written = 0

def add(store, text):
    store.add_message("k", ChatMessage(role="user", content=text, id=text))

def wait(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return pid

class Signal:
    def __init__(self): self.read, self.write = os.pipe()
    def send(self): os.write(self.write, b"x")
    def wait(self): os.read(self.read, 1)
"""

CLOSES_FIRST = """
used_before, closer, closes_twice = sys.argv[2:]
store = SQLiteChatStore(path)
if used_before == "used":
    add(store, "before")
child_began, parent_went_on, child_closed = Signal(), Signal(), Signal()

def work():
    add(store, "child 0")
    child_began.send()
    if closer == "child":
        store.close()
        if closes_twice == "twice":
            store.close()
        child_closed.send()
        return
    parent_went_on.wait()
    for n in range(1, 20):
        add(store, f"child {n}")

pid = child(work)
child_began.wait()
if closer == "parent":
    add(store, "parent 0")
    store.close()
    parent_went_on.send()
else:
    child_closed.wait()
    for n in range(20):
        add(store, f"parent {n}")
wait(pid)
if closer == "child":
    add(store, "at the end")
"""

FORKS_TWICE = """
store = SQLiteChatStore(path)
add(store, "before")

def grandchild():
    for n in range(10):
        add(store, f"grandchild {n}")
    store.close()

def work():
    add(store, "child 0")
    pid = child(grandchild)
    for n in range(1, 10):
        add(store, f"child {n}")
    wait(pid)
    add(store, "child after")

pid = child(work)
store.close()
wait(pid)
"""

FORKS_WHILE_THREADS_WRITE = """
store = SQLiteChatStore(path)
stop = threading.Event()
counts = [0] * 4

def write(worker):
    while not stop.is_set():
        add(store, f"thread {worker} {counts[worker]}")
        counts[worker] += 1

threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
for number in range(12):
    def work():
        for n in range(3):
            add(store, f"child {number} {n}")
        if number % 2:
            store.close()
    wait(child(work))
stop.set()
for thread in threads:
    thread.join()
store.close()
print(sum(counts))
"""

FORKS_WHILE_TASKS_WRITE = """
import asyncio
store = SQLiteChatStore(path)

async def write(worker):
    for n in range(20):
        message = ChatMessage(role="user", content="x", id=f"task {worker} {n}")
        await store.async_add_message("k", message)

async def main():
    tasks = [asyncio.create_task(write(n)) for n in range(4)]
    for number in range(6):
        await asyncio.sleep(0)
        pid = child(lambda: add(store, f"child {number}"))
        await asyncio.to_thread(wait, pid)
    await asyncio.gather(*tasks)
    await store.async_close()

asyncio.run(main())
"""


def run(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def ids_in(path: Path) -> list[str]:
    """Check the file, and return the ids in it."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with SQLiteChatStore(path) as store:
        return [str(message.id) for message in store.get_messages("k")]


@pytest.mark.parametrize(
    ("used", "closer", "times"),
    list(product(["used", "unused"], ["parent", "child"], ["once", "twice"])),
)
def test_the_other_process_goes_on_after_one_closed(
    tmp_path: Path, used: str, closer: str, times: str
) -> None:
    path = tmp_path / "chat.db"
    run(CLOSES_FIRST, path, used, closer, times)
    expected: set[str] = {"before"} if used == "used" else set()
    if closer == "parent":
        expected |= {"parent 0", *(f"child {n}" for n in range(20))}
    else:
        expected |= {"child 0", "at the end", *(f"parent {n}" for n in range(20))}
    ids = ids_in(path)
    assert set(ids) == expected
    assert len(ids) == len(expected)


def test_a_child_that_forks_again(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    run(FORKS_TWICE, path)
    expected = {"before", "child after"}
    expected |= {f"{who} {n}" for who in ("child", "grandchild") for n in range(10)}
    assert set(ids_in(path)) == expected


def test_forks_while_threads_write(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    written = int(run(FORKS_WHILE_THREADS_WRITE, path))
    ids = ids_in(path)
    assert len(set(ids)) == len(ids) == written + 36


def test_forks_while_tasks_write(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    run(FORKS_WHILE_TASKS_WRITE, path)
    assert len(ids_in(path)) == 86


def test_no_connection_is_open_during_a_fork(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with SQLiteChatStore(path) as store:
        assert store.count_messages("k") == 0
        before = open_files(path)
        pid = os.fork()
        if pid == 0:
            os._exit(len(open_files(path)))
        assert before
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def open_files(path: Path) -> list[str]:
    """Return the names of the database's files that this process has open."""
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            names.append(str(descriptor.readlink()))
    return [name for name in names if name.startswith(str(path))]
