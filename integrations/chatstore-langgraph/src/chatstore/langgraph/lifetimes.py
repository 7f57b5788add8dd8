"""Lets the conversations of a thread expire together in stores with a ttl."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

from chatstore.core import Conversation, ConversationNotFoundError
from chatstore.langgraph.plans import Plan, call
from chatstore.langgraph.recent import Recent
from chatstore.langgraph.records import Namespace
from chatstore.langgraph.threads import register

_RECENT = 1024
_SHARE = 10  # of the ttl: how old the last write may be


class Lifetimes:
    """Writes to conversations that a run uses but does not change.

    A ttl counts from the last write. A run that writes checkpoints may leave the list of the
    thread's namespaces, and the chunks, as they are.
    """

    def __init__(self) -> None:
        """Know nothing of the store's ttl yet."""
        self._ttl: timedelta | None = None
        self._is_known = False
        self._extended: Recent[str, float] = Recent(_RECENT)

    def extend(self, namespace: Namespace) -> Plan[None]:
        """Extend the life of what a checkpoint needs, if that is due.

        The first call asks for the store's ttl; without one, nothing more is ever sent.
        """
        if self._is_known and self._ttl is None:
            return
        if not self._is_known:
            thread: Conversation | None = yield from call("get_conversation", namespace.thread_key)
            if thread is None:  # it expired
                yield from _write(namespace)
                return
            if thread.expires_at is not None:
                self._ttl = thread.expires_at - thread.updated_at
            self._is_known = True
        if self._ttl is None:
            return
        now = time.monotonic()
        last = self._extended.get(namespace.steps_key)
        if last is not None and now - last < self._ttl.total_seconds() / _SHARE:
            return
        yield from _write(namespace)
        self._extended.set(namespace.steps_key, now)


def _write(namespace: Namespace) -> Plan[None]:
    change = {"extended": time.time()}
    try:
        yield from call("update_conversation", namespace.thread_key, metadata=change)
    except ConversationNotFoundError:
        yield from register(namespace.name, namespace.thread_id, [namespace.checkpoint_ns])
    with suppress(ConversationNotFoundError):  # without chunks, it does not exist
        yield from call("update_conversation", namespace.chunks_key, metadata=change)
