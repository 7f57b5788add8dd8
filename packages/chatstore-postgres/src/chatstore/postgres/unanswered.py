"""What errors without an SQLSTATE mean: connections that fail, are lost, or do not answer.

psycopg reports all that goes wrong before a connection is made as text, asyncpg as errors of the
operating system, of ``ssl`` or of its own.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import NamedTuple

from chatstore.core import StoreAccessError
from chatstore.core.backend import Health
from chatstore.core.errors import InvalidArgumentError, StoreSetupError
from chatstore.postgres.answers import (
    BUSY,
    DENIED,
    FORBIDDEN,
    FORGOTTEN,
    LOST,
    MISCONFIGURED,
    NO_DATABASE,
    READ_ONLY,
    STARTING,
    UNKNOWN,
    Again,
    Answer,
)

_DOWN = LOST._replace(may_be_done=False, advice="check that the server runs, its host and its port")
_NO_HOST = _DOWN._replace(advice="check the host in the URL")
_TLS = Answer(StoreAccessError, advice="check sslmode and sslrootcert in the URL")
_NO_TLS = Answer(StoreAccessError, advice="use sslmode=disable, or turn TLS on at the server")
_POOLER = Answer(StoreSetupError, advice="the pooler refuses an option of the URL")
_TIMEOUT = Answer(health=Health.OUTDATED, may_be_done=True)


class Rule(NamedTuple):
    """What a text means.

    Attributes:
        pattern: Finds the text, in lower case.
        answer: What it means.
        reason: What the caller reads; empty: the line that was found.

    """

    pattern: str
    answer: Answer
    reason: str = ""


# The first that is found counts: with several hosts, a text has a line for each of them.
_TEXTS = (
    Rule("no password supplied|empty password", DENIED, "the server asks for a password"),
    Rule("authentication failed|pg_hba.conf", DENIED),
    Rule("authentication method .* not supported|not permitted to log in", DENIED),
    Rule("role .* does not exist|no such user|tenant or user not found", DENIED),
    Rule("database .* does not exist|no such database", NO_DATABASE),
    Rule("permission denied for database", FORBIDDEN),
    Rule("unsupported startup parameter", _POOLER),
    Rule("does not support ssl|rejected ssl upgrade", _NO_TLS, "the server does not offer TLS"),
    Rule("root certificate|could not read certificate|private key file", MISCONFIGURED),
    Rule("could not load .*(certificate|key)", MISCONFIGURED),
    Rule("certificate|ssl error|tls", _TLS),
    Rule("session is (not )?read-only|not in hot standby|is in hot standby", READ_ONLY),
    Rule("none of the hosts match", READ_ONLY),
    Rule("starting up|shutting down|recovery|not accepting connections", STARTING),
    Rule("too many (clients|connections)|no more connections|max client|connection slots", BUSY),
    Rule("query_wait_timeout|pgbouncer", BUSY),
    Rule("translate host name|resolve host|name or service not known", _NO_HOST, "unknown host"),
    Rule("connection refused|connect call failed", _DOWN, "connection refused"),
    Rule("no such file or directory", _DOWN, "no server listens on this socket"),
    Rule("invalid connection option|invalid .* value|could not parse", MISCONFIGURED),
)


def read_text(text: str, *, is_made: bool) -> tuple[Answer, str]:
    """Return what a driver's text means, and a line of it for the caller.

    Args:
        text: What the driver says; it may have several lines.
        is_made: The connection was made before, so the text is about its loss.

    """
    for rule in _TEXTS:
        found = re.search(rule.pattern, text.lower())
        if found is not None:
            start = text.rfind("\n", 0, found.start()) + 1
            return rule.answer, rule.reason or _line(text[start:])
    return (LOST if is_made else _DOWN), _line(text)


def read_system(error: OSError) -> tuple[Answer, str]:
    """Return what an error of the operating system or of ``ssl`` means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _TLS, f"the server's certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return _TLS, f"TLS failed ({error.reason or type(error).__name__})"
    for kind, text in (
        (socket.gaierror, "name or service not known"),
        (ConnectionRefusedError, "connection refused"),
        (FileNotFoundError, f"no such file or directory: {error.filename or ''}"),
    ):
        if isinstance(error, kind):
            return read_text(text, is_made=False)
    # Those without a number are asyncpg's own.
    return read_text(error.strerror or str(error), is_made=True)


def read_name(names: set[str], text: str) -> tuple[Answer, str] | None:
    """Return what the class of a driver's error means, by the names of its classes."""
    if "ClientConfigurationError" in names or "ProgrammingError" in names:
        return MISCONFIGURED._replace(kind=InvalidArgumentError), _line(text)
    if names & {"OutdatedSchemaCacheError", "InvalidCachedStatementError"}:
        return FORGOTTEN._replace(again=Again.AFTER_A_CHECK), "a prepared statement is outdated"
    if "TargetServerAttributeNotMatched" in names:
        return READ_ONLY, _line(text)
    if "DataError" in names:
        return UNKNOWN, "the driver refuses a value"
    return None


def timeout(seconds: float | None) -> tuple[Answer, str]:
    """Return what it means that the server did not answer in time."""
    within = "in time" if seconds is None else f"within {seconds:g} s"
    return _TIMEOUT, f"the server did not answer {within}"


def _line(text: str) -> str:
    """Return the first line of a text, without what repeats the address."""
    line = text.strip().partition("\n")[0]
    line = re.sub(r"^(connection failed: )?connection to server .*? failed: ", "", line)
    return re.sub(r"^(FATAL|ERROR|PANIC):\s+", "", line) or "the connection failed"
