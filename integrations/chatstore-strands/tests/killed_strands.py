"""Run programs that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from programs import OFFLINE


def run_killed(program: Path, *arguments: str) -> list[str]:
    """Run a program that kills itself, and return the lines that it printed before."""
    done = subprocess.run(
        [sys.executable, program, *arguments],
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.splitlines()
