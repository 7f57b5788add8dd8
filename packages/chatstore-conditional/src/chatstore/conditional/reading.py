"""Reads heads, messages and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.encoding import load_first_part
from chatstore.conditional.entries import Location
from chatstore.conditional.head import Head, StoredHead
from chatstore.conditional.head_json import load_head
from chatstore.conditional.lookup import OutdatedError
from chatstore.conditional.names import SEAL, record_id
from chatstore.core import CorruptMessageError, CorruptStoreError, StoreUnavailableError
from chatstore.core.backend import Page, Plan, StoredRecord

C = TypeVar("C")
Pick = Callable[[Head], Plan[C, tuple[list[Location], list[Location]]]]
"""Locates the messages of a page, and the first messages of the conversation."""

_MAX_REMEMBERED_KEYS = 1024
_MAX_REMEMBERED_TEXT = 4096  # characters
_ATTEMPTS = 50  # for a page, while other writers change the conversation


class FirstRecords:
    """The first records of conversations, as this process read them last.

    A record never changes. So a window of a long conversation need not read its first messages
    again.
    """

    def __init__(self) -> None:
        """Start without conversations."""
        self._by_key: dict[str, dict[str, str]] = {}

    def of(self, key: str) -> Mapping[str, str]:
        """Return a conversation's first records, by id."""
        return self._by_key.get(key, {})

    def remember(self, key: str, records: Mapping[str, str]) -> None:
        """Remember a conversation's first records, if they are short."""
        short = {name: text for name, text in records.items() if len(text) <= _MAX_REMEMBERED_TEXT}
        if short:
            self._by_key[key] = short
            if len(self._by_key) > _MAX_REMEMBERED_KEYS:
                self._by_key.pop(next(iter(self._by_key.copy())), None)


def read_head(database: Database[C], key: str) -> Plan[C, StoredHead | None]:
    """Return the current head; ``None`` if there is no head.

    Raises:
        CorruptStoreError: The head cannot be read, or is missing though there are messages.

    """
    stored = yield from database.read_head(key)
    if stored is None and (yield from database.read_records(key, [SEAL])):
        stored = yield from database.read_head(key)  # it may have been created meanwhile
        if stored is None:
            raise CorruptStoreError(
                "a conversation has messages, but its head is missing: it was removed by hand or "
                "lost; delete_messages(key) forgets the conversation"
            )
    return None if stored is None else StoredHead(load_head(stored[0]), stored[1])


def read_messages(
    database: Database[C], key: str, stream: str, locations: Sequence[Location]
) -> Plan[C, dict[Location, str]]:
    """Return the whole texts of messages.

    Raises:
        OutdatedError: One of them is missing.

    """
    by_number = yield from read_existing(
        database, key, stream, [location.number for location in locations]
    )
    for location in locations:
        if location.number not in by_number:
            raise OutdatedError(
                CorruptMessageError(
                    "a stored message is missing", key=key, position=location.position
                )
            )
    return {location: by_number[location.number] for location in locations}


def read_existing(
    database: Database[C], key: str, stream: str, numbers: Sequence[int]
) -> Plan[C, dict[int, str]]:
    """Return the whole texts of those messages of which all parts exist, by number."""
    ids = {number: record_id(stream, number) for number in numbers}
    records = (yield from database.read_records(key, list(ids.values()))) if ids else {}
    further: dict[int, list[str]] = {}
    for number, name in ids.items():
        count = load_first_part(records[name]).parts if name in records else 1
        if count > 1:
            further[number] = [record_id(stream, number, part) for part in range(1, count)]
    if further:
        requested = [part for parts in further.values() for part in parts]
        records |= yield from database.read_records(key, requested)
    whole = {}
    for number, name in ids.items():
        parts = [records.get(part) for part in (name, *further.get(number, ()))]
        present = [part for part in parts if part is not None]
        if len(present) == len(parts):
            whole[number] = "".join(present)
    return whole


def read_page(
    database: Database[C],
    key: str,
    clock: Callable[[], float],
    pick: Pick[C],
    first_records: FirstRecords,
) -> Plan[C, Page]:
    """Read, at one moment, the messages and first messages that ``pick`` locates."""
    version: str | None = None
    for _ in range(_ATTEMPTS):
        stored = yield from read_head(database, key)
        if stored is None or not stored.head.entries or stored.head.is_expired(clock()):
            return Page(None, [])
        head = stored.head
        try:
            chosen, leading = yield from pick(head)
            remembered = first_records.of(key)
            locations = dict.fromkeys([*chosen, *leading])
            unknown = [
                location
                for location in locations
                if record_id(head.stream, location.number) not in remembered
            ]
            bodies = yield from read_messages(database, key, head.stream, unknown)
        except OutdatedError as outdated:
            # What is missing was removed meanwhile; if the head is still the same, it is lost.
            if stored.version == version:
                raise outdated.error from None
            version = stored.version
            continue
        for location in locations:
            if location not in bodies:
                bodies[location] = remembered[record_id(head.stream, location.number)]
        if leading:
            first_records.remember(
                key, {record_id(head.stream, first.number): bodies[first] for first in leading}
            )
        records = {
            location: StoredRecord(location.position, load_first_part(bodies[location]).body)
            for location in locations
        }
        return Page(head.epoch, [records[one] for one in chosen], [records[one] for one in leading])
    raise StoreUnavailableError(
        f"{database.server}: other writers changed the conversation again and again while it was "
        "read; try again"
    )
