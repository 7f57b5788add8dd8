"""The list of threads, and of the namespaces of each.

A thread has a conversation with a message for each namespace; the saver's name owns it. It is
written before the first checkpoint of a namespace, so none is ever missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress

from chatstore.core import (
    ChatMessage,
    Conversation,
    ConversationExistsError,
    ConversationPage,
)
from chatstore.langgraph.packing import fields_of, to_message
from chatstore.langgraph.plans import Plan, call
from chatstore.langgraph.records import Namespace

_THREAD = "thread_id"
_PAGE = 200


def register(name: str, thread_id: str, namespaces: Sequence[str]) -> Plan[None]:
    """Add namespaces to a thread's list; create it if it is missing."""
    key = Namespace(name, thread_id, "").thread_key
    with suppress(ConversationExistsError):  # another namespace, or another process, was first
        yield from call("create_conversation", key, owner=name, metadata={_THREAD: thread_id})
    yield from call("add_messages", key, [_namespace_message(ns) for ns in namespaces])


def list_namespaces(name: str, thread_id: str) -> Plan[list[Namespace]]:
    """Return the namespaces of a thread, in the order of their first checkpoints."""
    key = Namespace(name, thread_id, "").thread_key
    messages: list[ChatMessage] = yield from call("get_messages", key)
    names = [fields_of(message)["checkpoint_ns"] for message in messages]
    return [Namespace(name, thread_id, checkpoint_ns) for checkpoint_ns in names]


class ThreadList:
    """Reads the ids of all threads, a page at a time."""

    def __init__(self, name: str) -> None:
        """List the threads of a saver."""
        self._name = name
        self._cursor: str | None = None
        self._has_more = True

    def next_page(self) -> Plan[list[str]]:
        """Return the ids of the next threads; no ids at the end."""
        while self._has_more:
            page: ConversationPage = yield from call(
                "list_conversations", owner=self._name, limit=_PAGE, cursor=self._cursor
            )
            self._cursor = page.next_cursor
            self._has_more = page.next_cursor is not None
            if ids := [str(c.metadata[_THREAD]) for c in page.conversations if _is_thread(c)]:
                return ids
        return []


def _is_thread(conversation: Conversation) -> bool:
    return _THREAD in conversation.metadata


def _namespace_message(checkpoint_ns: str) -> ChatMessage:
    digest = hashlib.sha256(checkpoint_ns.encode()).hexdigest()
    return to_message(digest, {"checkpoint_ns": checkpoint_ns})
