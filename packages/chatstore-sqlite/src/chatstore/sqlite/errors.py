"""Translate errors of sqlite3, and of damaged rows, into `ChatStoreError`."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    OutcomeUnknownError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.backend import CallCancelledError, PoolTimeoutError
from chatstore.sqlite.files import FileReplacedError

# By words of SQLite's message, since Python 3.10 does not have the codes:
# https://sqlite.org/rescode.html
_BY_TEXT: tuple[tuple[str, type[ChatStoreError], str], ...] = (
    ("is full", StoreFullError, "free some space on the disk"),
    ("not a database", CorruptStoreError, "choose another path, or restore a backup"),
    ("malformed", CorruptStoreError, "restore a backup, or try the shell's command .recover"),
    ("readonly", StoreAccessError, "make the file and its folder writable for this user"),
    ("authorization denied", StoreAccessError, "an authorizer of the program refuses it"),
    ("is locked", StoreUnavailableError, "another program writes; try again, or raise timeout"),
    ("is busy", StoreUnavailableError, "another program writes; try again, or raise timeout"),
    ("no such table", StoreSetupError, "a table of chatstore was removed; restore a backup"),
    ("no such column", StoreSetupError, "another program created a table of this name"),
    ("has no column", StoreSetupError, "another program created a table of this name"),
    ("constraint failed", CorruptStoreError, "its rows contradict each other; restore a backup"),
    ("datatype mismatch", CorruptStoreError, "a row has a value of a wrong type; restore a backup"),
)
# By the class of other errors.
_BY_CLASS: tuple[tuple[type[Exception], type[ChatStoreError], str], ...] = (
    (
        FileReplacedError,
        OutcomeUnknownError,
        "the file was removed or replaced meanwhile; read the conversation before you retry",
    ),
    (PoolTimeoutError, StoreUnavailableError, "all connections are in use; raise max_connections"),
    (CallCancelledError, StoreUnavailableError, "the call was cancelled and changed nothing"),
    (OverflowError, CorruptStoreError, "a stored number is out of range; restore a backup"),
    (UnicodeError, CorruptStoreError, "a stored text is not UTF-8; restore a backup"),
)


def translate(error: Exception, path: str) -> ChatStoreError | None:
    """Return the `ChatStoreError` for a driver's error; ``None`` for any other error."""
    if not isinstance(error, sqlite3.Error):
        return next(
            (
                kind(f"{path}: {text}")
                for cause, kind, text in _BY_CLASS
                if isinstance(error, cause)
            ),
            None,
        )
    text = str(error)
    if "unable to open" in text:
        return StoreAccessError(f"{path}: {text}: {_why_not_opened(Path(path))}")
    for words, kind, advice in _BY_TEXT:
        if words in text:
            return kind(f"{path}: {text}; {advice}")
    return StoreUnavailableError(f"{path}: {text} ({type(error).__name__})")


def _why_not_opened(path: Path) -> str:
    try:
        if not path.parent.exists():
            return f"the folder {path.parent} does not exist; create it first"
        if not path.parent.is_dir():
            return f"{path.parent} is not a folder"
        if path.is_dir():
            return "it is a folder; name a file in it"
    except OSError:
        pass  # a permission is missing, as the last line says
    return "this user lacks the permission, or no more files can be open"
