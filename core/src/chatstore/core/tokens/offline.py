"""Remembers for an hour, across processes, that a vocabulary could not be loaded in time.

If a firewall drops packets, each new process would wait for nothing. The record is an empty file
of this user in the directory for temporary files; only its time matters. If the file cannot be
written, nothing is remembered.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

FORGET_AFTER = 3600.0
"""Seconds for which a failure is remembered."""


def has_failed_recently(name: str) -> bool:
    """Return whether a process of this user waited without success in the last hour."""
    try:
        status = _path(name).lstat()
    except OSError:
        return False
    is_own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return is_own and 0 <= time.time() - status.st_mtime < FORGET_AFTER


def note_failure(name: str) -> None:
    """Remember for an hour that the vocabulary was not loaded in time."""
    if has_failed_recently(name):
        return
    forget_failure(name)
    with suppress(OSError):
        # Exclusive, so that another user's file or link is never written to.
        os.close(os.open(_path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def forget_failure(name: str) -> None:
    """Forget a failure."""
    with suppress(OSError):
        _path(name).unlink()


def _path(name: str) -> Path:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir(), f"chatstore-{user}-no-{name}")
