"""How statements are sent: on tables that are there, again after faults, locked if need be."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from chatstore.core import StoreUnavailableError
from chatstore.core.plans import Plan, Step, call
from chatstore.postgres import appends, schema, writes
from chatstore.postgres.errors import Again, again, translate
from chatstore.postgres.names import Names

T = TypeVar("T")
Rows = list[Any]
_PURGED_BY_WRITES = 200
_TRIES_UNLOCKED = 3
_PAUSES = (0.005, 1.0)  # seconds before a call is sent again: the first, and the longest


class Calls:
    """Sends the statements of one store, whichever client runs the plans."""

    def __init__(
        self,
        names: Names,
        place: str,
        ttl: float | None,
        patience: float,
        *,
        creates_tables: bool,
    ) -> None:
        """Note the tables, the database's name for messages, and the store's settings."""
        self.ttl = ttl
        self._names = names
        self._place = place
        self._patience = patience
        self._creates_tables = creates_tables
        self._is_ready = False

    def set_up(self) -> Plan[None]:
        """Make the tables, or bring them up to date."""
        if not (yield from self._patiently(lambda: schema.check(self._names))):
            yield from self._patiently(
                lambda: call(lambda client: client.transact(lambda: schema.migrate(self._names)))
            )
        self._is_ready = True

    def fetch(self, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute one statement, in one round trip where nothing goes wrong."""
        if not self._is_ready:
            yield from self._get_ready()
        sql = self._names.render(template)
        step: Step = lambda client: client.fetch(sql, *parameters)
        try:
            rows: Rows = yield step
        except Exception as error:  # noqa: BLE001 - `_retry` raises what it cannot mend
            rows = yield from self._retry(lambda: call(step), error)
        return rows

    def fetch_once(self, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement, and give no rows where it failed but another may do better."""
        if not self._is_ready:
            yield from self._get_ready()
        sql = self._names.render(template)
        try:
            rows: Rows = yield lambda client: client.fetch(sql, *parameters)
        except Exception as error:
            if again(error) is None:
                raise
            return []
        return rows

    def transact(self, body: Callable[[], Plan[T]]) -> Plan[T]:
        """Execute the statements of `inside` as one transaction."""
        if not self._is_ready:
            yield from self._get_ready()
        result: T = yield from self._patiently(lambda: call(lambda client: client.transact(body)))
        return result

    def inside(self, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement inside a transaction."""
        sql = self._names.render(template)
        rows: Rows = yield from call(lambda session: session.fetch(sql, *parameters))
        return rows

    def locked(self, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement inside a transaction, under the lock of its key's head."""
        yield from self.inside(writes.LOCK, parameters[0])
        return (yield from self.inside(template, *parameters))

    def change(self, is_locked: bool, template: str, *parameters: Any) -> Plan[Rows]:
        """Execute a statement by itself, or under the lock of its key's head."""
        if not is_locked:
            return (yield from self.fetch(template, *parameters))
        return (yield from self.transact(lambda: self.locked(template, *parameters)))

    def until_done(
        self, attempt: Callable[[bool], Plan[T | None]], expired: bytes | None = None
    ) -> Plan[T]:
        """Try until what a statement saw is still so when it has its lock.

        Args:
            attempt: Gives the plan of one try, which returns ``None`` where the conversation had
                changed; it is told whether to lock first, for those whom others overtake.
            expired: A key under which an expired conversation may stand in the way.

        Raises:
            StoreUnavailableError: Others changed it for as long as the patience is.

        """
        deadline = time.monotonic() + self._patience
        tries = 0
        while True:
            result = yield from attempt(tries >= _TRIES_UNLOCKED)
            if result is not None:
                return result
            if time.monotonic() > deadline:
                message = f"{self._place}: others changed this conversation all the time"
                raise StoreUnavailableError(message)
            if expired is not None:
                yield from self.fetch(appends.BURY, expired)
            tries += 1

    def purge(self, most: int) -> Plan[bool]:
        """Reclaim at most so many messages of what expired; return whether more may be left."""
        rows = yield from self.fetch(writes.PURGE, most)
        return bool(rows[0][0])

    def reclaim(self, is_garbage: bool) -> Plan[None]:
        """Reclaim a little after a write that saw something to reclaim."""
        if is_garbage:
            try:
                yield from self.purge(_PURGED_BY_WRITES)
            except Exception as error:
                # The write has succeeded, and must not look as if it had not.
                if translate(error, self._place) is None:
                    raise

    def _get_ready(self) -> Plan[None]:
        if self._creates_tables:
            yield from self.set_up()
        else:
            yield from self._patiently(lambda: schema.require(self._names))
            self._is_ready = True

    def _patiently(self, attempt: Callable[[], Plan[T]]) -> Plan[T]:
        """Try until it succeeds, fails for good, or the patience ends."""
        try:
            return (yield from attempt())
        except Exception as error:  # noqa: BLE001 - as above
            return (yield from self._retry(attempt, error))

    def _retry(self, attempt: Callable[[], Plan[T]], failure: Exception) -> Plan[T]:
        """Go on trying after a failure, or raise it."""
        deadline = time.monotonic() + self._patience
        pause, longest = _PAUSES
        is_first = True
        while True:
            how = again(failure)
            if how is None or time.monotonic() > deadline:
                raise failure
            if how is Again.AFTER_A_PAUSE or not is_first:
                seconds = pause * random.uniform(0.5, 1)
                yield from call(lambda client: client.sleep(seconds))  # noqa: B023 - called at once
                pause = min(2 * pause, longest)
            is_first = False
            try:
                return (yield from attempt())
            except Exception as error:  # noqa: BLE001 - judged by the next turn
                failure = error
