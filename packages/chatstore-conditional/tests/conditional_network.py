"""A database whose steps have names and that checks its callers, and backends over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import Any, TypeVar

from conditional_consistency import check_step, number_of
from conditional_steps import with_steps

from chatstore.conditional import ConditionalBackend, HeadWrite, Limits
from chatstore.conditional.abandoned import MAX_STAGINGS, STAGING_TIME
from chatstore.conditional.head import Head
from chatstore.conditional.head_json import load_head
from chatstore.conditional.testing import MemoryDatabase
from chatstore.core import ChatMessage, ChatStoreError, StoreUnavailableError, codec
from chatstore.core.backend import Plan, Record

T = TypeVar("T")
KEY = "conversation"
PATIENCE = 600_000.0  # seconds: a simulated call is repeated until it succeeds


class NetworkError(Exception):
    """A driver's error for a request without a reply."""


class BrokenRuleError(AssertionError):
    """A commit breaks a promise that `Database` makes to its authors."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a plan, with its kind."""

    kind: str
    act: Callable[[Any], Any]

    def __call__(self, client: Any) -> Any:
        """Call the step."""
        return self.act(client)


class Situation:
    """What happens in a run now.

    Attributes:
        monotonic: Seconds that have passed.
        acting: The client that acts.
        is_late: The client gave up the request that acts long ago.

    """

    monotonic = 0.0
    acting = 0
    is_late = False


class SimulatedDatabase(MemoryDatabase):
    """A database that checks each commit.

    Attributes:
        belated: Staged records that arrived after their staging was given up.
        lifetimes: The lifetimes of heads, as their last commits gave them.
        situation: What happens now.

    """

    concurrency = 3

    def __init__(self, limits: Limits, situation: Situation | None = None) -> None:
        """Create an empty database."""
        super().__init__(limits)
        self.belated: set[str] = set()
        self.lifetimes: dict[str, float | None] = {}
        self.situation = situation or Situation()
        self._owner_lists: SimulatedDatabase | None = None
        self._signs_of_life: dict[tuple[str, int], tuple[int, float]] = {}

    def owner_lists(self) -> SimulatedDatabase:
        """See `Database.owner_lists`."""
        if self._owner_lists is None:
            self._owner_lists = SimulatedDatabase(self.limits, self.situation)
        return self._owner_lists

    def copy(self) -> SimulatedDatabase:
        """Return a database with the same content."""
        other = SimulatedDatabase(self.limits)
        other.heads = dict(self.heads)
        other.records = {key: dict(records) for key, records in self.records.items()}
        other.lifetimes = dict(self.lifetimes)
        other._owner_lists = None if self._owner_lists is None else self._owner_lists.copy()
        return other

    def read_head(self, key: str) -> Plan[Any, tuple[str, str] | None]:
        """See `Database.read_head`."""
        return _named("read", super().read_head(key))

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Any, dict[str, str]]:
        """See `Database.read_records`."""
        return _named("read", super().read_records(key, ids))

    def commit(self, key: str, write: HeadWrite) -> Plan[Any, str | None]:
        """See `Database.commit`; the effect is checked."""
        [act] = super().commit(key, write)
        puts, deletes = write.puts, write.deletes

        def checked(client: Any) -> str | None:
            stored = self.heads.get(key)
            if (stored and stored[1]) == write.expected:
                records = self.records.get(key, {})
                repeated = [name for name in puts if name in records and not is_marker(name)]
                if repeated or len({*puts, *deletes}) < len(puts) + len(deletes):
                    raise BrokenRuleError(
                        f"puts {repeated} again, or a record twice in {puts}, {deletes}"
                    )
            before = load_head(stored[0]) if stored else None
            records = dict(self.records.get(key, {}))
            version: str | None = act(client)
            if version is not None:
                self.lifetimes[key] = write.lifetime
                new = load_head(write.head)
                self._check_stagings(before, new)
                check_step(before, records, new, self.records.get(key, {}), self.belated)
            return version

        version: str | None = yield Step("commit", checked)
        return version

    def _check_stagings(self, before: Head | None, new: Head) -> None:
        """Refuse to end a staging whose owner is at work."""
        stagings = before.stagings if before is not None else ()
        remaining = {staging.number: staging for staging in new.stagings}
        for staging in stagings[max(0, len(stagings) - MAX_STAGINGS) :]:
            client, seen = self._signs_of_life[new.stream, staging.number]
            if staging.number not in remaining and client != self.situation.acting:
                silent = self.situation.monotonic - seen
                if silent < STAGING_TIME * 3 / 4:
                    raise BrokenRuleError(
                        f"a staging ends whose owner was silent for {silent} s: {staging}"
                    )
        known = {staging.number: staging.beat for staging in stagings}
        for staging in new.stagings:
            if known.get(staging.number) != staging.beat:
                self._signs_of_life[new.stream, staging.number] = (
                    self.situation.acting,
                    self.situation.monotonic,
                )

    def delete_head(self, key: str, expected: str) -> Plan[Any, None]:
        """See `Database.delete_head`."""
        return _named("commit", super().delete_head(key, expected))

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Any, tuple[list[tuple[str, str]], Any | None]]:
        """See `Database.list_heads`."""
        return _named("read", super().list_heads(prefix, limit, cursor))

    def expire_heads(self, seconds: float) -> None:
        """Delete the heads whose lifetime is at most this."""
        for key, lifetime in self.lifetimes.items():
            if lifetime is not None and lifetime <= seconds:
                self.heads.pop(key, None)

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Any, None]:
        """See `Database.stage`."""
        return _named("stage", super().stage(key, puts))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[Any, None]:
        """See `Database.discard`."""
        return _named("discard", super().discard(key, ids))

    def sleep(self, seconds: float) -> Plan[Any, None]:
        """See `Database.sleep`."""
        yield Step("sleep", lambda _: None)

    def put(self, key: str, name: str, body: str, _: Any) -> None:
        """Write one record, and notice whether anybody still waits for it."""
        stored = self.heads.get(key)
        head = load_head(stored[0]) if stored else None
        stream, number = number_of(name)
        stagings = head.stagings if head is not None and head.stream == stream else ()
        own = next((s for s in stagings if s.number <= number < s.end), None)
        if own is not None and not self.situation.is_late:
            client, seen = self._signs_of_life[stream, own.number]
            if self.situation.monotonic - seen <= STAGING_TIME / 2:  # else a batch takes too long
                self._signs_of_life[stream, own.number] = (client, self.situation.monotonic)
        is_expected = own is not None
        if not is_expected or (self.situation.is_late and name not in self.records.get(key, {})):
            self.belated.add(name)
        super().put(key, name, body, _)


class SimulatedBackend(ConditionalBackend[Any]):
    """A backend whose plans the simulation runs."""

    def run(self, plan: Plan[Any, T]) -> T:
        """Refuse: the simulation runs plans."""
        raise NotImplementedError

    async def async_run(self, plan: Plan[Any, T]) -> T:
        """Refuse: the simulation runs plans."""
        raise NotImplementedError

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return StoreUnavailableError("no reply") if isinstance(error, NetworkError) else None

    def close(self) -> None:
        """Do nothing: nothing is open."""

    async def async_close(self) -> None:
        """Do nothing: nothing is open."""


def is_marker(name: str) -> bool:
    """Return whether a record's id is that of a marker."""
    return "-" in name


@cache
def record(name: str, size: int, *, has_caller_id: bool) -> Record:
    """Return a message of about ``size`` bytes with an id of its caller or of the store."""
    created = datetime(2026, 1, 1, tzinfo=timezone.utc)
    message = ChatMessage(id=name, role="user", content="x" * size, created_at=created)
    return codec.encode(message, created.isoformat())._replace(has_caller_id=has_caller_id)


def _named(kind: str, plan: Plan[Any, T]) -> Plan[Any, T]:
    def carry_out(act: Any) -> Plan[Any, Any]:
        return (yield Step(kind, act))

    return with_steps(plan, carry_out)
