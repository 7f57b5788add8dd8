"""Reads heads, messages and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.details import stored_conversation
from chatstore.conditional.encoding import StoredMessage, load_first_part
from chatstore.conditional.entries import Location
from chatstore.conditional.head import StoredHead
from chatstore.conditional.head_json import load_head
from chatstore.conditional.lookup import OutdatedError, View
from chatstore.conditional.names import SEAL, record_id
from chatstore.core import CorruptMessageError, CorruptStoreError, StoreUnavailableError
from chatstore.core.backend import Page, Plan, StoredRecord

C = TypeVar("C")
Pick = Callable[[View], Plan[C, tuple[list[Location], list[Location]]]]
"""Locates the messages of a page, and the first messages of the conversation."""

_MAX_REMEMBERED_KEYS = 1024
_MAX_REMEMBERED = 4096  # characters
ATTEMPTS = 50
"""How often a part of a conversation is read while other writers change it."""


class FirstMessages:
    """The first messages of conversations, as this process read them last.

    A stored message never changes. So a window of a long conversation need not read its first
    messages again.
    """

    def __init__(self) -> None:
        """Start without conversations."""
        self._by_key: dict[str, tuple[str, dict[int, str]]] = {}

    def of(self, key: str, stream: str) -> Mapping[int, str]:
        """Return the bodies of a conversation's first messages, by their records' numbers."""
        known, bodies = self._by_key.get(key, ("", {}))
        return bodies if known == stream else {}

    def remember(self, key: str, stream: str, bodies: Mapping[int, str]) -> None:
        """Remember the bodies of a conversation's first messages, if they are short."""
        short = {number: body for number, body in bodies.items() if len(body) <= _MAX_REMEMBERED}
        if short:
            self._by_key[key] = (stream, short)
            if len(self._by_key) > _MAX_REMEMBERED_KEYS:
                self._by_key.pop(next(iter(self._by_key.copy())), None)


def read_head(database: Database[C], key: str) -> Plan[C, StoredHead | None]:
    """Return the current head; ``None`` if there is no head.

    Raises:
        CorruptStoreError: The head cannot be read, or is missing though there are messages.

    """
    stored = yield from database.read_head(key)
    if stored is None:
        return (yield from confirm_missing(database, key))
    return StoredHead(load_head(stored[0]), stored[1])


def confirm_missing(database: Database[C], key: str) -> Plan[C, StoredHead | None]:
    """Return ``None`` if there are no messages; read a head that was missing again otherwise.

    Raises:
        CorruptStoreError: The head is still missing.

    """
    if not (yield from database.read_records(key, [SEAL])):
        return None
    stored = yield from database.read_head(key)  # it may have been created meanwhile
    if stored is not None:
        return StoredHead(load_head(stored[0]), stored[1])
    raise CorruptStoreError(
        "a conversation has messages, but its head is missing: it was removed by hand or "
        "lost; delete_messages(key) forgets the conversation"
    )


def read_messages(
    database: Database[C], key: str, stream: str, locations: Sequence[Location]
) -> Plan[C, dict[Location, StoredMessage]]:
    """Read messages.

    Raises:
        OutdatedError: One of them is missing.

    """
    existing = yield from read_existing(
        database, key, stream, [location.number for location in locations]
    )
    check_complete(key, locations, existing)
    return {location: existing[location.number] for location in locations}


def check_complete(
    key: str, locations: Iterable[Location], existing: Mapping[int, StoredMessage]
) -> None:
    """Raise `OutdatedError` if a message is missing."""
    for location in locations:
        if location.number not in existing:
            raise OutdatedError(
                CorruptMessageError(
                    "a stored message is missing", key=key, position=location.position
                )
            )


def read_existing(
    database: Database[C], key: str, stream: str, numbers: Sequence[int]
) -> Plan[C, dict[int, StoredMessage]]:
    """Read messages as far as all their parts exist; return them by their records' numbers."""
    numbers_of = {record_id(stream, number): number for number in numbers}
    records = (yield from database.read_records(key, list(numbers_of))) if numbers_of else {}
    messages = {numbers_of[name]: load_first_part(text) for name, text in records.items()}
    further = {
        number: [record_id(stream, number, part) for part in range(1, message.parts)]
        for number, message in messages.items()
        if message.parts > 1
    }
    if further:
        requested = [name for names in further.values() for name in names]
        parts = yield from database.read_records(key, requested)
        for number, names in further.items():
            if all(name in parts for name in names):
                body = "".join([messages[number].body, *(parts[name] for name in names)])
                messages[number] = messages[number]._replace(body=body)
            else:
                del messages[number]
    return messages


def read_page(
    database: Database[C],
    key: str,
    clock: Callable[[], float],
    pick: Pick[C],
    first_messages: FirstMessages,
    *,
    with_conversation: bool = False,
) -> Plan[C, Page]:
    """Read, at one moment, the messages and first messages that ``pick`` locates."""
    version: str | None = None
    for _ in range(ATTEMPTS):
        stored = yield from read_head(database, key)
        if stored is None or not stored.head.exists or stored.head.is_expired(clock()):
            return Page(None, [])
        head, stream = stored.head, stored.head.stream
        try:
            chosen, leading = yield from pick(View(head, stored.version == version))
            remembered = first_messages.of(key, stream)
            unknown = [one for one in chosen if one.number not in remembered]
            unknown += [one for one in leading if one.number not in remembered]
            read = yield from read_messages(database, key, stream, list(dict.fromkeys(unknown)))
            conversation = None
            if with_conversation:
                conversation = yield from stored_conversation(database, key, head)
        except OutdatedError as outdated:
            # What is missing was removed meanwhile; if the head is still the same, it is lost.
            if stored.version == version:
                raise outdated.error from None
            version = stored.version
            continue
        bodies = {location.number: message.body for location, message in read.items()}
        bodies = {**remembered, **bodies}
        if leading:
            first = {location.number: bodies[location.number] for location in leading}
            first_messages.remember(key, stream, first)
        return Page(
            head.epoch,
            [StoredRecord(one.position, bodies[one.number]) for one in chosen],
            [StoredRecord(one.position, bodies[one.number]) for one in leading],
            conversation,
        )
    raise changing(database)


def changing(database: Database[Any]) -> StoreUnavailableError:
    """Return the error of a read that other writers disturbed for too long."""
    return StoreUnavailableError(
        f"{database.server}: other writers changed the conversation again and again while it was "
        "read; try again"
    )
