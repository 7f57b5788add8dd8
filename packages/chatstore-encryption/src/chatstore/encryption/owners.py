"""``OwnerKeysBackend``: a data key for each owner; destroying it erases what it encrypted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from chatstore.core import ChatStore, InvalidArgumentError, RevisionConflictError
from chatstore.core.backend import (
    Append,
    Backend,
    Create,
    Delete,
    Existing,
    Insert,
    KeyPage,
    Newest,
    Oldest,
    OwnedPage,
    Page,
    Plan,
    Put,
    Remove,
    Replace,
    StoredConversation,
    StoredRecord,
    Update,
    WrapperBackend,
)
from chatstore.core.checks import check_owner
from chatstore.encryption.backend import EncryptedBackend
from chatstore.encryption.data_keys import DataKeys, OwnerKeys, with_data_keys

C = TypeVar("C")
M = TypeVar("M")
T = TypeVar("T")

_PAGE = 100


class OwnerKeysBackend(WrapperBackend[C]):
    """Encrypts what a conversation gets with a data key of its owner.

    The data keys are kept in the database, encrypted with the key ring. `erase_owner` destroys
    those of an owner: then nothing that they encrypted can be read, wherever a copy of it is.

    Each write of messages first reads whose conversation it is: one more request. Conversations
    without an owner are encrypted with the key ring alone.
    """

    def __init__(self, inner: EncryptedBackend[C], wrapped: EncryptedBackend[C]) -> None:
        """Take two backends over parts of one database that have no key in common.

        Args:
            inner: Keeps the conversations.
            wrapped: Keeps the data keys. Neither it nor what it wraps has a ttl.

        Raises:
            InvalidArgumentError: One of them does not encrypt.

        """
        if not isinstance(inner, EncryptedBackend) or not isinstance(wrapped, EncryptedBackend):
            raise InvalidArgumentError(
                "OwnerKeysBackend takes two EncryptedBackends: for conversations and for data keys"
            )
        super().__init__(inner)
        self.conversations = inner
        self.data_keys = DataKeys(wrapped)

    # ------------------------------------------------------------------ maintenance

    def setup(self) -> Plan[C, None]:
        """See `Backend.setup`; the place of the data keys is set up, too."""
        yield from self.inner.setup()
        yield from self.data_keys.wrapped.setup()

    def check(self, key: str) -> Plan[C, None]:
        """See `Backend.check`; the place of the data keys is checked, too."""
        yield from self.inner.check(key)
        yield from self.data_keys.wrapped.check(key)

    # ------------------------------------------------------------------ writing messages

    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        """See `Backend.append`."""
        return self._write(key, lambda backend: backend.append(key, write))

    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """See `Backend.insert`."""
        return self._write(key, lambda backend: backend.insert(key, write))

    def put(self, key: str, write: Put) -> Plan[C, None]:
        """See `Backend.put`."""
        return self._write(key, lambda backend: backend.put(key, write))

    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """See `Backend.replace`."""
        return self._write(key, lambda backend: backend.replace(key, write))

    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """See `Backend.remove`."""
        return self._use(None, lambda backend: backend.remove(key, write))

    # ------------------------------------------------------------------ writing conversations

    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """See `Backend.create`."""
        return self._as_owner(write.record.owner, lambda backend: backend.create(key, write))

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`; messages keep the data key of the owner before."""
        return self._as_owner(write.after.owner, lambda backend: backend.update(key, write))

    # ------------------------------------------------------------------ reading

    def read_newest(self, key: str, read: Newest) -> Plan[C, Page]:
        """See `Backend.read_newest`."""
        return self._use(None, lambda backend: backend.read_newest(key, read))

    def read_oldest(self, key: str, read: Oldest) -> Plan[C, Page]:
        """See `Backend.read_oldest`."""
        return self._use(None, lambda backend: backend.read_oldest(key, read))

    def find(self, key: str, message_id: str) -> Plan[C, Page]:
        """See `Backend.find`."""
        return self._use(None, lambda backend: backend.find(key, message_id))

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[C, list[M]]:
        """See `Backend.read_all`."""
        return self._use(None, lambda backend: backend.read_all(key, decode))

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[C, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        return self._use(None, lambda backend: backend.read_conversations(keys))

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """See `Backend.list_owned`."""
        return self._use(None, lambda backend: backend.list_owned(owner, limit, cursor))

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """See `Backend.list_keys`."""
        return self._use(None, lambda backend: backend.list_keys(prefix, limit, cursor))

    # ------------------------------------------------------------------ keys

    def encryption_of(self, key: str) -> Plan[C, EncryptedBackend[C]]:
        """Return the backend that encrypts with the data key of a conversation's owner."""
        [stored] = yield from self.conversations.inner.read_conversations(
            [self.conversations.stored_key(key)]
        )
        owner = None if stored is None else stored.record.owner
        return self._backend(None if owner is None else (yield from self.data_keys.current(owner)))

    def _backend(self, key_id: str | None) -> EncryptedBackend[C]:
        ring = self.conversations.keys
        return self.conversations.with_keys(OwnerKeys(ring, self.data_keys, key_id))

    def _write(self, key: str, build: Callable[[EncryptedBackend[C]], Plan[C, T]]) -> Plan[C, T]:
        backend = yield from self.encryption_of(key)
        return (yield from with_data_keys(backend.keys, lambda: build(backend)))

    def _as_owner(
        self, owner: str | None, build: Callable[[EncryptedBackend[C]], Plan[C, T]]
    ) -> Plan[C, T]:
        if owner is None:
            return (yield from self._use(None, build))
        stored_owner = self.conversations.stored_owner(owner)
        key_id = yield from self.data_keys.current(stored_owner)
        return (yield from self._use(key_id, build))

    def _use(
        self, key_id: str | None, build: Callable[[EncryptedBackend[C]], Plan[C, T]]
    ) -> Plan[C, T]:
        backend = self._backend(key_id)
        return with_data_keys(backend.keys, lambda: build(backend))


class Erased(NamedTuple):
    """How much `erase_owner` has destroyed: data keys, and conversations."""

    keys: int
    conversations: int


def erase_owner(store: ChatStore, owner: str) -> Erased:
    """Destroy the data keys of an owner, then delete the owner's conversations.

    After an interruption, call it again. It needs no key. Other processes may read with a data key
    that they have used within the last minute.

    Args:
        store: A store over an `OwnerKeysBackend`.
        owner: The owner.

    Raises:
        InvalidArgumentError: The store's backend is not an `OwnerKeysBackend`.

    """
    return store.run("erase_owner", _erase, owner)


async def async_erase_owner(store: ChatStore, owner: str) -> Erased:
    """Like `erase_owner`, but awaitable."""
    return await store.async_run("erase_owner", _erase, owner)


def _erase(backend: Backend[Any], owner: str) -> Plan[Any, Erased]:
    if not isinstance(backend, OwnerKeysBackend):
        raise InvalidArgumentError(
            "erase_owner needs a store over an OwnerKeysBackend, which must be its outermost layer"
        )
    return _erase_all(backend, backend.conversations.stored_owner(check_owner(owner)))


def _erase_all(backend: OwnerKeysBackend[Any], stored_owner: str) -> Plan[Any, Erased]:
    keys = yield from backend.data_keys.destroy(stored_owner)
    inner, count = backend.conversations.inner, 0
    while True:
        page = yield from inner.list_owned(stored_owner, _PAGE, None)
        for stored_key, stored in page.conversations:
            try:
                yield from inner.delete(stored_key, Delete(stored.revision))
                count += 1
            except RevisionConflictError:
                continue  # written, or given to somebody else: the next page shows which
        if not page.conversations and page.cursor is None:
            return Erased(keys, count)
