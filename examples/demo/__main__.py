"""Store conversations in an SQLite file and show what comes back: ``make demo``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from examples.demo.folder import latest, new_database
from examples.demo.progress import Progress
from examples.demo.reading import BadFileError, read_batches
from examples.demo.report import show_totals
from examples.demo.storing import BATCH, Summary, ignore_slow_calls, store_all
from rich.console import Console

from chatstore.cli.demo.transcript import (
    ESTIMATED,
    DemoFailedError,
    continue_sample,
    fail_for,
    show_sample,
)
from chatstore.cli.demo.windows import load_tokens
from chatstore.core import ChatStoreError
from chatstore.sqlite import SQLiteChatStore


def main(arguments: list[str]) -> int:
    """Run the demo; return 0, 1 for a window that a provider refuses, 2 for a bad file."""
    console = Console()
    ignore_slow_calls()
    if arguments[:1] == ["--continue"]:
        return _continue(Path(arguments[1]))
    try:
        with new_database() as path:
            if arguments:
                _show_file(console, path, Path(arguments[0]))
            else:
                _show_sample(console, path)
    except DemoFailedError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1
    except (BadFileError, ChatStoreError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("Interrupted; the database was deleted.", style="red")
        return 130
    console.print(f"The database: {latest()}", style="bold", soft_wrap=True)
    return 0


def _continue(path: Path) -> int:
    """Continue the conversation in another process."""
    with SQLiteChatStore(path) as store:
        print(continue_sample(store))
    return 0


def _show_sample(console: Console, path: Path) -> None:
    command = [sys.executable, "-m", "examples.demo", "--continue", str(path)]
    with SQLiteChatStore(path) as store:
        show_sample(console, store, lambda: subprocess.run(command, check=True))


def _show_file(console: Console, path: Path, file: Path) -> None:
    exact = load_tokens()[1]
    progress, summary = Progress(console), Summary()
    for part in store_all(path, read_batches(file, BATCH)):
        summary.add(part)
        progress.update(summary)
    progress.finish(summary)
    console.print()
    show_totals(console, summary.totals, exact=exact)
    fail_for(summary.problems)
    if not exact:
        console.print(ESTIMATED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
