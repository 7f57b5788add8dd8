"""What the drivers' errors mean: for the call, for the connection, and for the caller.

One table by SQLSTATE serves both drivers:
https://www.postgresql.org/docs/current/errcodes-appendix.html
Errors without an SQLSTATE are connections that fail, break, or do not answer. psycopg describes
them in text, asyncpg by errors of the operating system, of ``ssl``, or of its own.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreUnavailableError,
)
from chatstore.core.backend import Health, PoolTimeoutError
from chatstore.core.errors import StoreSetupError


class CallTimeoutError(Exception):
    """The server did not answer in time; the connection was closed."""


class NotConnectedError(Exception):
    """No connection was made, so nothing was sent; `original` is the driver's error."""

    def __init__(self, original: Exception) -> None:
        """Take the driver's error."""
        super().__init__()
        self.original = original


class NotReadyError(Exception):
    """The tables have not been checked yet in this mode."""


class Repeat(Enum):
    """Whether a call is repeated after an error."""

    NEVER = auto()
    IMMEDIATELY = auto()
    AFTER_PAUSE = auto()
    AFTER_CHECK = auto()
    """Once, after the tables were checked: they changed while the store was in use."""


class Diagnosis(NamedTuple):
    """What an error means.

    Attributes:
        error: The error that the caller gets.
        health: The connection's state.
        repeat: Whether the call is repeated.
        may_be_done: A write may have taken effect.
        is_answered: A server answered that it cannot serve the call at the moment.
        is_quoted: The server's text is shown: it contains names, but never content.
        advice: What to do about it.
        reason: What went wrong, without secrets.

    """

    error: type[ChatStoreError] = StoreUnavailableError
    health: Health = Health.FINE
    repeat: Repeat = Repeat.NEVER
    may_be_done: bool = False
    is_answered: bool = False
    is_quoted: bool = True
    advice: str = ""
    reason: str = ""


_UNKNOWN = Diagnosis(is_quoted=False)
_LOST = Diagnosis(health=Health.OUTDATED, repeat=Repeat.AFTER_PAUSE, may_be_done=True)
_BUSY = Diagnosis(repeat=Repeat.AFTER_PAUSE, is_answered=True)
_STARTING = Diagnosis(health=Health.OUTDATED, repeat=Repeat.AFTER_PAUSE, is_answered=True)
_CONFLICT = Diagnosis(repeat=Repeat.IMMEDIATELY, is_quoted=False)
_NOT_PREPARED = Diagnosis(health=Health.BROKEN, repeat=Repeat.IMMEDIATELY)
_CHANGED = Diagnosis(StoreSetupError, Health.BROKEN, Repeat.AFTER_CHECK)
_DAMAGED = Diagnosis(CorruptStoreError, is_quoted=False)
_FOREIGN = Diagnosis(
    StoreSetupError,
    is_quoted=False,
    advice="the tables have constraints, triggers or types that this package does not create",
)
_READ_ONLY = Diagnosis(
    StoreAccessError,
    Health.OUTDATED,
    Repeat.AFTER_PAUSE,
    is_answered=True,
    advice="use the primary server (with several hosts: target_session_attrs=read-write), or a "
    "role that may write",
)
_DENIED = Diagnosis(StoreAccessError, advice="check the user, the password and pg_hba.conf")
_FORBIDDEN = Diagnosis(
    StoreAccessError, advice="PostgresChatStore.grants(role) returns the rights that a store needs"
)
_NO_DATABASE = Diagnosis(
    StoreAccessError, Health.OUTDATED, advice="create the database, or name another in the URL"
)
_UNUSABLE = Diagnosis(
    StoreSetupError, advice="check the engine's options; the database's encoding must be UTF8"
)
_SLOW = Diagnosis(advice="a timeout of the server ended the statement")
_WRONG_URL = Diagnosis(InvalidArgumentError, advice="correct the URL")
_DOWN = _LOST._replace(may_be_done=False, advice="check that the server runs, its host and port")
_NO_HOST = _DOWN._replace(advice="check the host in the URL")
_TLS = Diagnosis(StoreAccessError, advice="check sslmode and sslrootcert in the URL")
_NO_TLS = Diagnosis(StoreAccessError, advice="use sslmode=disable, or turn TLS on at the server")
_POOLER = Diagnosis(StoreSetupError, advice="the pooler refuses an option of the URL")
_TIMEOUT = Diagnosis(health=Health.OUTDATED, may_be_done=True)
_OTHER_ENCODING = _FOREIGN._replace(advice="the database's encoding must be UTF8")

_CODES: dict[str, Diagnosis] = {
    "25006": _READ_ONLY,  # read_only_sql_transaction
    "25P02": _NOT_PREPARED,  # in_failed_sql_transaction: left open by a pooler's other client
    "25P03": _LOST._replace(health=Health.BROKEN),  # idle_in_transaction_session_timeout
    "25P04": _SLOW._replace(health=Health.BROKEN),  # transaction_timeout
    "26000": _NOT_PREPARED,  # invalid_sql_statement_name: a prepared statement is missing
    "42P05": _NOT_PREPARED,  # duplicate_prepared_statement
    "3D000": _NO_DATABASE,  # invalid_catalog_name
    "3F000": _CHANGED,  # invalid_schema_name
    "42P01": _CHANGED,  # undefined_table
    "42703": _CHANGED,  # undefined_column
    "42804": _CHANGED,  # datatype_mismatch
    "42883": _CHANGED,  # undefined_function
    "42P10": _CHANGED,  # invalid_column_reference: a unique index is missing
    "42501": _FORBIDDEN,  # insufficient_privilege
    "40001": _CONFLICT,  # serialization_failure
    "40P01": _CONFLICT,  # deadlock_detected
    "23505": _CONFLICT,  # unique_violation
    "53100": Diagnosis(StoreFullError, advice="free disk space on the server"),
    "53300": _BUSY._replace(advice="raise the server's limit, or lower max_connections"),
    "53400": _BUSY,  # configuration_limit_exceeded
    "55P03": _SLOW,  # lock_not_available
    "57014": _SLOW,  # query_canceled
    "57P01": _LOST,  # admin_shutdown
    "57P02": _LOST,  # crash_shutdown
    "57P03": _STARTING,  # cannot_connect_now
    "57P04": _NO_DATABASE,  # database_dropped
    "57P05": _LOST,  # idle_session_timeout
    "XX001": _DAMAGED._replace(is_quoted=True),  # data_corrupted
    "XX002": _DAMAGED._replace(is_quoted=True),  # index_corrupted
    "22021": _OTHER_ENCODING,  # character_not_in_repertoire
    "22P05": _OTHER_ENCODING,  # untranslatable_character
}
_CLASSES: dict[str, Diagnosis] = {
    "08": _LOST,  # connection exception; PgBouncer uses it for its own messages
    "0A": _FOREIGN,  # feature_not_supported
    "22": _DAMAGED,  # data exception: arguments are checked, so stored values are wrong
    "23": _FOREIGN,  # integrity constraint violation
    "28": _DENIED,  # invalid authorization specification
    "2F": _FOREIGN,
    "39": _FOREIGN,
    "42": _FOREIGN,  # syntax error or access rule violation
    "53": Diagnosis(advice="the server lacks resources"),
    "58": Diagnosis(),  # system error
    "P0": _FOREIGN,  # a trigger's own error, which may quote content
}


class _Rule(NamedTuple):
    """What a driver's text means.

    Attributes:
        pattern: Matches the text in lower case.
        diagnosis: What it means.
        reason: The reason for the caller; empty: the line that matches.

    """

    pattern: str
    diagnosis: Diagnosis
    reason: str = ""


# The first match counts: with several hosts, a text has a line for each of them.
_TEXTS = (
    _Rule("no password supplied|empty password", _DENIED, "the server asks for a password"),
    _Rule("authentication failed|pg_hba.conf", _DENIED),
    _Rule("authentication method .* not supported|not permitted to log in", _DENIED),
    _Rule("role .* does not exist|no such user|tenant or user not found", _DENIED),
    _Rule("database .* does not exist|no such database", _NO_DATABASE),
    _Rule("permission denied for database", _FORBIDDEN),
    _Rule("unsupported startup parameter", _POOLER),
    _Rule("does not support ssl|rejected ssl upgrade", _NO_TLS, "the server does not offer TLS"),
    _Rule("root certificate|could not read certificate|private key file", _WRONG_URL),
    _Rule("could not load .*(certificate|key)", _WRONG_URL),
    _Rule("certificate|ssl error|tls", _TLS),
    _Rule("session is (not )?read-only|not in hot standby|is in hot standby", _READ_ONLY),
    _Rule("none of the hosts match", _READ_ONLY),
    _Rule("starting up|shutting down|recovery|not accepting connections", _STARTING),
    _Rule("too many (clients|connections)|no more connections|max client", _BUSY),
    _Rule("connection slots|query_wait_timeout|pgbouncer", _BUSY),
    _Rule("translate host name|resolve host|name or service not known", _NO_HOST, "unknown host"),
    _Rule("connection refused|connect call failed", _DOWN, "connection refused"),
    _Rule("no such file or directory", _DOWN, "no server listens on this socket"),
    _Rule("invalid connection option|invalid .* value|could not parse", _WRONG_URL),
)


class ErrorReader:
    """Diagnoses the drivers' errors of one store.

    Attributes:
        server: The server, for messages.

    """

    def __init__(self, server: str, secrets: Sequence[str], timeout: float | None) -> None:
        """Take what messages name, and the secrets that they must not contain."""
        self.server = server
        self._secrets = secrets
        self._timeout = timeout

    def diagnose(self, error: Exception) -> Diagnosis | None:
        """Return what an error means; ``None`` for one that does not come from a driver."""
        is_connected = not isinstance(error, NotConnectedError)
        original = error.original if isinstance(error, NotConnectedError) else error
        if isinstance(original, PoolTimeoutError):
            return _UNKNOWN._replace(
                reason="all connections were in use for too long; raise max_connections"
            )
        if isinstance(original, UnicodeDecodeError):
            return _DAMAGED._replace(reason="a stored text is not UTF-8")
        diagnosis = _diagnose(original, self._timeout, is_connected=is_connected)
        if diagnosis is None and is_connected:
            return None
        if diagnosis is None:
            # SQLAlchemy raises errors of any class if it does not understand a server's settings.
            diagnosis = _UNUSABLE._replace(reason=f"unexpected {type(original).__name__}")
        if not is_connected:
            diagnosis = diagnosis._replace(may_be_done=False)
        return diagnosis._replace(reason=self._scrubbed(diagnosis.reason))

    def translate(self, error: Exception) -> ChatStoreError | None:
        """Return the caller's error for a driver's; ``None`` for any other error."""
        diagnosis = self.diagnose(error)
        if diagnosis is None:
            return None
        advice = f"; {diagnosis.advice}" if diagnosis.advice else ""
        return diagnosis.error(f"{self.server}: {diagnosis.reason}{advice}")

    def _scrubbed(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def health_after(error: BaseException) -> Health:
    """Return the state of the connection that an error came from."""
    if not isinstance(error, Exception):
        return Health.BROKEN  # the caller is cancelled while an answer is on its way
    diagnosis = _diagnose(error, None, is_connected=True)
    return Health.FINE if diagnosis is None else diagnosis.health


def _diagnose(error: Exception, timeout: float | None, *, is_connected: bool) -> Diagnosis | None:
    if _is_timeout(error):
        within = "in time" if timeout is None else f"within {timeout:g} s"
        return _TIMEOUT._replace(reason=f"the server did not answer {within}")
    names = {kind.__name__ for kind in type(error).__mro__}
    code = getattr(error, "sqlstate", None)
    if code:
        return _diagnose_code(error, code, names, is_connected=is_connected)
    if _is_drivers(error):
        text = str(error.args[0] if error.args else "")
        is_broken = is_connected and "OperationalError" in names
        by_name = None if is_broken else _diagnose_name(names, text)
        return by_name or _diagnose_text(text, is_connected=is_connected)
    return _diagnose_system(error) if isinstance(error, OSError) else None


def _diagnose_code(
    error: Exception, code: str, names: set[str], *, is_connected: bool
) -> Diagnosis:
    diagnosis = _CODES.get(code) or _CLASSES.get(code[:2]) or _UNKNOWN
    text = _server_text(error)
    if code == "23505" and _constraint(error).endswith("_messages_pkey"):
        return _DAMAGED._replace(
            reason="a conversation has messages beyond its next position",
            advice="restore the conversation from a backup",
        )
    if code == "0A000" and _is_about_prepared(error, names):
        diagnosis = _NOT_PREPARED._replace(repeat=Repeat.AFTER_CHECK)
    elif code.startswith("08") or (code.startswith("XX") and not is_connected):
        # Poolers use these codes for nearly all of their own messages.
        diagnosis = _diagnose_text(text, is_connected=is_connected)
    is_quoted = diagnosis.is_quoted and text
    return diagnosis._replace(
        reason=text if is_quoted else f"SQLSTATE {code} ({type(error).__name__})"
    )


def _server_text(error: Exception) -> str:
    """Return the first line of the server's text, without the detail, which may quote content."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    text = str(primary or (error.args[0] if error.args else ""))
    return text.partition("\n")[0]


def _constraint(error: Exception) -> str:
    name = getattr(getattr(error, "diag", None), "constraint_name", None)
    return str(name or getattr(error, "constraint_name", None) or "")


def _is_about_prepared(error: Exception, names: set[str]) -> bool:
    """Whether a prepared statement's result changed; the server's text is translated."""
    function = getattr(getattr(error, "diag", None), "source_function", None)
    function = function or getattr(error, "server_source_function", None)
    return function == "RevalidateCachedQuery" or "InvalidCachedStatementError" in names


def _is_timeout(error: Exception) -> bool:
    if isinstance(error, (CallTimeoutError, TimeoutError)):
        return True
    # By name: psycopg need not be loaded, and on Python 3.10 asyncio has its own TimeoutError.
    name = f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"
    return name in {"psycopg.ConnectionTimeout", "asyncio.TimeoutError"}


def _is_drivers(error: Exception) -> bool:
    # By the module's name, so that neither driver is loaded for this.
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return bool(modules & {"psycopg", "asyncpg", "sqlalchemy"})


def _diagnose_name(names: set[str], text: str) -> Diagnosis | None:
    """Diagnose a driver's error by the names of its classes."""
    if "ClientConfigurationError" in names or "ProgrammingError" in names:
        return _WRONG_URL._replace(reason=_line(text))
    if names & {"OutdatedSchemaCacheError", "InvalidCachedStatementError"}:
        return _NOT_PREPARED._replace(
            repeat=Repeat.AFTER_CHECK, reason="a prepared statement is outdated"
        )
    if "TargetServerAttributeNotMatched" in names:
        return _READ_ONLY._replace(reason=_line(text))
    if "DataError" in names:
        return _UNKNOWN._replace(reason="the driver refuses a value")
    return None


def _diagnose_text(text: str, *, is_connected: bool) -> Diagnosis:
    """Diagnose a driver's error by its text, which may have several lines."""
    for rule in _TEXTS:
        match = re.search(rule.pattern, text.lower())
        if match is not None:
            start = text.rfind("\n", 0, match.start()) + 1
            return rule.diagnosis._replace(reason=rule.reason or _line(text[start:]))
    return (_LOST if is_connected else _DOWN)._replace(reason=_line(text))


def _diagnose_system(error: OSError) -> Diagnosis:
    """Diagnose an error of the operating system or of ``ssl``."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _TLS._replace(
            reason=f"the server's certificate is not accepted: {error.verify_message}"
        )
    if isinstance(error, ssl.SSLError):
        return _TLS._replace(reason=f"TLS failed ({error.reason or type(error).__name__})")
    for kind, text in (
        (socket.gaierror, "name or service not known"),
        (ConnectionRefusedError, "connection refused"),
        (FileNotFoundError, f"no such file or directory: {error.filename or ''}"),
    ):
        if isinstance(error, kind):
            return _diagnose_text(text, is_connected=False)
    # Errors without a number are asyncpg's own.
    return _diagnose_text(error.strerror or str(error), is_connected=True)


def _line(text: str) -> str:
    """Return the first line of a text, without the parts that repeat the address."""
    line = text.strip().partition("\n")[0]
    line = re.sub(r"^(connection failed: )?connection to server .*? failed: ", "", line)
    return re.sub(r"^(FATAL|ERROR|PANIC):\s+", "", line) or "the connection failed"
