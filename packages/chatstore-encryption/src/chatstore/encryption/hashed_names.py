"""``HashedNamesBackend``: encryption that hides keys and owners, too."""

from __future__ import annotations

import hmac
from typing import Any, TypeVar

from pydantic_core import from_json, to_json

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    Backend,
    KeyPage,
    Newest,
    OwnedPage,
    Plan,
    StoredConversation,
)
from chatstore.core.errors import CorruptStoreError
from chatstore.encryption.backend import EncryptedBackend
from chatstore.encryption.envelopes import MESSAGE, Sealer, is_envelope
from chatstore.encryption.keys import Keys

C = TypeVar("C")

_LEAST_SECRET_BYTES = 16


class HashedNamesBackend(EncryptedBackend[C]):
    """Encrypts as `EncryptedBackend` does, and stores keys and owners as HMAC-SHA256.

    Every message contains its conversation's key, encrypted, so that conversations can be listed:
    listing all of them, or those whose keys begin with a prefix, reads one message of each.
    """

    def __init__(self, inner: Backend[C], keys: Keys, *, name_secret: bytes) -> None:
        """Wrap a backend, such as the ``backend`` of any store.

        Args:
            inner: Stores what is encrypted.
            keys: The keys.
            name_secret: The secret of the hashes, at least 16 random bytes. It cannot be
                changed: conversations are found by their hashes only.

        Raises:
            InvalidArgumentError: ``name_secret`` is too short.

        """
        super().__init__(inner, keys)
        if not isinstance(name_secret, bytes) or len(name_secret) < _LEAST_SECRET_BYTES:
            raise InvalidArgumentError(
                f"name_secret must be at least {_LEAST_SECRET_BYTES} random bytes"
            )
        self._name_secret = name_secret

    def stored_key(self, key: str) -> str:
        """Return the hash of a key."""
        return self._hash("key", key)

    def stored_owner(self, owner: str) -> str:
        """Return the hash of an owner."""
        return self._hash("owner", owner)

    def message_text(self, key: str, body: str) -> str:
        """Return the text to encrypt for a message: the key, and the body."""
        return f"{to_json(key).decode()}\n{body}"

    def body_of(self, key: str, text: str) -> str:  # noqa: ARG002 - as in the base class
        """Return the body of such a text."""
        return text[text.index("\n") + 1 :]

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """See `Backend.list_owned`."""
        page = yield from self.inner.list_owned(self.stored_owner(owner), limit, cursor)
        self.check_records([stored.record for _, stored in page.conversations])
        conversations = []
        for stored_key, stored in page.conversations:
            key = self._name(stored_key, stored, None)
            record = self.original_record(key, stored.record)
            conversations.append((key, stored._replace(record=record)))
        return OwnedPage(conversations, page.cursor)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """See `Backend.list_keys`."""
        page = yield from self.inner.list_keys("", limit, cursor)
        conversations = yield from self.inner.read_conversations(page.keys)
        self.check_records([stored.record for stored in conversations if stored is not None])
        keys = []
        for stored_key, stored in zip(page.keys, conversations, strict=True):
            if stored is not None:
                key = yield from self._read_name(stored_key, stored)
                if key is not None and key.startswith(prefix):
                    keys.append(key)
        return KeyPage(keys, page.cursor)

    def _read_name(self, stored_key: str, stored: StoredConversation) -> Plan[C, str | None]:
        """Return the key of a conversation; ``None`` if it no longer exists."""
        if stored.record.metadata is not None:
            return self._name(stored_key, stored, None)
        page = yield from self.inner.read_newest(stored_key, Newest(1, with_conversation=True))
        if page.conversation is None:
            return None
        body = page.records[0].body if page.records else None
        return self._name(stored_key, page.conversation, body)

    def _name(self, stored_key: str, stored: StoredConversation, body: str | None) -> str:
        """Return the key of a conversation, from its record or a message."""
        metadata = stored.record.metadata
        if metadata is not None and is_envelope(metadata):
            return self.open_record(stored_key, metadata).key
        text = None if body is None else Sealer(self.keys, MESSAGE, stored_key).open(body)
        if text is None:
            raise CorruptStoreError(f"{self.server}: a conversation does not contain its key")
        key: str = from_json(text.partition("\n")[0])
        return key

    def _hash(self, kind: str, name: str) -> str:
        return hmac.digest(self._name_secret, f"{kind}:{name}".encode(), "sha256").hex()
