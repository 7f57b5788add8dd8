"""A database whose steps say what they are and that insists on its contract, and its stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from conditional_consistency import check_step, number_of

from chatstore.conditional import Limits, RecordsChatStore
from chatstore.conditional.head import Head, load
from chatstore.conditional.observing import MOST_STAGINGS, STAGING_TIME
from chatstore.conditional.testing import MemoryDatabase
from chatstore.core import ChatMessage, ChatStoreError, StoreUnavailableError, codec
from chatstore.core.backend import Plan, Record

KEY = "conversation"


class NetworkError(Exception):
    """What a driver raises where there was no answer."""


class BrokenRuleError(AssertionError):
    """A commit was not as `Database` promises it to its authors."""


class Step(NamedTuple):
    """What the database is asked to do at once."""

    kind: str
    act: Callable[[Any], Any]


class SimulatedDatabase(MemoryDatabase):
    """A database that checks each commit.

    Attributes:
        belated: Staged records that came after their staging was given up.
        lifetimes: Of heads, as their last commits gave them.
        monotonic: Seconds that have passed.
        acting: Which client acts.

    """

    def __init__(self, limits: Limits) -> None:
        """Make an empty database."""
        super().__init__(limits)
        self.belated: set[str] = set()
        self.lifetimes: dict[str, float | None] = {}
        self.monotonic = 0.0
        self.acting = 0
        self.is_late = False  # what happens now was given up long ago
        self._signs_of_life: dict[int, tuple[int, float]] = {}

    def copy(self) -> SimulatedDatabase:
        """Return a database that holds the same."""
        other = SimulatedDatabase(self.limits)
        other.heads = dict(self.heads)
        other.records = {key: dict(records) for key, records in self.records.items()}
        other.lifetimes = dict(self.lifetimes)
        return other

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """See `Database`."""
        return _named("read", super().read_head(key))

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """See `Database`."""
        return _named("read", super().read_records(key, ids))

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,
    ) -> Plan[str | None]:
        """See `Database`; what it does is checked."""
        [act] = super().commit(key, expected, head, puts, deletes)

        def checked(client: Any) -> str | None:
            present = self.heads.get(key)
            if (present and present[1]) == expected:
                held = self.records.get(key, {})
                doubled = [name for name in puts if name in held and not is_marker(name)]
                if doubled or len({*puts, *deletes}) < len(puts) + len(deletes):
                    raise BrokenRuleError(
                        f"puts {doubled} again, or a record comes twice in {puts}, {deletes}"
                    )
            before = load(present[0]) if present else None
            records = dict(self.records.get(key, {}))
            version: str | None = act(client)
            if version is not None:
                self.lifetimes[key] = lifetime
                new = load(head)
                self._check_stagings(before, new)
                check_step(before, records, new, self.records.get(key, {}), self.belated)
            return version

        return (yield Step("commit", checked))

    def _check_stagings(self, before: Head | None, new: Head) -> None:
        """Refuse to end a staging whose owner is at work."""
        stagings = before.stagings if before is not None else ()
        kept = {staging.number: staging for staging in new.stagings}
        for staging in stagings[max(0, len(stagings) - MOST_STAGINGS) :]:
            client, seen = self._signs_of_life[staging.number]
            if staging.number not in kept and client != self.acting:
                silent = self.monotonic - seen
                if silent < STAGING_TIME * 3 / 4:
                    raise BrokenRuleError(
                        f"a staging ends whose owner was silent for {silent} s: {staging}"
                    )
        known = {staging.number: staging.beat for staging in stagings}
        for staging in new.stagings:
            if known.get(staging.number) != staging.beat:
                self._signs_of_life[staging.number] = (self.acting, self.monotonic)

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """See `Database`."""
        return _named("commit", super().delete_head(key, expected))

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[tuple[list[tuple[str, str]], Any | None]]:
        """See `Database`."""
        return _named("read", super().list_heads(prefix, limit, cursor))

    def let_die(self, seconds: float) -> None:
        """Delete the heads that were given no longer than this."""
        for key, lifetime in self.lifetimes.items():
            if lifetime is not None and lifetime <= seconds:
                self.heads.pop(key, None)

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """See `Database`."""
        return _named("stage", super().stage(key, puts))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """See `Database`."""
        return _named("discard", super().discard(key, ids))

    def sleep(self, seconds: float) -> Plan[None]:
        """Take no time."""
        yield Step("sleep", lambda _: None)

    def _put(self, key: str, name: str, body: str, client: Any) -> None:
        present = self.heads.get(key)
        head = load(present[0]) if present else None
        stream, number = number_of(name)
        stagings = head.stagings if head is not None and head.stream == stream else ()
        own = next((s for s in stagings if s.number <= number < s.end), None)
        if own is not None and not self.is_late:
            client, seen = self._signs_of_life[own.number]
            if self.monotonic - seen <= STAGING_TIME / 2:  # else a batch takes too long
                self._signs_of_life[own.number] = (client, self.monotonic)
        is_expected = own is not None
        if not is_expected or (self.is_late and name not in self.records.get(key, {})):
            self.belated.add(name)
        super()._put(key, name, body, client)


class SimulatedStore(RecordsChatStore):
    """A store whose plans somebody else runs."""

    patience = 1e9

    def _execute(self, plan: Plan[Any]) -> Any:
        raise NotImplementedError

    async def _async_execute(self, plan: Plan[Any]) -> Any:
        raise NotImplementedError

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return StoreUnavailableError("no answer") if isinstance(error, NetworkError) else None

    def _close(self) -> None:
        """Nothing is open."""

    async def _async_close(self) -> None:
        """Nothing is open."""


def is_marker(name: str) -> bool:
    """Whether a record's id is that of a marker."""
    return "-" in name


@cache
def record(name: str, size: int, *, has_caller_id: bool) -> Record:
    """Return a message of about so many bytes, written by its caller's or the store's id."""
    created = "2026-01-01T00:00:00+00:00"
    message = ChatMessage(id=name, role="user", content="x" * size, created_at=created)
    return codec.encode(message, created)._replace(has_caller_id=has_caller_id)


def _named(kind: str, plan: Plan[Any]) -> Plan[Any]:
    try:
        act = next(plan)
        while True:
            try:
                result = yield Step(kind, act)
            except Exception as error:
                act = plan.throw(error)
            else:
                act = plan.send(result)
    except StopIteration as stop:
        return stop.value
