"""Processes that compact one conversation at once, and one that is killed before it stores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chatstore.core import ChatMemoryBuffer, ChatMessage
from chatstore.core.memory.summaries import covered_by, is_summary
from chatstore.sqlite import SQLiteChatStore

LIMIT = 200
COMPACTION = """
import os, sys, time
from chatstore.core import ChatMemoryBuffer
from chatstore.sqlite import SQLiteChatStore

path, name = sys.argv[1:]

def summarize(messages):
    print("summarizing", flush=True)
    sys.stdin.readline()
    if name == "killed":
        os._exit(1)
    return f"made by {name}"

with SQLiteChatStore(path) as store:
    summary = ChatMemoryBuffer(200, store, "k", tokenizer_fn=str.split).compact(summarize)
    print(summary.id, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a database with a conversation of 100 messages."""
    path = tmp_path / "chat.db"
    with SQLiteChatStore(path) as store:
        store.add_messages(
            "k", [ChatMessage(role="user", content="a b", id=str(number)) for number in range(100)]
        )
    return path


def compacting(path: Path, name: str) -> subprocess.Popen[str]:
    """Return a process that has read what to summarize, and goes on after a line of input."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMPACTION, str(path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "summarizing\n"
    return process


def everything_in(path: Path) -> list[ChatMessage]:
    with SQLiteChatStore(path) as store:
        return ChatMemoryBuffer(LIMIT, store, "k").get_all(with_summaries=True)


def test_processes_that_summarize_the_same_messages(path: Path) -> None:
    processes = [compacting(path, str(number)) for number in range(3)]
    with SQLiteChatStore(path) as store:
        store.add_message("k", ChatMessage(role="user", content="later"))
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    outputs = {process.communicate()[0] for process in processes}

    everything = everything_in(path)
    [summary] = [message for message in everything if is_summary(message)]
    assert outputs == {f"{summary.id}\n"}
    assert len(everything) == 102
    place = everything.index(summary)
    assert covered_by(summary) == ("0", everything[place - 1].id)


def test_a_process_that_is_killed_before_it_stores_its_summary(path: Path) -> None:
    process = compacting(path, "killed")
    process.communicate("\n")

    assert process.returncode == 1
    assert len(everything_in(path)) == 100
    compacting(path, "next").communicate("\n")
    assert len(everything_in(path)) == 101
