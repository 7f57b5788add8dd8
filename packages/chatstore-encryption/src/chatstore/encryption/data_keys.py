"""The data keys of owners: where they are kept, and for how long a process remembers them.

A data key is a conversation in a key space of its own: its key is the data key's id, its owner the
owner, and its only message the data key, encrypted with the key ring. So the list of an owner's
data keys is the list of an owner's conversations, and needs nothing new from the database.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from chatstore.core import ChatMessage, StoreSetupError, codec
from chatstore.core.backend import ConversationRecord, Create, Delete, Newest, Plan
from chatstore.core.errors import CorruptStoreError
from chatstore.encryption.backend import EncryptedBackend
from chatstore.encryption.envelopes import key_id_of
from chatstore.encryption.errors import DecryptionError
from chatstore.encryption.keys import DATA_KEY_MARK, KEY_BYTES, Keys, cipher_of, missing_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

C = TypeVar("C")
T = TypeVar("T")

REMEMBER_SECONDS = 60.0
"""How long a process uses a data key before it looks whether the key still exists."""

_MUCH = 1000  # remembered data keys, after which outdated ones are forgotten
_PAGE = 100


class DataKeyNeededError(DecryptionError):
    """Data keys are not in memory; caught by `with_data_keys`, which loads them."""

    def __init__(self, key_ids: Sequence[str]) -> None:
        """Take their ids, at least one."""
        super().__init__(missing_key(key_ids[0]).args[0], key_ids[0])
        self.key_ids = key_ids


class DataKeys(Generic[C]):
    """Creates, loads and destroys data keys.

    Attributes:
        wrapped: Keeps them.

    """

    def __init__(
        self, wrapped: EncryptedBackend[C], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the backend that keeps them, and a clock in seconds."""
        self.wrapped = wrapped
        self._clock = clock
        self._ciphers: dict[str, tuple[AESGCM, float]] = {}
        self._current: dict[str, tuple[str, float]] = {}

    def cipher(self, key_id: str) -> AESGCM:
        """Return a cipher.

        Raises:
            DataKeyNeededError: It must be loaded.

        """
        remembered = self._ciphers.get(key_id)
        if remembered is None or remembered[1] < self._clock():
            raise DataKeyNeededError([key_id])
        return remembered[0]

    def has(self, key_id: str) -> bool:
        """Return whether a data key is in memory and was loaded recently."""
        remembered = self._ciphers.get(key_id)
        return remembered is not None and remembered[1] >= self._clock()

    def load(self, key_id: str) -> Plan[C, None]:
        """Load a data key.

        Raises:
            DecryptionError: It does not exist, such as one that was destroyed.
            CorruptStoreError: It is damaged.

        """
        self._ciphers.pop(key_id, None)
        page = yield from self.wrapped.read_newest(key_id, Newest(1, with_conversation=True))
        if page.conversation is None or not page.records:
            raise missing_key(key_id)
        content = codec.decode(key_id, page.records[0].position, page.records[0].body).content
        try:
            key = bytes.fromhex(str(content))
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise CorruptStoreError(f"the data key {key_id!r} is damaged")
        self._remember(key_id, key)

    def current(self, owner: str) -> Plan[C, str]:
        """Return the id of the data key that encrypts what an owner writes, or create one.

        Args:
            owner: The owner as the conversations' backend stores it.

        Raises:
            StoreSetupError: The data keys would expire.

        """
        key_id, deadline = self._current.get(owner, ("", 0.0))
        if not key_id or deadline < self._clock():
            key_ids = yield from self._of_owner(owner)
            key_id = key_ids[0] if key_ids else (yield from self._create(owner))
            yield from self.load(key_id)
            self._current[owner] = (key_id, self._clock() + REMEMBER_SECONDS)
        return key_id

    def destroy(self, owner: str) -> Plan[C, int]:
        """Delete all data keys of an owner, also if the ring cannot decrypt them; count them."""
        inner, count = self.wrapped.inner, 0
        try:
            while True:
                page = yield from inner.list_owned(self.wrapped.stored_owner(owner), _PAGE, None)
                for stored_key, _ in page.conversations:
                    yield from inner.delete(stored_key, Delete())
                    count += 1
                if not page.conversations and page.cursor is None:
                    return count
        finally:  # also after an interruption; not earlier, since other threads remember keys
            self._current.pop(owner, None)
            self._ciphers.clear()

    def _of_owner(self, owner: str) -> Plan[C, list[str]]:
        cursor: Any | None = None
        while True:
            page = yield from self.wrapped.list_owned(owner, _PAGE, cursor)
            cursor = page.cursor
            if page.conversations or cursor is None:
                return [key for key, _ in page.conversations]

    def _create(self, owner: str) -> Plan[C, str]:
        key_id, key = DATA_KEY_MARK + token_hex(12), os.urandom(KEY_BYTES)
        message = ChatMessage(role="system", content=key.hex(), id="key")
        record = codec.encode(message, datetime.now(timezone.utc).isoformat())
        create = Create(ConversationRecord(owner, is_created=True), [record])
        stored = yield from self.wrapped.create(key_id, create)
        if stored is None or stored.expires_at is not None:
            yield from self.wrapped.delete(key_id, Delete())
            raise StoreSetupError(
                "data keys must not expire before what they encrypted: keep them in a store on the "
                "same database that has no ttl"
            )
        return key_id

    def _remember(self, key_id: str, key: bytes) -> None:
        if len(self._ciphers) >= _MUCH:
            now = self._clock()
            # Copies, since other threads change both.
            for old, (_, end) in list(self._ciphers.items()):
                if end < now:
                    self._ciphers.pop(old, None)
            for owner, (_, end) in list(self._current.items()):
                if end < now:
                    self._current.pop(owner, None)
        self._ciphers[key_id] = (cipher_of(key_id, key), self._clock() + REMEMBER_SECONDS)


class OwnerKeys:
    """The keys of one call: the ring's, and the data key that encrypts what the call writes.

    A data key that the call has used is not loaded again before its end: `with_data_keys` would
    repeat a write that has taken effect.
    """

    def __init__(self, ring: Keys, data_keys: DataKeys[Any], primary: str | None = None) -> None:
        """Take the keys; ``primary``: the id of a data key; ``None``: the ring's key encrypts."""
        self._ring = ring
        self._data_keys = data_keys
        self._primary = primary
        self._used: dict[str, AESGCM] = {}

    def primary(self, key: str) -> str:
        """See `Keys`."""
        return self._ring.primary(key) if self._primary is None else self._primary

    def cipher(self, key_id: str) -> AESGCM:
        """See `Keys`."""
        if not key_id.startswith(DATA_KEY_MARK):
            return self._ring.cipher(key_id)
        if key_id not in self._used:
            self._used[key_id] = self._data_keys.cipher(key_id)
        return self._used[key_id]

    def prepare(self, texts: Sequence[str]) -> None:
        """See `Keys`."""
        key_ids = {key_id for key_id in map(key_id_of, texts) if key_id is not None}
        missing = [
            key_id
            for key_id in sorted(key_ids)
            if key_id.startswith(DATA_KEY_MARK)
            and key_id not in self._used
            and not self._data_keys.has(key_id)
        ]
        if missing:
            raise DataKeyNeededError(missing)

    def load(self, key_ids: Sequence[str]) -> Plan[Any, None]:
        """Load data keys."""
        for key_id in key_ids:
            yield from self._data_keys.load(key_id)


def with_data_keys(keys: Keys, build: Callable[[], Plan[C, T]]) -> Plan[C, T]:
    """Run a plan, and again from its beginning whenever a data key had to be loaded.

    A write has used the keys that it needs before it takes effect, so it is not repeated after it.
    """
    while True:
        try:
            return (yield from build())
        except DataKeyNeededError as needed:
            if not isinstance(keys, OwnerKeys):
                raise
            key_ids = needed.key_ids
        yield from keys.load(key_ids)
