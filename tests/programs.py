"""Run the programs and snippets of documentation, without network access."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:9"}


def snippets(page: Path) -> list[str]:
    """Return the Python code of a Markdown page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def run_program(
    program: Path | str,
    *arguments: str,
    ignore: str = "",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    exit_status: int = 0,
) -> list[str]:
    """Run a program in a process of its own and return the lines that it prints.

    Args:
        program: A file, or code.
        arguments: The program's arguments.
        ignore: The classes of warnings that are not errors, separated by commas.
        cwd: The folder to run in.
        environment: Variables to add to those of this process.
        exit_status: How the process must end, as in `subprocess.CompletedProcess.returncode`.

    """
    options = ["-W", "error"]
    for category in filter(None, ignore.split(",")):
        options += ["-W", f"ignore::{category}"]
    code = [str(program)] if isinstance(program, Path) else ["-c", program]
    done = subprocess.run(
        [sys.executable, *options, *code, *arguments],
        cwd=cwd,
        env={**os.environ, **OFFLINE, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == exit_status, done.stderr
    return done.stdout.splitlines()


def run_killed(program: Path | str, *arguments: str, **options: Any) -> list[str]:
    """Like `run_program`, for a program that kills its own process."""
    return run_program(program, *arguments, exit_status=-signal.SIGKILL, **options)
