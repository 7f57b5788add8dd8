"""Whether a commit took effect whose answer was lost."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from chatstore.conditional.changes import Commit
from chatstore.conditional.database import Database
from chatstore.conditional.entries import Place
from chatstore.conditional.head import REMEMBERED, Head
from chatstore.conditional.names import record_id
from chatstore.conditional.reading import OutdatedError, oldest
from chatstore.core import OutcomeUnknownError
from chatstore.core.backend import Plan

C = TypeVar("C")


class Attempt(NamedTuple):
    """A commit that was sent.

    Attributes:
        result: What the call returns if it took effect.
        request: The request's id.
        version: The version of the head that the commit expected.
        based: That head.
        commit: What was to be written.
        numbers: Of the new messages.
        is_staged: Whether their records were staged before.
        removed: Where the message was that the commit removes.

    """

    result: Any
    request: str
    version: str | None
    based: Head
    commit: Commit
    numbers: range
    is_staged: bool
    removed: Place | None


def took_effect(
    database: Database[C], key: str, attempt: Attempt, head: Head | None, version: str | None
) -> Plan[C, bool]:
    """Whether a commit took effect, as the head of now tells, or else what it wrote.

    Raises:
        OutcomeUnknownError: Neither of them tells.

    """
    if version == attempt.version:
        return False
    if head is None:
        raise _unknown()
    if attempt.request in head.requests:
        return True
    new = attempt.commit.head
    if attempt.version is not None and head.stream != attempt.based.stream:
        raise _unknown()
    if attempt.version is None and head.stream != new.stream:
        return False  # somebody else's head was the first
    if head.sequence - attempt.based.sequence <= REMEMBERED:
        return False
    result = _told_by_head(attempt, head)
    if result is None and not attempt.is_staged and head.generation == new.generation:
        result = yield from _told_by_records(database, key, attempt, head)
    if result is None:
        raise _unknown()
    return result


def _told_by_head(attempt: Attempt, head: Head) -> bool | None:
    based, new = attempt.based, attempt.commit.head
    if new.generation != based.generation and head.generation in {based.generation, new.generation}:
        return head.generation == new.generation
    if attempt.is_staged:
        if any(staging.owner == attempt.request for staging in head.stagings):
            return False
        runs = [entry.numbers for entry in head.entries if not entry.level]
        numbers = attempt.numbers
        if any(first < numbers.stop and numbers.start < end for first, end in runs):
            return True
    elif attempt.numbers and head.numbers <= attempt.numbers.start:
        return False
    return None


def _told_by_records(
    database: Database[C], key: str, attempt: Attempt, head: Head
) -> Plan[C, bool | None]:
    """Look for the records; a number is only ever given to one commit that took effect."""
    if attempt.numbers:
        name = record_id(head.stream, attempt.numbers.start)
        found = yield from database.read_records(key, [name])
        return found[name] == attempt.commit.puts[name] if name in found else None
    if attempt.removed is not None and head.epoch == attempt.based.epoch:
        position = attempt.removed.position
        try:
            places = yield from oldest(database, key, head, 1, position - 1)
        except OutdatedError:
            return None
        return False if places == [attempt.removed] else None
    return None


def _unknown() -> OutcomeUnknownError:
    message = (
        "no answer came to a write, and others wrote so much meanwhile that it cannot be found "
        "out whether it took effect; it is not sent again: read the conversation before you "
        "repeat the call"
    )
    return OutcomeUnknownError(message)
