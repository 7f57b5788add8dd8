"""Documents: the state of sessions, agents, graphs and swarms, beside their conversations."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chatstore.core import (
    ChatMessage,
    ChatStore,
    InvalidMessageError,
    MessageConflictError,
    RevisionConflictError,
)
from chatstore.core.documents import from_document, to_document

Fields = dict[str, Any]


def read_document(store: ChatStore, key: str) -> Fields | None:
    """Return a document, ``None`` if it is missing."""
    return _fields(store.get_messages(key, last=1))


def create_document(store: ChatStore, key: str, fields: Fields) -> bool:
    """Write a document; return ``False`` if another one is there already."""
    try:
        store.add_message(key, _document(fields))
    except MessageConflictError:
        return False
    return True


def replace_document(store: ChatStore, key: str, fields: Fields) -> None:
    """Write a document, also if there is one already."""
    store.put_message(key, _document(fields))


def change_document(
    store: ChatStore, key: str, change: Callable[[Fields | None], Fields | None]
) -> None:
    """Replace a document, even if others replace it at the same time.

    Args:
        store: The store.
        key: The document's key.
        change: Returns the new document for the present one, which is ``None`` if it is missing;
            ``None`` leaves it as it is. It is called again if another writer replaced it.

    """
    while True:  # each conflict means that another writer was successful
        snapshot = store.snapshot(key, last=1)
        fields = change(_fields(snapshot.messages))
        if fields is None:
            return
        if snapshot.conversation is None:
            if create_document(store, key, fields):
                return
            continue
        try:
            store.put_message(
                key, _document(fields), expected_revision=snapshot.conversation.revision
            )
        except RevisionConflictError:
            continue
        return


def _document(fields: Fields) -> ChatMessage:
    """Return the message that keeps a document; tuples become lists, as in Strands' own sessions.

    Raises:
        InvalidMessageError: JSON cannot hold the document.

    """
    try:
        return to_document(json.loads(json.dumps(fields, allow_nan=False)))
    except (TypeError, ValueError, RecursionError):
        pass
    raise InvalidMessageError(  # outside: the causes quote the content
        "JSON cannot hold the state of a session, an agent, a graph or a swarm; "
        "keep only strings, finite numbers, booleans, None, lists and dicts in it"
    )


def _fields(messages: Any) -> Fields | None:
    value = from_document(messages[0]) if messages else None
    return value if isinstance(value, dict) else None
