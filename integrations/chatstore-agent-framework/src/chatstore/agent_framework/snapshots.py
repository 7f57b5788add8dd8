"""``ChatStoreSnapshotStore``: snapshots of AG-UI threads in any store, for agent-framework-ag-ui.

That package is not imported before a snapshot is read, so this one works without it.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from typing import Any, TypeAlias

from chatstore.agent_framework.named_documents import NamedDocuments
from chatstore.core import ChatStore, CorruptStoreError, InvalidArgumentError
from chatstore.core.keys import join_key

Snapshot: TypeAlias = Any
"""The ``AGUIThreadSnapshot`` of agent-framework-ag-ui, which type checkers may not find."""

_KIND = "agui"
_ADVICE = "JSON cannot hold the snapshot: its messages or state contain NaN or objects"


class ChatStoreSnapshotStore:
    """Keeps a document for each thread of a scope; an ``AGUIThreadSnapshotStore``.

    Methods also raise what the store's methods raise.
    """

    def __init__(self, store: ChatStore) -> None:
        """Create a snapshot store; nothing is read yet.

        Args:
            store: Where snapshots are kept; it is not closed here.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`.

        """
        self._documents = NamedDocuments(store, _KIND)
        self._store = store

    async def save(self, *, scope: str, thread_id: str, snapshot: Snapshot) -> None:
        """Store the snapshot of a thread; it replaces the one before.

        Raises:
            InvalidArgumentError: ``scope`` or ``thread_id`` is empty or not a string.
            InvalidMessageError: JSON cannot hold the snapshot.
            MessageTooLargeError: The snapshot is above the store's limit.

        """
        key = self._key(scope, thread_id)
        # `clear` finds the snapshots of a scope by their owner.
        await self._documents.put(key, asdict(snapshot), advice=_ADVICE, owner=_owner(scope))

    async def get(self, *, scope: str, thread_id: str) -> Snapshot | None:
        """Return a copy of the snapshot of a thread; ``None`` if there is none.

        Raises:
            InvalidArgumentError: ``scope`` or ``thread_id`` is empty or not a string.
            CorruptStoreError: The snapshot has fields that agent-framework-ag-ui does not know.
            ModuleNotFoundError: agent-framework-ag-ui is not installed.

        """
        fields = await self._documents.get(self._key(scope, thread_id))
        if fields is None:
            return None
        snapshot_type = import_module("agent_framework.ag_ui").AGUIThreadSnapshot
        try:
            return snapshot_type(**fields)
        except TypeError as error:
            raise CorruptStoreError(
                "a stored snapshot has fields that agent-framework-ag-ui does not know; update it"
            ) from error

    async def delete(self, *, scope: str, thread_id: str) -> bool:
        """Delete the snapshot of a thread, and return whether there was one.

        Raises:
            InvalidArgumentError: ``scope`` or ``thread_id`` is empty or not a string.

        """
        return await self._documents.delete(self._key(scope, thread_id))

    async def clear(self, *, scope: str | None = None) -> None:
        """Delete all snapshots of a scope; without one, all snapshots, which lists all keys.

        Raises:
            InvalidArgumentError: ``scope`` is empty or not a string.

        """
        if scope is not None:
            await self._store.async_delete_conversations(owner=_owner(_name(scope, "scope")))
            return
        for key in await self._store.async_get_keys(self._documents.prefix):
            await self._store.async_delete_messages(key)

    def _key(self, scope: str, thread_id: str) -> str:
        return self._documents.key_for(_name(scope, "scope"), _name(thread_id, "thread_id"))


def _owner(scope: str) -> str:
    """Return the owner of a scope's snapshots, which owns no conversations."""
    return join_key("agent_framework", _KIND, scope)


def _name(value: object, parameter: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(f"{parameter} must be a string that is not empty")
    return value
