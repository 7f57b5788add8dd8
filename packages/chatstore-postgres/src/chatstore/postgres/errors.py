"""The drivers' errors as `ChatStoreError`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from chatstore.core import ChatStoreError, CorruptStoreError
from chatstore.core.backend import Health, PoolTimeoutError
from chatstore.postgres import unanswered
from chatstore.postgres.answers import CHANGED, FORGOTTEN, UNKNOWN, UNUSABLE, Again, Answer, by_code


class CallTimeoutError(Exception):
    """The server did not answer in time; the connection was given up."""


class NotConnectedError(Exception):
    """No connection was made, so nothing was sent; `original` says why."""

    def __init__(self, original: Exception) -> None:
        """Take the driver's error."""
        super().__init__()
        self.original = original


class NotReadyError(Exception):
    """The tables were not checked yet in this mode."""


class Reading(NamedTuple):
    """An error that was understood: what it means, and its reason without secrets."""

    answer: Answer
    reason: str


class ErrorReader:
    """Understands the drivers' errors of one store."""

    def __init__(self, place: str, secrets: Sequence[str], timeout: float | None) -> None:
        """Note what messages name and what they must not hold."""
        self.place = place
        self._secrets = secrets
        self._timeout = timeout

    def read(self, error: Exception) -> Reading | None:
        """Return what an error means; ``None`` for one that does not come from a driver."""
        original = error.original if isinstance(error, NotConnectedError) else error
        if isinstance(original, PoolTimeoutError):
            reason = "all connections were in use for too long; raise max_connections"
            return Reading(UNKNOWN, reason)
        if isinstance(original, UnicodeDecodeError):
            return Reading(UNKNOWN._replace(kind=CorruptStoreError), "a stored text is not UTF-8")
        found = _read(original, self._timeout, is_made=original is error)
        if found is None and original is error:
            return None
        # SQLAlchemy fails in ways of its own where it cannot read what a server says of itself.
        answer, reason = found or (UNUSABLE, f"unexpected {type(original).__name__}")
        if original is not error:
            answer = answer._replace(may_be_done=False)
        return Reading(answer, self._scrubbed(reason))

    def translate(self, error: Exception) -> ChatStoreError | None:
        """Return the store's error for a driver's; ``None`` for any other."""
        reading = self.read(error)
        return None if reading is None else self.failure(reading)

    def failure(self, reading: Reading) -> ChatStoreError:
        """Return the store's error for one that was understood."""
        advice = f"; {reading.answer.advice}" if reading.answer.advice else ""
        return reading.answer.kind(f"Postgres at {self.place}: {reading.reason}{advice}")

    def _scrubbed(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def health_after(error: BaseException) -> Health:
    """Return what an error says about the connection that it came from."""
    if not isinstance(error, Exception):
        return Health.BROKEN  # the caller is cancelled while an answer is on its way
    found = _read(error, None, is_made=True)
    return Health.FINE if found is None else found[0].health


def code_of(error: BaseException) -> str:
    """Return the SQLSTATE of an error, or an empty string."""
    return getattr(error, "sqlstate", None) or ""


def _read(error: Exception, seconds: float | None, *, is_made: bool) -> tuple[Answer, str] | None:
    if _is_timeout(error):
        return unanswered.timeout(seconds)
    names = {kind.__name__ for kind in type(error).__mro__}
    code = code_of(error)
    if code:
        return _read_code(error, code, names, is_made=is_made)
    if _is_drivers(error):
        text = str(error.args[0] if error.args else "")
        by_name = (
            None if is_made and "OperationalError" in names else unanswered.read_name(names, text)
        )
        return by_name or unanswered.read_text(text, is_made=is_made)
    return unanswered.read_system(error) if isinstance(error, OSError) else None


def _read_code(
    error: Exception, code: str, names: set[str], *, is_made: bool
) -> tuple[Answer, str]:
    answer = by_code(code)
    text = _server_text(error)
    if code == "23505" and _constraint(error).endswith("_messages_pkey"):
        damaged = Answer(CorruptStoreError, advice="restore the conversation from a backup")
        return damaged, "a conversation has messages beyond its next position"
    if code == "0A000" and _is_of_plan(error, names):
        answer = FORGOTTEN._replace(again=Again.AFTER_A_CHECK)
    elif code.startswith(("08", "XX")) and not (is_made and code.startswith("XX")):
        # Poolers use these codes for nearly all that they say themselves.
        by_text, _ = unanswered.read_text(text, is_made=is_made)
        answer = by_text if code.startswith("08") or not is_made else answer
    is_quoted = answer.is_quoted and not (answer is CHANGED and not text)
    return answer, text if is_quoted and text else f"SQLSTATE {code} ({type(error).__name__})"


def _server_text(error: Exception) -> str:
    """Return the first line of what the server says, without the detail that may quote content."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    text = str(primary or (error.args[0] if error.args else ""))
    return text.partition("\n")[0]


def _constraint(error: Exception) -> str:
    name = getattr(getattr(error, "diag", None), "constraint_name", None)
    return str(name or getattr(error, "constraint_name", None) or "")


def _is_of_plan(error: Exception, names: set[str]) -> bool:
    """Whether a prepared statement's result changed; the text of the error is translated."""
    function = getattr(getattr(error, "diag", None), "source_function", None)
    function = function or getattr(error, "server_source_function", None)
    return function == "RevalidateCachedQuery" or "InvalidCachedStatementError" in names


def _is_timeout(error: Exception) -> bool:
    if isinstance(error, (CallTimeoutError, TimeoutError, asyncio.TimeoutError)):
        return True
    return type(error).__name__ == "ConnectionTimeout"  # psycopg's, which need not be loaded


def _is_drivers(error: Exception) -> bool:
    # By the module's name, so that neither driver is loaded for this.
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return bool(modules & {"psycopg", "asyncpg", "sqlalchemy"})
