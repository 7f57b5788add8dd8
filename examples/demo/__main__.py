"""Store conversations in an SQLite file and show what comes back: ``make demo``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from examples.demo.folder import latest, new_database
from examples.demo.progress import Progress
from examples.demo.reading import BadFileError, read_batches
from examples.demo.report import show_messages, show_totals, show_windows
from examples.demo.sample import sample
from examples.demo.storing import BATCH, Summary, ignore_slow_calls, store_all
from examples.demo.windows import judge_windows, load_tokens
from rich.console import Console

from chatstore.core import ChatStoreError
from chatstore.sqlite import SQLiteChatStore

KEY = "travel office/Gruber"
_HALF = 9
_SHOWN_PROBLEMS = 10


class _DemoFailedError(Exception):
    """A conversation was not read back as it was stored, or a provider would refuse a window."""


def main(arguments: list[str]) -> int:
    """Run the demo; return 0, 1 for a window that a provider refuses, 2 for a bad file."""
    console = Console()
    ignore_slow_calls()
    if arguments[:1] == ["--continue"]:
        return _continue(Path(arguments[1]))
    try:
        with new_database() as path:
            if arguments:
                exact = _show_file(console, path, Path(arguments[0]))
            else:
                exact = _show_sample(console, path)
    except _DemoFailedError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1
    except (BadFileError, ChatStoreError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("Interrupted; the database was deleted.", style="red")
        return 130
    if not exact:
        console.print("Tokens are estimates: tiktoken's vocabulary could not be loaded.")
    console.print(f"The database: {latest()}", style="bold", soft_wrap=True)
    return 0


def _continue(path: Path) -> int:
    """Continue the conversation in another process."""
    with SQLiteChatStore(path) as store:
        store.add_messages(KEY, sample()[_HALF:])
        print(f"process {os.getpid()} continued it: {store.count_messages(KEY)} messages")
    return 0


def _show_sample(console: Console, path: Path) -> bool:
    counter, exact = load_tokens()
    with SQLiteChatStore(path) as store:
        store.add_messages(KEY, sample()[:_HALF])
        console.print(f"process {os.getpid()} started a conversation: {_HALF} messages")
        console.file.flush()
        command = [sys.executable, "-m", "examples.demo", "--continue", str(path)]
        subprocess.run(command, check=True)
        messages = store.get_messages(KEY)
        if messages != sample():
            raise _DemoFailedError("The messages differ from those that were stored.")
        windows = judge_windows(store, KEY, messages, counter)
    console.print()
    show_messages(console, f"The conversation {KEY!r}", messages)
    show_windows(console, messages, windows, exact=exact)
    _fail_for([violation for window in windows for violation in window.violations])
    return exact


def _show_file(console: Console, path: Path, file: Path) -> bool:
    exact = load_tokens()[1]
    progress, summary = Progress(console), Summary()
    for part in store_all(path, read_batches(file, BATCH)):
        summary.add(part)
        progress.update(summary)
    progress.finish(summary)
    console.print()
    show_totals(console, summary.totals, exact=exact)
    _fail_for(summary.problems)
    return exact


def _fail_for(problems: list[str]) -> None:
    if problems:
        lines = problems[:_SHOWN_PROBLEMS]
        if len(problems) > len(lines):
            lines.append(f"… and {len(problems) - len(lines):,} more")
        raise _DemoFailedError("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
