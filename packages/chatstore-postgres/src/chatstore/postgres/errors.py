"""The drivers' errors as ours, and which of them a call may be sent again after."""

from __future__ import annotations

import asyncio
from enum import Enum, auto

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    StoreAccessError,
    StoreFullError,
    StoreUnavailableError,
)

# By code or class of code: https://www.postgresql.org/docs/current/errcodes-appendix.html
_KINDS: dict[str, type[ChatStoreError]] = {
    "25006": StoreAccessError,  # read_only_sql_transaction
    "28": StoreAccessError,  # invalid authorization
    "3D": StoreAccessError,  # no such database
    "42501": StoreAccessError,  # insufficient_privilege
    "3F": CorruptStoreError,  # no such schema
    "42P01": CorruptStoreError,  # undefined_table
    "42703": CorruptStoreError,  # undefined_column
    "53100": StoreFullError,  # disk_full
    "XX": CorruptStoreError,  # internal error, data or index corrupted
}
# psycopg tells no code where a connection was refused; these are Postgres's and libpq's words.
_REFUSALS = (
    "password",
    "authentication",
    "pg_hba.conf",
    "does not exist",
    "no such user",
    "no such database",
    "certificate",
)
_LOST = ("08", "53300", "57P01", "57P02", "57P03")
_CONFLICTS = ("40001", "40P01", "23505")
_FORGOTTEN = ("26000", "42P05")  # a prepared statement, under a pooler


class Again(Enum):
    """What to do before a call is sent again."""

    AT_ONCE = auto()
    AFTER_A_PAUSE = auto()


class CallTimeoutError(Exception):
    """The server did not answer in time; the connection was given up."""


def code_of(error: BaseException) -> str:
    """Return the code that the server gave, or an empty string."""
    return getattr(error, "sqlstate", None) or ""


def is_missing_table(error: Exception) -> bool:
    """Return whether a statement found no table or schema."""
    return code_of(error) in {"42P01", "3F000"}


def again(error: Exception) -> Again | None:
    """Return whether and how a call may be sent again, however far it came."""
    code = code_of(error)
    if code in _CONFLICTS or code in _FORGOTTEN:
        return Again.AT_ONCE
    if code:
        return Again.AFTER_A_PAUSE if code.startswith(_LOST) else None
    if _is_timeout(error) or not _is_drivers(error):
        return None  # whoever waited for so long does not want to wait as long again
    # Without a code: the connection was not made, or was lost.
    return None if _is_refusal(error) else Again.AFTER_A_PAUSE


def translate(error: Exception, place: str) -> ChatStoreError | None:
    """Return our error for one of the drivers' or the pool's; ``None`` for any other."""
    if _is_timeout(error):
        return StoreUnavailableError(f"{place}: no answer in time")
    if not _is_drivers(error):
        return None
    code = code_of(error)
    kind = _KINDS.get(code) or _KINDS.get(code[:2])
    if kind is None:
        kind = StoreAccessError if not code and _is_refusal(error) else StoreUnavailableError
    return kind(f"{place}: {_said(error)}")


def _is_timeout(error: Exception) -> bool:
    if isinstance(error, (CallTimeoutError, TimeoutError, asyncio.TimeoutError)):
        return True
    return type(error).__name__ == "ConnectionTimeout"  # psycopg's, which need not be loaded


def _is_drivers(error: Exception) -> bool:
    # By the module's name, so that neither driver is loaded for this.
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return bool(modules & {"psycopg", "asyncpg", "sqlalchemy"}) or isinstance(error, OSError)


def _is_refusal(error: Exception) -> bool:
    text = str(error).lower()
    return any(word in text for word in _REFUSALS)


def _said(error: Exception) -> str:
    """Return what the server said, without the detail that may quote content."""
    diagnosis = getattr(error, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    text = primary or str(error.args[0] if error.args else "") or type(error).__name__
    return text.splitlines()[0] if code_of(error) else type(error).__name__ + _reason(text)


def _reason(text: str) -> str:
    """Return why a connection was refused, if that is what the text tells."""
    if "no password supplied" in text:
        return ": no password supplied"
    _, fatal, reason = text.partition("FATAL:")
    return f": {reason.strip().splitlines()[0]}" if fatal else ""
