"""Plans of writes that `ChatStore` does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatstore.core import ChatMessage
from chatstore.core.backend import Append, Backend, ConversationRecord, Create, Plan
from chatstore.core.operations.encoding import encode


def create(
    backend: Backend[Any], key: str, owner: str | None, messages: Sequence[ChatMessage]
) -> Plan[Any, bool]:
    """Begin a conversation with an owner and messages, at once; return whether it is new."""
    write = Create(ConversationRecord(owner, is_created=True), encode(backend, messages))
    return (yield from backend.create(key, write)) is not None


def append_new(
    backend: Backend[Any], key: str, messages: Sequence[ChatMessage], expected_revision: str
) -> Plan[Any, bool]:
    """Append messages; return whether they are new, since otherwise nothing is written.

    Raises:
        RevisionConflictError: The conversation does not have ``expected_revision``.

    """
    write = Append(encode(backend, messages), expected_revision)
    return not (yield from backend.append(key, write))
