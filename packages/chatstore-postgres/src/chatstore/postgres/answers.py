"""What each answer of a server says: about the call, about the connection, and to the caller.

One table for both drivers, by SQLSTATE; `unanswered.py` has the errors that lack one.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

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
from chatstore.core.backend import Health
from chatstore.core.errors import StoreSetupError


class Again(Enum):
    """Whether a call is sent again after an answer."""

    NEVER = auto()
    AT_ONCE = auto()
    AFTER_A_PAUSE = auto()
    AFTER_A_CHECK = auto()
    """Once, after the tables were checked: they changed while the store was in use."""


class Answer(NamedTuple):
    """What an error means.

    Attributes:
        kind: The error that the caller gets.
        health: What it says about the connection.
        again: Whether the call is sent again.
        may_be_done: A write that got this answer may have taken effect all the same.
        is_answered: A server said so, which will be ready later.
        is_quoted: The server's text is shown: it holds names, and never content.
        advice: What to do about it.

    """

    kind: type[ChatStoreError] = StoreUnavailableError
    health: Health = Health.FINE
    again: Again = Again.NEVER
    may_be_done: bool = False
    is_answered: bool = False
    is_quoted: bool = True
    advice: str = ""


UNKNOWN = Answer(is_quoted=False)
LOST = Answer(health=Health.OUTDATED, again=Again.AFTER_A_PAUSE, may_be_done=True)
BUSY = Answer(again=Again.AFTER_A_PAUSE, is_answered=True)
STARTING = Answer(health=Health.OUTDATED, again=Again.AFTER_A_PAUSE, is_answered=True)
CONFLICT = Answer(again=Again.AT_ONCE, is_quoted=False)
FORGOTTEN = Answer(health=Health.BROKEN, again=Again.AT_ONCE)
CHANGED = Answer(StoreSetupError, Health.BROKEN, Again.AFTER_A_CHECK)
DAMAGED = Answer(CorruptStoreError, is_quoted=False)
FOREIGN = Answer(
    StoreSetupError,
    is_quoted=False,
    advice="the tables have constraints, triggers or types that this package does not make",
)
READ_ONLY = Answer(
    StoreAccessError,
    Health.OUTDATED,
    Again.AFTER_A_PAUSE,
    is_answered=True,
    advice="use the primary server (with several hosts: target_session_attrs=read-write), or a "
    "role that may write",
)
DENIED = Answer(StoreAccessError, advice="check the user, the password and pg_hba.conf")
FORBIDDEN = Answer(
    StoreAccessError, advice="PostgresChatStore.grants(role) returns the rights that a store needs"
)
NO_DATABASE = Answer(
    StoreAccessError, Health.OUTDATED, advice="create the database, or name another in the URL"
)
UNUSABLE = Answer(
    StoreSetupError, advice="check the engine's options; the database's encoding must be UTF8"
)
SLOW = Answer(advice="a timeout of the server's ended the statement")
MISCONFIGURED = Answer(InvalidArgumentError, advice="correct the URL")

_CODES: dict[str, Answer] = {
    "25006": READ_ONLY,  # read_only_sql_transaction
    "25P02": FORGOTTEN,  # in_failed_sql_transaction: a pooler's leftovers
    "25P03": LOST._replace(health=Health.BROKEN),  # idle_in_transaction_session_timeout
    "25P04": SLOW._replace(health=Health.BROKEN),  # transaction_timeout
    "26000": FORGOTTEN,  # invalid_sql_statement_name: a prepared statement is gone
    "42P05": FORGOTTEN,  # duplicate_prepared_statement
    "3D000": NO_DATABASE,  # invalid_catalog_name
    "3F000": CHANGED,  # invalid_schema_name
    "42P01": CHANGED,  # undefined_table
    "42703": CHANGED,  # undefined_column
    "42804": CHANGED,  # datatype_mismatch
    "42883": CHANGED,  # undefined_function
    "42P10": CHANGED,  # invalid_column_reference: a unique index is missing
    "42501": FORBIDDEN,  # insufficient_privilege
    "40001": CONFLICT,  # serialization_failure
    "40P01": CONFLICT,  # deadlock_detected
    "23505": CONFLICT,  # unique_violation
    "53100": Answer(StoreFullError, advice="free disk space on the server"),
    "53300": BUSY._replace(advice="raise the server's limit, or lower max_connections"),
    "53400": BUSY,  # configuration_limit_exceeded
    "55P03": SLOW,  # lock_not_available
    "57014": SLOW,  # query_canceled
    "57P01": LOST,  # admin_shutdown
    "57P02": LOST,  # crash_shutdown
    "57P03": STARTING,  # cannot_connect_now
    "57P04": NO_DATABASE,  # database_dropped
    "57P05": LOST,  # idle_session_timeout
    "XX001": DAMAGED._replace(is_quoted=True),  # data_corrupted
    "XX002": DAMAGED._replace(is_quoted=True),  # index_corrupted
    "22021": FOREIGN._replace(advice="the database's encoding must be UTF8"),
    "22P05": FOREIGN._replace(advice="the database's encoding must be UTF8"),
}
_CLASSES: dict[str, Answer] = {
    "08": LOST,  # connection exception; also what PgBouncer says of itself
    "0A": FOREIGN,  # feature_not_supported
    "22": DAMAGED,  # data exception: arguments are checked, so stored values are wrong
    "23": FOREIGN,  # integrity constraint violation
    "28": DENIED,  # invalid authorization specification
    "2F": FOREIGN,
    "39": FOREIGN,
    "42": FOREIGN,  # syntax error or access rule violation
    "53": Answer(advice="the server lacks resources"),
    "58": Answer(),  # system error
    "P0": FOREIGN,  # a trigger's own error, which may quote content
}


def by_code(code: str) -> Answer:
    """Return what an SQLSTATE means."""
    return _CODES.get(code) or _CLASSES.get(code[:2]) or UNKNOWN
