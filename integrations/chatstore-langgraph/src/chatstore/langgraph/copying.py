"""Copies threads."""

from __future__ import annotations

from contextlib import suppress

from chatstore.core import (
    ChatMessage,
    ConversationChangedError,
    ConversationNotFoundError,
    InvalidArgumentError,
    MessageNotFoundError,
)
from chatstore.langgraph.plans import Plan, call
from chatstore.langgraph.records import Namespace
from chatstore.langgraph.threads import list_namespaces, register


def copy_thread(name: str, source: str, target: str) -> Plan[None]:
    """Copy all namespaces of a thread; a source without checkpoints is not copied.

    Chunks are copied first, then the checkpoints that were stored before: so no copied checkpoint
    names a missing chunk.

    Raises:
        ConversationChangedError: The newest checkpoint was removed during the copy.
        ConversationExistsError: The target exists, or an earlier copy to it did not finish.
        InvalidArgumentError: Both threads are the same.

    """
    if source == target:
        raise InvalidArgumentError("the thread to copy and the new thread must be different")
    namespaces = yield from list_namespaces(name, source)
    if not namespaces:
        return
    yield from register(name, target, [namespace.checkpoint_ns for namespace in namespaces])
    for namespace in namespaces:
        yield from _copy(namespace, Namespace(name, target, namespace.checkpoint_ns))


def _copy(source: Namespace, target: Namespace) -> Plan[None]:
    newest: list[ChatMessage] = yield from call("get_messages", source.steps_key, last=1)
    if not newest:
        return
    with suppress(ConversationNotFoundError):  # there are no chunks if all values are small
        yield from call("fork", source.chunks_key, target.chunks_key, owner=None)
    try:
        yield from call("fork", source.steps_key, target.steps_key, until=newest[0].id, owner=None)
    except (ConversationNotFoundError, MessageNotFoundError):
        raise ConversationChangedError(
            "checkpoints of the thread were removed while it was copied; delete the new thread, "
            "then copy again"
        ) from None
