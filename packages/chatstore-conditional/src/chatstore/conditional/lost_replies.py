"""Finds out whether a commit whose reply was lost took effect."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from chatstore.conditional.commit import Commit
from chatstore.conditional.database import Database
from chatstore.conditional.entries import Location
from chatstore.conditional.head import Head, StoredHead
from chatstore.conditional.lookup import OutdatedError, oldest
from chatstore.conditional.names import record_id
from chatstore.core import OutcomeUnknownError
from chatstore.core.backend import Plan

C = TypeVar("C")

REMEMBERED = 24
"""How many requests a head remembers; after more of them, the records of a request are read."""


class Attempt(NamedTuple):
    """A commit that was sent.

    Attributes:
        result: What the call returns if it took effect.
        request: The request's id.
        version: The version of the head that the commit expected; ``None``: no head.
        base: The head for which the commit was decided.
        commit: The commit.
        numbers: The numbers of the new messages.
        is_staged: Whether their records were staged before.
        removed: Where the message was that the commit removes.

    """

    result: Any
    request: str
    version: str | None
    base: Head
    commit: Commit
    numbers: range
    is_staged: bool
    removed: Location | None

    @property
    def is_refresh(self) -> bool:
        """Whether the entry in the owner's list, which was there before, has to be refreshed."""
        before, after = self.base, self.commit.head
        is_same = before.record.index_entry == after.record.index_entry
        return is_same and after.refreshed not in {None, before.refreshed}


def took_effect(
    database: Database[C], key: str, attempt: Attempt, stored: StoredHead | None
) -> Plan[C, bool]:
    """Return whether a commit took effect, by the current head or by what the commit wrote.

    Raises:
        OutcomeUnknownError: Neither of them tells.

    """
    if (None if stored is None else stored.version) == attempt.version:
        return False
    if stored is None:
        raise _unknown(database.server)
    head = stored.head
    if attempt.request in head.requests:
        return True
    new = attempt.commit.head
    if attempt.version is not None and head.stream != attempt.base.stream:
        raise _unknown(database.server)
    if attempt.version is None and head.stream != new.stream:
        return False  # another writer's head was the first
    if head.sequence - attempt.base.sequence <= REMEMBERED:
        return False
    result = _by_head(attempt, head)
    if result is None and not attempt.is_staged and head.generation == new.generation:
        result = yield from _by_records(database, key, attempt, head)
    if result is None:
        raise _unknown(database.server)
    return result


def _by_head(attempt: Attempt, head: Head) -> bool | None:
    base, new = attempt.base, attempt.commit.head
    if new.generation != base.generation and head.generation in {base.generation, new.generation}:
        return head.generation == new.generation
    if attempt.is_staged:
        if any(staging.owner == attempt.request for staging in head.stagings):
            return False
        runs = [entry.numbers for entry in head.entries if not entry.level]
        numbers = attempt.numbers
        if any(first < numbers.stop and numbers.start < end for first, end in runs):
            return True
    elif attempt.numbers and head.next_number <= attempt.numbers.start:
        return False
    return None


def _by_records(
    database: Database[C], key: str, attempt: Attempt, head: Head
) -> Plan[C, bool | None]:
    """Look for the records; only one commit that took effect can have used a number."""
    if attempt.numbers:
        name = record_id(head.stream, attempt.numbers.start)
        records = yield from database.read_records(key, [name])
        return records[name] == attempt.commit.puts[name] if name in records else None
    if attempt.removed is not None and head.epoch == attempt.base.epoch:
        position = attempt.removed.position
        try:
            locations = yield from oldest(database, key, head, 1, position - 1)
        except OutdatedError:
            return None
        return False if locations == [attempt.removed] else None
    return None


def _unknown(server: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{server}: a write got no reply, and other writers wrote so much since that its outcome "
        "cannot be known; it is not sent again: read the conversation before you repeat the call"
    )
