"""The conversations that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatstore.core import ChatStore, Conversation
    from chatstore.core.backend import Backend, Plan

_PAGE = 200


def conversations(
    store: ChatStore, *, owner: str | None = None, prefix: str = "", limit: int | None = None
) -> Iterator[Conversation]:
    """Yield conversations: an owner's, the newest first, or all, in any order.

    Args:
        store: The store.
        owner: Whose conversations; ``None``: all.
        prefix: Only those whose keys begin with it.
        limit: At most this many; ``None``: all.

    """
    if owner is None and prefix:
        selected = _with_prefix(store, prefix)
    else:
        listed = store.iter_conversations(owner=owner)
        selected = (item for item in listed if item.key.startswith(prefix))
    return islice(selected, limit)


def _with_prefix(store: ChatStore, prefix: str) -> Iterator[Conversation]:
    """Yield the conversations with a prefix; the others are not read."""
    cursor = None
    while True:
        page, cursor = store.run("list_conversations", _page, prefix, cursor)
        yield from page
        if cursor is None:
            return


def _page(
    backend: Backend[Any], prefix: str, cursor: Any
) -> Plan[Any, tuple[list[Conversation], Any]]:
    from chatstore.core.operations.records import conversation_of

    keys = yield from backend.list_keys(prefix, _PAGE, cursor)
    stored = yield from backend.read_conversations(keys.keys)
    pairs = zip(keys.keys, stored, strict=True)
    return [conversation_of(key, one) for key, one in pairs if one is not None], keys.cursor
