"""Digests of conversations: equal conversations have equal digests, in every store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from chatstore.core import ChatMessage, ChatStore
from chatstore.migrate.sources import RecordFields, StoreSource

_MODULUS = 2**256


def canonical_text(message: ChatMessage) -> str:
    """Return a message as JSON text that is the same in every store."""
    fields = message.model_dump(mode="json", exclude={"created_at"})
    fields["created_at"] = _time(message.created_at)
    return _json(fields)


class ConversationDigest:
    """Computes the SHA-256 of a conversation: of its key, its record and its messages."""

    def __init__(self, key: str, fields: RecordFields) -> None:
        """Begin with the record."""
        record = {"key": key, "owner": fields.owner, "title": fields.title}
        self._hash = hashlib.sha256(_json({**record, "metadata": fields.metadata}).encode())

    def add(self, text: str) -> None:
        """Add the canonical text of the next message."""
        self._hash.update(b"\n" + text.encode())

    def hexdigest(self) -> str:
        """Return the digest as 64 hexadecimal digits."""
        return self._hash.hexdigest()


def combined(first: str | None, second: str) -> str:
    """Return the digest of conversations together; it does not depend on their order."""
    total = (int(first or "0", 16) + int(second, 16)) % _MODULUS
    return f"{total:064x}"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a store contains, for comparisons.

    Attributes:
        conversations: The number of conversations.
        messages: The number of messages.
        digest: SHA-256 over all records and messages; ``None`` without conversations. It does not
            depend on the order of conversations, their times, revisions or expiry.

    """

    conversations: int
    messages: int
    digest: str | None


def fingerprint(store: ChatStore, *, prefix: str = "", owner: str | None = None) -> Fingerprint:
    """Read a store and return the number and the digest of its conversations.

    Args:
        store: The store.
        prefix: Read only conversations whose keys begin with it.
        owner: Read only this owner's conversations.

    Raises:
        CorruptMessageError: A message cannot be read.

    """
    source = StoreSource(store, prefix=prefix, owner=owner)
    conversations, total, digest = 0, 0, None
    for key in source.keys():  # noqa: SIM118 - a Source
        record = source.record(key)
        if record is None:
            continue  # deleted since it was listed
        count, one = _digest(key, record.fields, source.messages(key))
        conversations, total, digest = conversations + 1, total + count, combined(digest, one)
    return Fingerprint(conversations, total, digest)


def _digest(key: str, fields: RecordFields, messages: Iterable[ChatMessage]) -> tuple[int, str]:
    digest, count = ConversationDigest(key, fields), 0
    for message in messages:
        digest.add(canonical_text(message))
        count += 1
    return count, digest.hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(timezone.utc).isoformat()
