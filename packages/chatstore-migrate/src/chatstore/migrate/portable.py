"""``PortableConversation``: a conversation on its way from or to a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chatstore.core import ChatMessage
from chatstore.migrate.sources import SourceRecord, StoreSource


@dataclass(frozen=True, slots=True)
class PortableConversation:
    """A conversation that is read once.

    Attributes:
        key: Its key.
        messages: The messages, oldest first; they are read from the source one after the other.
        record: Its record.

    """

    key: str
    messages: Iterable[ChatMessage]
    record: SourceRecord = field(default_factory=SourceRecord)


def conversations_of(source: StoreSource) -> Iterator[PortableConversation]:
    """Read the conversations of a store, one after the other."""
    for key in source.keys():  # noqa: SIM118 - a Source
        record = source.record(key)
        if record is not None:  # it was not deleted since it was listed
            yield PortableConversation(key, source.messages(key), record)
