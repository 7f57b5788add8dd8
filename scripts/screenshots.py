"""Take the pictures of the command ``chatstore``, as SVG, from the real program.

``python -m scripts.screenshots [FOLDER]`` runs commands on a temporary SQLite file, and writes what
a terminal of 96 columns shows; by default into ``docs/pictures``.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text
from scripts.workspace import ROOT

from chatstore.cli.demo.sample import sample
from chatstore.core import ChatMessage, open_store

_COLUMNS = 96
COMMANDS = {
    "ls": "chatstore ls --owner u42",
    "show": "chatstore show --last 9 'travel office/Gruber'",
    "search": "chatstore search trieste --limit 4",
    "doctor": "chatstore doctor",
}
"""The pictures, by name: what is typed."""


def main(arguments: list[str]) -> int:
    """Write all pictures."""
    folder = Path(arguments[0]) if arguments else ROOT / "docs" / "pictures"
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "chat.db"
        _fill(path)
        for name, command in COMMANDS.items():
            _picture(folder / f"command-{name}.svg", command, _output(command, path))
    return 0


def _fill(path: Path) -> None:
    with open_store(f"sqlite:///{path}") as store:
        for key, title, questions in (
            ("chat/1041", "A birthday poem", 3),
            ("chat/1077", "Why is the sky blue?", 12),
            ("chat/1102", "Résumé for a baker", 27),
        ):
            store.create_conversation(key, owner="u42", title=title)
            messages = [ChatMessage(role="user", content=title)] * questions
            store.add_messages(key, messages)
        key = "travel office/Gruber"
        store.create_conversation(key, owner="u42", title="A weekend by the sea")
        store.add_messages(key, sample())
        store.create_conversation("chat/1103", owner="u7", title="Rust or Zig?")
    path.chmod(0o600)


def _output(command: str, path: Path) -> str:
    """Return what a command prints on a terminal; doctor's warnings do not fail."""
    environment = {
        **os.environ,
        "CHATSTORE_URL": "sqlite:///chat.db",
        "COLUMNS": str(_COLUMNS),
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
    }
    return subprocess.run(
        [sys.executable, "-m", "chatstore.cli", *shlex.split(command)[1:]],
        cwd=path.parent,
        env=environment,
        stderr=subprocess.DEVNULL,  # the bar
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
        timeout=60,
    ).stdout


def _picture(path: Path, command: str, output: str) -> None:
    console = Console(
        record=True, width=_COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text(f"$ {command}", "bold"))
    console.print(Text.from_ansi(output))
    path.parent.mkdir(parents=True, exist_ok=True)
    # The id keeps the file the same if the output is the same.
    path.write_text(console.export_svg(title="chatstore", unique_id=path.stem), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
