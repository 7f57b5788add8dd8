"""Errors of sqlite3, and of damaged rows, as errors of a store."""

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
from chatstore.sqlite.connections import FileReplacedError

# By SQLite's own messages: Python 3.10 does not tell the codes. https://sqlite.org/rescode.html
_KINDS: tuple[tuple[str, type[ChatStoreError], str], ...] = (
    ("is full", StoreFullError, "free some space on the disk"),
    ("not a database", CorruptStoreError, "choose another path, or restore a backup"),
    ("malformed", CorruptStoreError, "restore a backup, or try the shell's command .recover"),
    ("readonly", StoreAccessError, "make the file and its folder writable for this user"),
    ("authorization denied", StoreAccessError, "an authorizer of the program refuses it"),
    ("is locked", StoreUnavailableError, "another program writes; try again, or raise timeout"),
    ("is busy", StoreUnavailableError, "another program writes; try again, or raise timeout"),
    ("no such table", StoreSetupError, "a table of chatstore was removed; restore a backup"),
    ("no such column", StoreSetupError, "another program made a table of this name"),
    ("has no column", StoreSetupError, "another program made a table of this name"),
    ("constraint failed", CorruptStoreError, "its rows contradict each other"),
    ("datatype mismatch", CorruptStoreError, "a row holds another type than it should"),
)


# Of errors that are not sqlite3's, what to say.
_OTHERS: tuple[tuple[type[Exception], type[ChatStoreError], str], ...] = (
    (
        FileReplacedError,
        OutcomeUnknownError,
        (
            "the file was removed or replaced while it was written; "
            "read the conversation before you repeat the call"
        ),
    ),
    (PoolTimeoutError, StoreUnavailableError, "all connections are in use; raise max_connections"),
    (CallCancelledError, StoreUnavailableError, "the call was cancelled and changed nothing"),
    (OverflowError, CorruptStoreError, "a stored number is out of range; restore a backup"),
    (UnicodeError, CorruptStoreError, "a stored text is not UTF-8; restore a backup"),
)


def translate(error: Exception, path: str) -> ChatStoreError | None:
    """Return an error of a store; ``None`` for what is neither sqlite3's nor a damaged row's."""
    if not isinstance(error, sqlite3.Error):
        others = (item for item in _OTHERS if isinstance(error, item[0]))
        return next((kind(f"{path}: {text}") for _, kind, text in others), None)
    text = str(error)
    if "unable to open" in text:
        return StoreAccessError(f"{path}: {text}: {_why(Path(path))}")
    for words, kind, advice in _KINDS:
        if words in text:
            return kind(f"{path}: {text}; {advice}")
    return StoreUnavailableError(f"{path}: {text} ({type(error).__name__})")


def _why(path: Path) -> str:
    """Return why a file cannot be opened."""
    try:
        if not path.parent.exists():
            return f"the folder {path.parent} does not exist; create it first"
        if not path.parent.is_dir():
            return f"{path.parent} is not a folder"
        if path.is_dir():
            return "it is a folder; name a file in it"
    except OSError:
        pass  # for lack of a permission, which is the answer
    return "this user lacks the permission, or no more files can be open"
