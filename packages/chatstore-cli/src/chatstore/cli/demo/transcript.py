"""A conversation that one process begins and another one continues, and its windows."""

from __future__ import annotations

import os
from collections.abc import Callable

from rich.console import Console

from chatstore.cli.demo.report import show_messages, show_windows
from chatstore.cli.demo.sample import sample
from chatstore.cli.demo.windows import judge_windows, load_tokens
from chatstore.core import ChatStore

KEY = "travel office/Gruber"
_HALF = 9
_SHOWN_PROBLEMS = 10


class DemoFailedError(Exception):
    """A conversation was not read back as it was stored, or a provider would refuse a window."""


def show_sample(
    console: Console, store: ChatStore, continue_elsewhere: Callable[[], object]
) -> None:
    """Store the sample, read it back, and show it with its windows.

    Args:
        console: Where to show it.
        store: The store.
        continue_elsewhere: Calls `continue_sample` in another process.

    Raises:
        DemoFailedError: The messages or a window are wrong.

    """
    counter, exact = load_tokens()
    store.add_messages(KEY, sample()[:_HALF])
    console.print(f"process {os.getpid()} started a conversation: {_HALF} messages")
    console.file.flush()
    continue_elsewhere()
    messages = store.get_messages(KEY)
    if messages != sample():
        raise DemoFailedError("The messages differ from those that were stored.")
    windows = judge_windows(store, KEY, messages, counter)
    console.print()
    show_messages(console, f"The conversation {KEY!r}", messages)
    show_windows(console, messages, windows, exact=exact)
    fail_for([violation for window in windows for violation in window.violations])
    if not exact:
        console.print(ESTIMATED)


ESTIMATED = "Tokens are estimates: tiktoken's vocabulary could not be loaded."


def continue_sample(store: ChatStore) -> str:
    """Add the rest of the sample; return a line that says so."""
    store.add_messages(KEY, sample()[_HALF:])
    return f"process {os.getpid()} continued it: {store.count_messages(KEY)} messages"


def fail_for(problems: list[str]) -> None:
    """Raise an error if there are problems.

    Raises:
        DemoFailedError: The first of them.

    """
    if problems:
        lines = problems[:_SHOWN_PROBLEMS]
        if len(problems) > len(lines):
            lines.append(f"… and {len(problems) - len(lines):,} more")
        raise DemoFailedError("\n".join(lines))
