"""The driver's errors as ours."""

from __future__ import annotations

import sqlite3

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    StoreAccessError,
    StoreFullError,
    StoreUnavailableError,
)

# By SQLite's own texts: Python 3.10 does not tell the codes. https://sqlite.org/rescode.html
_KINDS: tuple[tuple[str, type[ChatStoreError]], ...] = (
    ("is full", StoreFullError),
    ("not a database", CorruptStoreError),
    ("malformed", CorruptStoreError),
    ("readonly", StoreAccessError),
    ("unable to open", StoreAccessError),
    ("authorization denied", StoreAccessError),
    ("is locked", StoreUnavailableError),
    ("is busy", StoreUnavailableError),
)


def translate(error: Exception, path: str) -> ChatStoreError | None:
    """Return our error for one of sqlite3's; ``None`` for any other."""
    if not isinstance(error, sqlite3.Error):
        return None
    text = str(error)
    for words, kind in _KINDS:
        if words in text:
            return kind(f"{path}: {text}")
    return StoreUnavailableError(f"{path}: {text}")
