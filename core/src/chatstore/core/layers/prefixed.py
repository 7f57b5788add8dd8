"""``PrefixedBackend``: several tenants in one database."""

from __future__ import annotations

from typing import Any, TypeVar

from chatstore.core.backend.base import Backend
from chatstore.core.backend.conversations import StoredConversation
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.records import KeyPage
from chatstore.core.backend.writes import Update
from chatstore.core.checks import MAX_KEY_BYTES
from chatstore.core.errors import CorruptStoreError, InvalidArgumentError, InvalidKeyError
from chatstore.core.layers.mapping import MappingBackend

C = TypeVar("C")

MAX_TENANT_BYTES = 64


class PrefixedBackend(MappingBackend[C]):
    """Gives a tenant a part of a database; no call reaches another tenant's conversations.

    Keys and owners get the prefix ``LENGTH:TENANT:``, with the tenant's length in bytes, so that
    no tenant's prefix is the beginning of another one's, whatever their names contain. So keys and
    owners may be shorter than elsewhere: 255 bytes without the prefix.

    The separation holds against callers who choose keys, owners and cursors. It does not hold
    against a program that has the database's password.
    """

    restores_bodies = False

    def __init__(self, inner: Backend[C], tenant: str) -> None:
        """Wrap a backend, such as the ``backend`` of any store.

        Args:
            inner: The backend that all tenants share.
            tenant: The tenant, 1 to 64 bytes in UTF-8.

        Raises:
            InvalidArgumentError: ``tenant`` is not such a string.

        """
        super().__init__(inner)
        self._prefix = _prefix_of(tenant)

    @property
    def server(self) -> str:
        """The inner backend's server with the prefix, so that cursors name their tenant."""
        return f"{self.inner.server} ({self._prefix})"

    def stored_key(self, key: str) -> str:
        """Return the key with the prefix.

        Raises:
            InvalidKeyError: It is too long with the prefix.

        """
        return self._with_prefix(key, "a key", InvalidKeyError)

    def original_key(self, key: str) -> str:
        """Return the key without the prefix."""
        return self._without_prefix(key)

    def stored_prefix(self, prefix: str) -> str:
        """Return the beginning of stored keys."""
        return self._prefix + prefix

    def stored_owner(self, owner: str) -> str:
        """Return the owner with the prefix.

        Raises:
            InvalidArgumentError: It is too long with the prefix.

        """
        return self._with_prefix(owner, "an owner", InvalidArgumentError)

    def original_owner(self, owner: str) -> str:
        """Return the owner without the prefix."""
        return self._without_prefix(owner)

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`; unlike other layers, this one knows what is stored."""
        before = self.stored_record(key, write.before)
        after = self.stored_record(key, write.after)
        update = Update(before, after, write.expected_revision)
        stored = yield from self.inner.update(self.stored_key(key), update)
        if stored is None:
            return None
        return stored._replace(record=self.original_record(key, stored.record))

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """See `Backend.list_keys`.

        Where a database's cursor names the last thing that was read, whosever it was, it is not
        returned: the page goes on to the end of the list. So no cursor tells a tenant another
        one's keys.
        """
        keys: list[str] = []
        while True:
            page = yield from super().list_keys(prefix, limit, cursor)
            keys += page.keys
            cursor = page.cursor
            if _is_number(cursor) or self._is_own(cursor):
                return KeyPage(keys, cursor)

    def _is_own(self, cursor: Any | None) -> bool:
        return cursor is None or (isinstance(cursor, str) and cursor.startswith(self._prefix))

    def _with_prefix(self, name: str, description: str, kind: type[InvalidArgumentError]) -> str:
        stored = self._prefix + name
        size = len(stored.encode())
        if size > MAX_KEY_BYTES:
            room = MAX_KEY_BYTES - len(self._prefix.encode())
            raise kind(
                f"{description} of this tenant must have 1 to {room} bytes in UTF-8, "
                f"this one has {len(name.encode())}"
            )
        return stored

    def _without_prefix(self, name: str) -> str:
        if not name.startswith(self._prefix):
            raise CorruptStoreError(f"{self.server}: a conversation's name lacks the prefix")
        return name[len(self._prefix) :]


def _is_number(cursor: Any | None) -> bool:
    return isinstance(cursor, int) or (isinstance(cursor, str) and cursor.isdecimal())


def _prefix_of(tenant: object) -> str:
    if not isinstance(tenant, str):
        raise InvalidArgumentError(f"a tenant must be a string, not {type(tenant).__name__}")
    try:
        size = len(tenant.encode())
    except UnicodeEncodeError:
        size = -1
    if not 0 < size <= MAX_TENANT_BYTES:
        raise InvalidArgumentError(f"a tenant must have 1 to {MAX_TENANT_BYTES} bytes in UTF-8")
    return f"{size}:{tenant}:"
