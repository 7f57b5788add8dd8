"""Temporary files beside a file that is about to be replaced; killed writers leave none for long.

A writer holds a lock on its temporary file. The system releases it when the process ends, however
it ends, so the next writer can tell which temporary files nobody will finish.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_SUFFIX = ".chatstore-tmp"
_ABANDONED_AFTER = 24 * 3600.0  # seconds, where files cannot be locked


@contextlib.contextmanager
def temporary_file(path: Path) -> Iterator[tuple[int, Path]]:
    """Create a file beside ``path``, open for writing, and remove what killed writers left.

    The block moves it to its place; otherwise it is removed.
    """
    _sweep(path)
    descriptor, name = _create(path)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            name.unlink()


def _create(path: Path) -> tuple[int, Path]:
    while True:
        descriptor, name = tempfile.mkstemp(_SUFFIX, f".{path.name}.", path.parent)
        _lock(descriptor)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)  # another writer swept it before it was locked


def _sweep(path: Path) -> None:
    for left in path.parent.iterdir():
        if left.name.startswith(f".{path.name}.") and left.name.endswith(_SUFFIX):
            with contextlib.suppress(OSError):
                _remove_abandoned(left)


def _remove_abandoned(file: Path) -> None:
    if fcntl is None:
        if time.time() - file.stat().st_mtime > _ABANDONED_AFTER:
            file.unlink()
        return
    descriptor = os.open(file, os.O_RDWR)
    try:
        if _lock(descriptor):
            file.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file; ``False``: its writer is alive, or the file system has no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
