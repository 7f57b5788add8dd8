"""A part of a store that is deleted afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from chatstore.core import ChatStore
from chatstore.core.layers import PrefixedBackend


def new_tenant() -> str:
    """Return a random name for a part of a store."""
    return f"chatstore-{uuid4().hex[:16]}"


@contextmanager
def throwaway(store: ChatStore, tenant: str | None = None) -> Iterator[ChatStore]:
    """Provide a store whose keys and owners have a random prefix; delete its conversations.

    Conversations of the store itself cannot be reached through it.

    Args:
        store: The store.
        tenant: From `new_tenant`, if other processes use the same part.

    """
    # The layer shares the connections of the store, which its owner closes.
    temporary = ChatStore(PrefixedBackend(store.backend, tenant or new_tenant()))
    try:
        yield temporary
    finally:
        delete_all(temporary)


def delete_all(store: ChatStore) -> int:
    """Delete all conversations of a store; return how many there were."""
    keys = list(store.iter_keys())
    for key in keys:
        store.delete_messages(key)
    return len(keys)
