"""Temporary files next to a file that will be replaced; those of killed writers are removed.

A writer locks its temporary file. The system releases the lock when the process ends, so the next
writer recognizes abandoned files.
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
_ABANDONED_AFTER = 24 * 3600.0  # seconds, if files cannot be locked


@contextlib.contextmanager
def temporary_file(path: Path) -> Iterator[tuple[int, Path]]:
    """Create a file next to ``path``, open for writing, and remove those of killed writers.

    The block moves the file to ``path``; otherwise it is removed.
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
        os.close(descriptor)  # another writer removed it before it was locked


def _sweep(path: Path) -> None:
    for file in path.parent.iterdir():
        if file.name.startswith(f".{path.name}.") and file.name.endswith(_SUFFIX):
            with contextlib.suppress(OSError):
                _remove_abandoned(file)


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
    """Lock a file; ``False`` if its writer is alive or the file system has no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
