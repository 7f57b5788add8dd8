"""The JSON file of ``SimpleChatStore``: reading it, and replacing it atomically."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from chatstore.core.errors import (
    ChatStoreError,
    ConversationChangedError,
    CorruptStoreError,
    DriverError,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
)
from chatstore.core.simple.temporary_files import temporary_file

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BoundFile(NamedTuple):
    """A file and its state when it was last read or written.

    Attributes:
        path: The absolute path.
        signature: Inode, size and time of change; ``None``: the file did not exist.
        is_read: The signature is known.

    """

    path: Path
    signature: tuple[int, int, int] | None
    is_read: bool


def check_path(path: object) -> Path:
    """Return an absolute path, which a later change of the working directory does not affect.

    Raises:
        InvalidArgumentError: `path` is not a path, is empty, or contains NUL.

    """
    if not isinstance(path, (str, PathLike)) or not str(path) or "\0" in str(path):
        raise InvalidArgumentError("a path must be a non-empty string or path object without NUL")
    return Path(os.path.realpath(path))  # links are followed, not replaced


def read(path: Path) -> tuple[BoundFile, str | None]:
    """Return the state of the file and its text (``None``: the file does not exist)."""
    with _translated_errors(path):
        try:
            signature = _signature(path)
            text = path.read_bytes()
        except FileNotFoundError:
            return BoundFile(path, None, is_read=True), None
    try:
        return BoundFile(path, signature, is_read=True), text.decode()
    except UnicodeDecodeError as error:
        raise CorruptStoreError(f"{path} is not UTF-8") from error


def check_writable(file: BoundFile) -> None:
    """Prove that the file can be replaced, by creating another one in its folder for a moment.

    Raises:
        StoreAccessError: It is a folder, or the folder cannot be written.
        StoreFullError: The disk is full.
        ConversationChangedError: Another program changed the file since it was read.

    """
    path = file.path
    with _translated_errors(path):
        _check_unchanged(file)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder = next(parent for parent in path.parents if parent.exists())
        with temporary_file(folder / path.name):
            pass


def write(file: BoundFile, text: str) -> BoundFile:
    """Replace the file atomically: readers see the old text or the new one."""
    path = file.path
    with _translated_errors(path):
        _check_unchanged(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path) as (descriptor, name):
            with open(descriptor, "wb", closefd=False) as temporary:
                temporary.write(text.encode())
                temporary.flush()
                os.fsync(descriptor)
            if path.exists():
                shutil.copymode(path, name)
            name.replace(path)
            _sync_folder(path.parent)
        return BoundFile(path, _signature(path), is_read=True)


def _check_unchanged(file: BoundFile) -> None:
    if file.is_read and _signature(file.path) != file.signature:
        raise ConversationChangedError(
            f"{file.path} was changed by another program since it was read; nothing was written "
            "(several writers need a database, such as SQLite)"
        )


def _sync_folder(folder: Path) -> None:
    """Make the replacement survive a power loss; Windows cannot open folders and needs no sync."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        kind: type[ChatStoreError] = StoreFullError if error.errno in _FULL else StoreAccessError
        raise kind(f"{path}: {reason}") from DriverError.of(error)
