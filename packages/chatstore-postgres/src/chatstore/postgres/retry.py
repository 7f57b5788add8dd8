"""How statements are sent: on checked tables, again after faults, locked if need be.

The loop is `chatstore.core.backend.retry`; here is when to repeat, for how long, and what the
caller gets in the end.
"""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from chatstore.core import StoreAccessError, StoreUnavailableError
from chatstore.core.backend import Plan, Record, Retryable, RetryPolicy, call, now, retry
from chatstore.core.errors import ChatStoreError, OutcomeUnknownError
from chatstore.postgres.client import Client, Session, fetch, fetch_unchecked, transact
from chatstore.postgres.errors import (
    Diagnosis,
    ErrorReader,
    NotConnectedError,
    NotReadyError,
    Repeat,
)
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import Rows, TableNames
from chatstore.postgres.tables import (
    CHECK_RIGHTS,
    ExistingTables,
    look_at_tables,
    migrate,
    rights_of,
)
from chatstore.postgres.values import columns_of

T = TypeVar("T")

LONGEST_REPETITION = 300.0
"""Seconds for which a write is repeated that may have taken effect: half of the time for which
the database remembers it."""
_FIRST_SECONDS = 1.0  # a server that was never reached probably has a wrong address
_CONFLICTS = 5  # how often a call is repeated at once after a conflict, whatever its patience
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 1.0
_UNLOCKED_ATTEMPTS = 3
_SWEEP_SECONDS = 60.0
_SWEPT_MESSAGES = 200  # the most messages that one call reclaims beside its own work
_random = secrets.SystemRandom()  # a program may seed the global generator


class Attempt(NamedTuple):
    """One attempt of a write.

    Attributes:
        is_locked: Lock the conversation first: other writers were faster, or it is repeated.
        is_repeated: An earlier attempt may have taken effect.

    """

    is_locked: bool
    is_repeated: bool


class Sender:
    """Sends the statements of one store, whichever client runs the plans.

    Attributes:
        errors: Diagnoses the drivers' errors.
        patience: Seconds for which a call is repeated.
        was_reached: A server has answered.
        sweep_at: When to reclaim next, by `time.monotonic`, if no call sees garbage before.

    """

    def __init__(
        self, names: TableNames, errors: ErrorReader, *, patience: float, create: bool
    ) -> None:
        """Take the tables and the store's settings."""
        self.errors = errors
        self.patience = patience
        self.was_reached = False
        self.render = names.render
        self._names = names
        self._create = create
        self._database: object | None = None  # the identity in the tables
        self.sweep_at = 0.0

    # ------------------------------------------------------------------ sending

    def fetch(self, template: str, *parameters: object) -> Plan[Client, Rows]:
        """Execute a statement that may be repeated without harm."""
        sql = self.render(template)
        rows: Rows
        try:
            rows = yield lambda client: client.fetch(sql, *parameters)
        except Exception as error:  # noqa: BLE001 - raised again unless it can be repeated
            read = _Read(self, lambda: fetch(sql, *parameters))
            read.resume(error)
            rows = yield from read.run()
        if time.monotonic() > self.sweep_at:
            yield from self.sweep()
        return rows

    def write(
        self,
        attempt: Callable[[Attempt], Plan[Client, T | None]],
        *,
        release: bytes | None = None,
        failure: Exception | None = None,
        started: float | None = None,
    ) -> Plan[Client, T]:
        """Attempt a write until it takes effect.

        Args:
            attempt: Returns the plan of an attempt. Its result is ``None`` if the conversation
                changed before the attempt had its lock.
            release: A key that an expired conversation may have, to be released then.
            failure: The error of the first attempt, if the caller made it.
            started: When that was sent, by `now`.

        Raises:
            StoreUnavailableError: Other writers changed the conversation during `patience`.
            OutcomeUnknownError: The write may have taken effect, and cannot be repeated.

        """
        write = _Write(self, attempt, release)
        write.resume(failure, started)
        return write.run()

    def send(
        self, attempt: Attempt, template: str, key: bytes, *parameters: object
    ) -> Plan[Client, Rows]:
        """Execute a statement once: by itself, or under the lock of its conversation."""
        sql = self.render(template)
        if not attempt.is_locked:
            return (yield from fetch(sql, key, *parameters))

        def body() -> Plan[Session, Rows]:
            yield from self.inside(statements.LOCK, key)
            return (yield from fetch(sql, key, *parameters))

        return (yield from transact(body))

    def inside(self, template: str, *parameters: object) -> Plan[Session, Rows]:
        """Execute a statement inside of a transaction."""
        return fetch(self.render(template), *parameters)

    def lock_or_begin(self, key: bytes) -> Plan[Session, bool]:
        """Lock a conversation for the rest of the transaction.

        If it does not exist, begin an empty one, so that no other call can begin it.

        Returns:
            Whether an empty one was begun, which the transaction must fill or end.

        """
        has_begun = False
        while not (yield from self.inside(statements.LOCK, key)):
            has_begun = True
            yield from self.inside(statements.BEGIN_EMPTY, key)
        return has_begun

    def fill(self, key: bytes, chunks: Sequence[Sequence[Record]]) -> Plan[Session, None]:
        """Write all chunks of a conversation's messages but the first, which is there already."""
        start = 0
        for number, chunk in enumerate(chunks):
            if number:
                yield from self.inside(statements.FILL, key, start, *columns_of(chunk))
            start += len(chunk)

    # ------------------------------------------------------------------ tables

    def setup(self) -> Plan[Client, None]:
        """Create the tables, or check them if they exist."""
        self._database = None
        yield from self._prepare(create=True)

    def prepare(self) -> Plan[Client, None]:
        """Check the tables, once in each mode; create them if the store may."""
        yield from self._prepare(create=self._create)

    def _prepare(self, *, create: bool) -> Plan[Client, None]:
        known = self._database  # read first: the other mode may be creating the tables just now
        existing = yield from self._look_at_tables()
        self.was_reached = True
        if not existing.is_complete:
            if not create or known is not None:
                raise existing.missing_error(self._names, self.errors.server)
            yield from _Read(self, self._migrate).run()
            existing = yield from self._look_at_tables()
        existing.require(self._names, self.errors.server, self._database)
        self._database = existing.identity
        yield from _set_ready(is_ready=True)
        yield from self.sweep()

    def _look_at_tables(self) -> Plan[Client, ExistingTables]:
        return _Read(self, lambda: look_at_tables(self._names)).run()

    def _migrate(self) -> Plan[Client, None]:
        return transact(lambda: migrate(self._names), is_setup=True)

    def check_rights(self) -> Plan[Client, None]:
        """Check that the role has all rights that the statements need.

        Raises:
            StoreAccessError: It lacks one.

        """
        names, rights = rights_of(self._names)
        for name, right, is_granted in (yield from self.fetch(CHECK_RIGHTS, names, rights)):
            if not is_granted:
                raise StoreAccessError(
                    f"{self.errors.server}: the role lacks the right {right} on {name}; "
                    "grants(role) returns the SQL that grants all rights"
                )

    # ------------------------------------------------------------------ reclaiming

    def reclaim(self, has_garbage: bool) -> Plan[Client, None]:
        """Reclaim a little if the call saw garbage, and once a minute."""
        if has_garbage or time.monotonic() > self.sweep_at:
            yield from self.sweep()

    def sweep(self) -> Plan[Client, None]:
        """Reclaim a little of what expired, and ignore errors."""
        self.sweep_at = time.monotonic() + _SWEEP_SECONDS
        sql = self.render(statements.PURGE)
        try:
            yield from fetch_unchecked(sql, _SWEPT_MESSAGES)
        except Exception as error:
            # The caller's call has taken effect, so it must not fail.
            failure = self.errors.translate(error)
            if failure is None:
                raise
            if isinstance(failure, StoreAccessError):  # a role that only reads, or a replica
                self.sweep_at = float("inf")


class _Repetition(ABC, Generic[T]):
    """Repeats one call; the subclass says what an attempt is."""

    is_write = False

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._failure: Exception | None = None
        self._started = now()
        self._failed_at: float | None = None
        self._failures = 0
        self._pause = _FIRST_PAUSE
        self._was_checked = False
        self._may_be_done = False

    def resume(self, failure: Exception | None, started: float | None = None) -> None:
        """Count an attempt that the caller made."""
        self._failure = failure
        if started is not None:
            self._started = started

    def run(self) -> Plan[Client, T]:
        """Repeat the call until it succeeds or must be given up."""
        return retry(
            self._begin,
            self._judge,
            policy=RetryPolicy(self._sender.patience),  # `_judge` decides
            sleep=_sleep,
            server=self._sender.errors.server,
        )

    def _begin(self) -> Plan[Client, T]:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return (yield from self._attempt())

    @abstractmethod
    def _attempt(self) -> Plan[Client, T]: ...

    def _judge(self, error: Exception, attempt: int) -> Retryable | None:  # noqa: ARG002
        if isinstance(error, NotReadyError):
            return _at_once(self._sender.prepare)
        diagnosis = self._sender.errors.diagnose(error)
        if diagnosis is None or isinstance(error, ChatStoreError):
            return None
        self._may_be_done |= self.is_write and diagnosis.may_be_done
        if diagnosis.repeat is Repeat.AFTER_CHECK and not self._was_checked:
            self._was_checked = True
            return _at_once(lambda: _set_ready(is_ready=False))
        is_final = diagnosis.repeat in {Repeat.NEVER, Repeat.AFTER_CHECK}
        if is_final or self._is_over(error, diagnosis):
            if self._may_be_done:
                raise self._unknown_outcome(diagnosis.reason)
            return None
        self._failures += 1
        if diagnosis.repeat is Repeat.IMMEDIATELY and self._failures == 1:
            return _at_once()
        pause = self._pause * _random.uniform(0.5, 1)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return Retryable(diagnosis.reason, pause, is_free=True)

    def _is_over(self, error: Exception, diagnosis: Diagnosis) -> bool:
        """Return whether the call was repeated for long enough."""
        if diagnosis.repeat is Repeat.IMMEDIATELY and self._failures < _CONFLICTS:
            return False
        patience = self._sender.patience
        is_unreached = isinstance(error, NotConnectedError) and not self._sender.was_reached
        if is_unreached and not diagnosis.is_answered:
            patience = min(patience, _FIRST_SECONDS)
        if self._failed_at is None:
            self._failed_at = now()
        return now() - self._failed_at >= patience

    def _unknown_outcome(self, reason: str) -> OutcomeUnknownError:
        return OutcomeUnknownError(
            f"{self._sender.errors.server}: {reason}; this write may or may not have taken "
            "effect: read the conversation before you repeat it"
        )


class _Read(_Repetition[T]):
    """Repeats a call that does no harm if it takes effect twice."""

    def __init__(self, sender: Sender, attempt: Callable[[], Plan[Client, T]]) -> None:
        super().__init__(sender)
        self._attempt_read = attempt

    def _attempt(self) -> Plan[Client, T]:
        return self._attempt_read()


class _Write(_Repetition[T]):
    """Repeats a write until it takes effect."""

    is_write = True

    def __init__(
        self,
        sender: Sender,
        attempt: Callable[[Attempt], Plan[Client, T | None]],
        release: bytes | None,
    ) -> None:
        super().__init__(sender)
        self._attempt_write = attempt
        self._release = release
        self._deadline = time.monotonic() + sender.patience
        self._changes = 0

    def _attempt(self) -> Plan[Client, T]:
        # The database must not forget a write before its last repetition.
        if self._may_be_done and now() - self._started > LONGEST_REPETITION:
            raise self._unknown_outcome("the write was sent for the first time too long ago")
        is_locked = self._may_be_done or self._changes >= _UNLOCKED_ATTEMPTS
        result = yield from self._attempt_write(Attempt(is_locked, self._may_be_done))
        if result is not None:
            return result
        if time.monotonic() > self._deadline and self._changes > _UNLOCKED_ATTEMPTS:
            raise StoreUnavailableError(
                f"{self._sender.errors.server}: other writers changed this conversation for "
                f"{self._sender.patience:g} s"
            )
        self._changes += 1
        raise _ConversationChangedError

    def _judge(self, error: Exception, attempt: int) -> Retryable | None:
        if isinstance(error, _ConversationChangedError):
            return _at_once(self._release_expired)
        return super()._judge(error, attempt)

    def _release_expired(self) -> Plan[Client, None]:
        if self._release is not None:
            yield from self._sender.fetch(statements.RELEASE_EXPIRED_KEY, self._release)


class _ConversationChangedError(Exception):
    """Other writers changed the conversation between a statement's snapshot and its lock."""


def _at_once(prepare: Callable[[], Plan[Client, None]] | None = None) -> Retryable:
    return Retryable(None, pause=0.0, is_free=True, prepare=prepare)


def _sleep(seconds: float) -> Plan[Client, None]:
    return call(lambda client: client.sleep(seconds))


def _set_ready(*, is_ready: bool) -> Plan[Client, None]:
    def step(client: Client) -> None:
        client.is_ready = is_ready

    return call(step)
