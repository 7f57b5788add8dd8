"""Keeps conversations in an SQLite file and shows what comes back: ``make demo``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from examples.demo.conversations import BadFileError, read_conversations
from examples.demo.report import show_messages, show_totals, show_windows
from examples.demo.sample import sample
from examples.demo.windows import LIMITS, JudgedWindow, judge_windows, load_tokens
from rich.console import Console
from rich.progress import track

from chatstore.core import ChatMessage, TokenCounter
from chatstore.sqlite import SQLiteChatStore

KEY = "travel office/Gruber"
_HALF = 9


def main(arguments: list[str]) -> int:
    """Run the demo; return 0, 1 for a window that a provider refuses, 2 for a bad file."""
    console = Console()
    if arguments[:1] == ["--continue"]:
        return _continue(Path(arguments[1]))
    folder = Path(".demo")
    folder.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=folder)) / "chat.db"
    try:
        conversations = read_conversations(Path(arguments[0])) if arguments else None
    except BadFileError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    counter, exact = load_tokens()
    with SQLiteChatStore(path) as store:
        if conversations is None:
            broken = _show_sample(console, store, path, counter, exact=exact)
        else:
            broken = _show_file(console, store, conversations, counter, exact=exact)
    if not exact:
        console.print("Tokens are estimated: tiktoken's vocabulary was not to be had.", style="dim")
    console.print(f"Kept in {path.absolute()}", style="bold", soft_wrap=True)
    return 1 if broken else 0


def _continue(path: Path) -> int:
    """Take up the conversation in a process of its own."""
    with SQLiteChatStore(path) as store:
        store.add_messages(KEY, sample()[_HALF:])
        print(f"process {os.getpid()} continued it: {store.count_messages(KEY)} messages")
    return 0


def _show_sample(
    console: Console, store: SQLiteChatStore, path: Path, counter: TokenCounter, *, exact: bool
) -> int:
    store.add_messages(KEY, sample()[:_HALF])
    console.print(f"process {os.getpid()} began a conversation: {_HALF} messages")
    again = [sys.executable, "-m", "examples.demo", "--continue", str(path)]
    console.file.flush()
    subprocess.run(again, check=True)
    messages = store.get_messages(KEY)
    if messages != sample():
        console.print("What came back is not what was kept.", style="red")
        return 1
    console.print()
    show_messages(console, f"Kept under {KEY!r}", messages)
    windows = judge_windows(store, KEY, counter)
    show_windows(console, windows, exact=exact)
    return sum(1 for window in windows if window.violations)


def _show_file(
    console: Console,
    store: SQLiteChatStore,
    conversations: dict[str, list[ChatMessage]],
    counter: TokenCounter,
    *,
    exact: bool,
) -> int:
    windows: list[JudgedWindow] = []
    broken = 0
    for key, messages in track(conversations.items(), "Keeping and reading", console=console):
        store.set_messages(key, messages)
        if store.get_messages(key) != messages:
            console.print(f"{key}: what came back is not what was kept", style="red", markup=False)
            broken += 1
        for window in judge_windows(store, key, counter):
            windows.append(window)
            for violation in window.violations:
                line = f"{key}, limit {window.limit}: {violation}"
                console.print(line, style="red", markup=False)
    total = sum(map(len, conversations.values()))
    console.print(f"{len(conversations):,} conversations with {total:,} messages kept\n")
    show_totals(console, [_total(limit, windows) for limit in LIMITS], exact=exact)
    return broken + sum(1 for window in windows if window.violations)


def _total(limit: int, windows: list[JudgedWindow]) -> tuple[int, int, int, int, int]:
    at_limit = [window for window in windows if window.limit == limit]
    return (
        limit,
        sum(len(window.messages) for window in at_limit),
        max((window.tokens for window in at_limit), default=0),
        sum(1 for window in at_limit if window.tokens > limit),
        sum(1 for window in at_limit if window.violations),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
