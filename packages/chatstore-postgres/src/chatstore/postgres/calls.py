"""How statements are sent: on tables that were checked, again after faults, locked if need be."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from chatstore.core import StoreAccessError, StoreUnavailableError
from chatstore.core.backend import Plan, call
from chatstore.postgres import appends, schema, writes
from chatstore.postgres.errors import ErrorReader
from chatstore.postgres.names import Names, Rows
from chatstore.postgres.retrying import Attempts

T = TypeVar("T")
_PURGED_BY_CALLS = 200  # messages that one call reclaims beside its own work
_SWEEP_SECONDS = 60.0
_UNLOCKED_TRIES = 3


class Try(NamedTuple):
    """One try of a write.

    Attributes:
        is_locked: Lock the conversation first: others overtake the call, or it is repeated.
        is_repeated: An earlier try may have taken effect.

    """

    is_locked: bool
    is_repeated: bool


class Calls:
    """Sends the statements of one store, whichever client runs the plans.

    Attributes:
        ttl: Seconds after which a conversation expires; ``None``: never.
        patience: Seconds for which a call is sent again.
        errors: Understands the drivers' errors.
        was_reached: A server answered once.

    """

    def __init__(
        self,
        names: Names,
        errors: ErrorReader,
        ttl: float | None,
        patience: float,
        *,
        creates_tables: bool,
    ) -> None:
        """Note the tables and the store's settings."""
        self.ttl = ttl
        self.patience = patience
        self.errors = errors
        self.was_reached = False
        self._names = names
        self._creates_tables = creates_tables
        self._database: object | None = None  # the identity that the tables have
        self._sweep_at = 0.0

    # ------------------------------------------------------------------ setting up

    def set_up(self) -> Plan[None]:
        """Make the tables, or check that they are as they should be."""
        self._database = None
        yield from self._get_ready(creates_tables=True)

    def get_ready(self) -> Plan[None]:
        """Check the tables once for each mode, and make them where the store may."""
        yield from self._get_ready(creates_tables=self._creates_tables)

    def _get_ready(self, *, creates_tables: bool) -> Plan[None]:
        known = self._database  # before the look: the other mode may be making them right now
        found = yield from self._patiently(lambda: schema.check(self._names))
        self.was_reached = True
        if not found.is_complete:
            if not creates_tables or known is not None:
                raise found.error(self._names, self.errors.place)
            yield from self._patiently(
                lambda: call(
                    lambda client: client.transact(
                        lambda: schema.migrate(self._names), is_setup=True
                    )
                )
            )
            found = yield from self._patiently(lambda: schema.check(self._names))
        found.require(self._names, self.errors.place, self._database)
        self._database = found.identity
        yield from call(_make_ready)
        yield from self._sweep()

    # ------------------------------------------------------------------ sending

    def fetch(self, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement that changes nothing, in one round trip where all goes well."""
        sql = self._names.render(template)
        try:
            rows: Rows = yield lambda client: client.fetch(sql, *parameters)
        except Exception as error:  # noqa: BLE001 - `Attempts` raises what it cannot mend
            attempts = Attempts(self, is_write=False)
            yield from attempts.fail(error)
            rows = yield from self._again(
                attempts, lambda: call(lambda client: client.fetch(sql, *parameters))
            )
        if time.monotonic() > self._sweep_at:
            yield from self._sweep()
        return rows

    def send(self, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement by itself, once."""
        sql = self._names.render(template)
        rows: Rows = yield lambda client: client.fetch(sql, *parameters)
        return rows

    def transact(self, body: Callable[[], Plan[T]]) -> Plan[T]:
        """Execute the statements of `inside` as one transaction, once."""
        result: T = yield from call(lambda client: client.transact(body))
        return result

    def inside(self, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement inside a transaction."""
        sql = self._names.render(template)
        rows: Rows = yield from call(lambda session: session.fetch(sql, *parameters))
        return rows

    def lock(self, key: bytes, *, begins: bool) -> Plan[bool]:
        """Lock a conversation for the rest of the transaction.

        Args:
            key: The conversation's key.
            begins: Where there is none, begin an empty one, so that no other can begin it.

        Returns:
            Whether an empty one was begun, which the transaction must fill or end.

        """
        has_begun = False
        while not (yield from self.inside(writes.LOCK, key)) and begins:
            has_begun = True
            yield from self.inside(writes.BEGIN_EMPTY, key)
        return has_begun

    def change(self, one: Try, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement by itself, or under the lock of its conversation."""
        if not one.is_locked:
            return (yield from self.send(template, *parameters))

        def body() -> Plan[Rows]:
            yield from self.lock(parameters[0], begins=False)
            return (yield from self.inside(template, *parameters))

        return (yield from self.transact(body))

    def until_done(
        self,
        attempt: Callable[[Try], Plan[T | None]],
        expired: bytes | None = None,
        *,
        failure: Exception | None = None,
        started: float | None = None,
    ) -> Plan[T]:
        """Try a write until what a statement saw is still so when it has its lock.

        Args:
            attempt: Gives the plan of one try, which returns ``None`` where the conversation had
                changed.
            expired: A key under which an expired conversation may be in the way.
            failure: What the first try ended with, where it was made before.
            started: When that was sent.

        Raises:
            StoreUnavailableError: Others changed it for as long as the patience is.

        """
        attempts = Attempts(self, is_write=True, started=started)
        deadline = time.monotonic() + self.patience
        tries = 0
        while True:
            try:
                if failure is not None:
                    raise failure  # noqa: TRY301 - handled as if the first try were made here
                attempts.give_up_in_time()
                is_repeated = attempts.may_be_done
                is_locked = is_repeated or tries >= _UNLOCKED_TRIES
                result = yield from attempt(Try(is_locked, is_repeated))
            except Exception as error:  # noqa: BLE001 - `Attempts` raises what it cannot mend
                failure = None
                yield from attempts.fail(error)
                continue
            if result is not None:
                return result
            if time.monotonic() > deadline and tries > _UNLOCKED_TRIES:
                raise StoreUnavailableError(
                    f"Postgres at {self.errors.place}: other writers changed this conversation "
                    f"for {self.patience:g} s"
                )
            if expired is not None:
                yield from self.fetch(appends.BURY, expired)
            tries += 1

    # ------------------------------------------------------------------ reclaiming

    def purge(self, most: int) -> Plan[bool]:
        """Reclaim at most so many messages of what expired; return whether more may be left."""
        rows = yield from self.fetch(writes.PURGE, most)
        return bool(rows[0][0])

    def reclaim(self, is_garbage: bool) -> Plan[None]:
        """Reclaim a little after a call that saw something to reclaim, and once a minute."""
        if is_garbage or time.monotonic() > self._sweep_at:
            yield from self._sweep()

    def _sweep(self) -> Plan[None]:
        self._sweep_at = time.monotonic() + _SWEEP_SECONDS
        sql = self._names.render(writes.PURGE)
        try:
            yield from call(lambda client: client.fetch_unchecked(sql, _PURGED_BY_CALLS))
        except Exception as error:
            # The caller's call has succeeded, and must not look as if it had not.
            failure = self.errors.translate(error)
            if failure is None:
                raise
            if isinstance(failure, StoreAccessError):  # a reader's role, or a replica
                self._sweep_at = float("inf")

    # ------------------------------------------------------------------ trying again

    def _patiently(self, attempt: Callable[[], Plan[T]]) -> Plan[T]:
        """Try what may be repeated at will, until it succeeds or must be given up."""
        return (yield from self._again(Attempts(self, is_write=False), attempt))

    def _again(self, attempts: Attempts, attempt: Callable[[], Plan[T]]) -> Plan[T]:
        while True:
            try:
                return (yield from attempt())
            except Exception as error:  # noqa: BLE001 - `Attempts` raises what it cannot mend
                yield from attempts.fail(error)


def _make_ready(client: Any) -> None:
    client.is_ready = True
