"""Which of the messages to be written a conversation holds already, by their ids.

A message that its caller gave an id has a marker: a record under a digest of the id, whose text is
the number of the message's record. Markers are only ever written and removed by commits, so each
leads to a message of the conversation. Those that did not fit into the commit of their messages
follow in further commits; until then the head lists the messages as unmarked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Generic, TypeVar

from chatstore.conditional import encoding
from chatstore.conditional.database import Database
from chatstore.conditional.head import Head
from chatstore.conditional.names import marker_id
from chatstore.conditional.reading import fetch, fetch_existing, oldest
from chatstore.core import CorruptStoreError
from chatstore.core.backend import Existing, Plan, Record

C = TypeVar("C")
_GIVEN_BY_STORE = re.compile(r"[0-9a-f]{32}")
_EARLIEST = 1_577_836_800_000  # 2020, in milliseconds
_DAY = 86_400_000
_NUMBER = re.compile(r"[0-9a-f]{1,15}")


class IdCheck(Generic[C]):
    """Finds those of some messages that a conversation holds.

    It may be asked again for later heads: it then looks only at what was added since.
    """

    def __init__(self, database: Database[C], key: str, records: Sequence[Record]) -> None:
        """Take the messages."""
        self._database = database
        self._key = key
        self._names = [record.id for record in records if record.has_caller_id]
        self._checked: Head | None = None

    def __bool__(self) -> bool:
        """Whether a message has an id of its caller."""
        return bool(self._names)

    def existing(self, head: Head) -> Plan[C, list[Existing]]:
        """Return those messages, as the conversation holds them.

        The head must not list unmarked messages.
        """
        checked = self._checked
        if not self._names or not head.entries:
            found: list[Existing] = []
        elif checked is not None and checked.epoch == head.epoch:
            found = yield from self._added(head, checked.next, set(self._names))
        else:
            found = yield from self._marked(head)
        self._checked = None if found else head
        return found

    def _marked(self, head: Head) -> Plan[C, list[Existing]]:
        markers = {marker_id(head.generation, name): name for name in self._names}
        read = yield from self._database.read_records(self._key, list(markers))
        numbers = {markers[marker]: parsed_marker(text) for marker, text in read.items()}
        bodies = yield from fetch_existing(
            self._database, self._key, head.stream, list(numbers.values())
        )
        # A marker without a message is harmless: a damaged message was removed by force.
        found = {
            name: Existing(name, encoding.load(bodies[number]).body)
            for name, number in numbers.items()
            if number in bodies
        }
        # Messages whose ids the store gave have no marker; a copy may bring such an id back.
        unmarked = {name for name in self._names if name not in found and _is_of_a_store(name)}
        if unmarked:
            others = yield from self._added(head, 0, unmarked)
            found.update((item.id, item) for item in others)
        return [found[name] for name in self._names if name in found]

    def _added(self, head: Head, start: int, names: set[str]) -> Plan[C, list[Existing]]:
        """Return those messages that stand at a position or behind it, by reading all there."""
        places = yield from oldest(self._database, self._key, head, None, start - 1)
        bodies = yield from fetch(self._database, self._key, head.stream, places)
        found = []
        for text in bodies.values():
            name = encoding.id_of(text)
            if name in names and name is not None:
                found.append(Existing(name, encoding.load(text).body))
        return found


def marker_text(number: int) -> str:
    """Return the text of the marker of a message's record."""
    return f"{number:x}"


def parsed_marker(text: str) -> int:
    """Return the number of the record that a marker leads to.

    Raises:
        CorruptStoreError: The text is not that of a marker.

    """
    if not _NUMBER.fullmatch(text):
        raise CorruptStoreError("the marker of a message's id cannot be read")
    return int(text, 16)


def _is_of_a_store(name: str) -> bool:
    """Whether an id looks like those that stores give: they begin with a time."""
    if not _GIVEN_BY_STORE.fullmatch(name):
        return False
    return _EARLIEST < int(name[:12], 16) < time.time() * 1000 + _DAY
