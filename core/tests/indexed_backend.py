"""A backend in memory that lists owners' conversations with `OwnerIndex`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from chatstore.core.backend import (
    Append,
    ConversationRecord,
    Create,
    Delete,
    Existing,
    Newest,
    OwnedPage,
    OwnerIndex,
    Page,
    Plan,
    Put,
    Remove,
    Replace,
    StoredConversation,
    StoredRecord,
    Update,
    WrapperBackend,
    call,
)
from chatstore.core.simple import Conversations, MemoryBackend

T = TypeVar("T")


class TwoSpaces(Conversations):
    """Conversations, and beside them the lists of owners, which do not expire."""

    def __init__(self, ttl: float | None, clock: Callable[[], float]) -> None:
        super().__init__(ttl, clock)
        self.lists = Conversations(None, clock)


class Lists(WrapperBackend[Conversations]):
    """Runs plans on the lists of owners."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        return _on_lists(super().append(key, write))

    def put(self, key: str, write: Put) -> Plan[Conversations, None]:
        return _on_lists(super().put(key, write))

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        return _on_lists(super().replace(key, write))

    def count(self, key: str) -> Plan[Conversations, int]:
        return _on_lists(super().count(key))

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        return _on_lists(super().remove(key, write))

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        return _on_lists(super().read_newest(key, read))


class IndexedBackend(MemoryBackend):
    """Keeps conversations and lists apart: no step touches both."""

    def __init__(self, *, ttl: float | None = None, clock: Callable[[], float] = time.time) -> None:
        super().__init__(ttl=ttl, clock=clock)
        self.conversations: Conversations = TwoSpaces(ttl, clock)
        self.index: OwnerIndex[Conversations] = OwnerIndex(Lists(MemoryBackend()))

    def create(self, key: str, write: Create) -> Plan[Conversations, StoredConversation | None]:
        return self.index.create(key, write, lambda write: MemoryBackend.create(self, key, write))

    def update(self, key: str, write: Update) -> Plan[Conversations, StoredConversation | None]:
        return self.index.update(key, write, lambda write: MemoryBackend.update(self, key, write))

    def delete(self, key: str, write: Delete) -> Plan[Conversations, None]:
        def delete(conversations: Conversations) -> ConversationRecord | None:
            conversation = conversations.find(key)
            conversations.delete(key, write)
            return None if conversation is None else conversation.record

        record = yield from call(delete)
        yield from self.index.forget(record)

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        """Append, and refresh the entry each time."""
        existing = yield from super().append(key, write)
        [stored] = yield from self.read_conversations([key])
        if stored is not None:
            yield from self.index.refresh(key, stored.record)
        return existing

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, OwnedPage]:
        return self.index.list_owned(owner, limit, cursor, self)


def _on_lists(plan: Plan[Conversations, T]) -> Plan[Conversations, T]:
    """Run each step of a plan on the lists instead of the conversations."""
    try:
        step = next(plan)
        while True:
            result = yield _of_lists(step)
            step = plan.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


def _of_lists(step: Callable[[Conversations], Any]) -> Callable[[Conversations], Any]:
    def run(conversations: Conversations) -> Any:
        assert isinstance(conversations, TwoSpaces)
        return step(conversations.lists)

    return run
