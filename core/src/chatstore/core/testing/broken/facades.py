"""Stores that are broken outside of their backend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from chatstore.core import ChatMessage, codec
from chatstore.core.backend import Plan
from chatstore.core.errors import CorruptMessageError, MessageConflictError
from chatstore.core.simple import Conversation, Conversations
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, CorrectStore, T

_PAUSE = 0.002  # seconds in which another thread can run


class ShowsHalfABatch(CorrectStore):
    """Appends a batch message by message."""

    def add_messages(self, key: str, messages: Iterable[ChatMessage], **options: Any) -> None:
        for message in messages:
            self.add_message(key, message, **options)
            time.sleep(_PAUSE)


class ShowsHalfASet(CorrectStore):
    """Deletes, then appends message by message."""

    def set_messages(self, key: str, messages: Iterable[ChatMessage], **options: Any) -> None:
        self.delete_messages(key, **options)
        time.sleep(10 * _PAUSE)
        for message in messages:
            self.add_message(key, message, **options)


class CreatesEmptyConversations(CorrectStore):
    """Creates a conversation for an append without messages."""

    def add_messages(self, key: str, messages: Iterable[ChatMessage], **options: Any) -> None:
        self.memory.conversations.by_key.setdefault(key, Conversation())
        super().add_messages(key, messages, **options)


class StopsHalfWay(CorrectStore):
    """Appends a batch message by message in async methods: a cancelled call leaves half of it."""

    async def async_add_messages(
        self, key: str, messages: Iterable[ChatMessage], **options: Any
    ) -> None:
        for message in messages:
            await self.async_add_message(key, message, **options)
            await asyncio.sleep(0)


class SwallowsErrors(CorrectStore):
    """Returns an empty conversation if a message is damaged."""

    def get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        try:
            return super().get_messages(key, last=last)
        except CorruptMessageError:
            return []


class SkipsCorruptRecords(CorrectStore):
    """Leaves out messages that cannot be read."""

    def get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        messages = [*self.iter_messages(key, on_corrupt="skip")]
        return messages if last is None else messages[-last:]


class ForgetsToAwait(CorrectStore):
    """Creates a coroutine and never awaits it."""

    async def async_add_message(
        self, key: str, message: ChatMessage, idx: int | None = None, **options: Any
    ) -> None:
        super().async_add_message(key, message, idx, **options).close()


class IgnoresConflicts(CorrectStore):
    """Accepts an id with other content silently."""

    def add_message(
        self, key: str, message: ChatMessage, idx: int | None = None, **options: Any
    ) -> None:
        try:
            super().add_message(key, message, idx, **options)
        except MessageConflictError:
            return


class OrdersByClock(CorrectStore):
    """Sorts messages by the time that the caller's clock shows."""

    def get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        messages = super().get_messages(key, last=last)
        return sorted(messages, key=lambda message: str(message.created_at))


class AnswersAfterClosing(CorrectStore):
    """Does not notice that it was closed."""

    def close(self) -> None:
        """Do nothing."""

    async def async_close(self) -> None:
        """Do nothing."""


class ChangesTheCallersMessage(CorrectStore):
    """Writes the id that it assigned into the caller's message."""

    def add_message(
        self, key: str, message: ChatMessage, idx: int | None = None, **options: Any
    ) -> None:
        message.id = message.id or codec.new_id()
        super().add_message(key, message, idx, **options)


class ReturnsItsOwnObjects(CorrectStore):
    """Keeps the messages that it read, and returns them again."""

    _read: tuple[str, list[ChatMessage]] = ("", [])

    def get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        bodies = self.memory.dump()
        if bodies != self._read[0]:
            self._read = (bodies, super().get_messages(key, last=last))
        return list(self._read[1])


class RefusesOtherLoops(BrokenBackend):
    """Works only on the event loop that used it first."""

    _loop: asyncio.AbstractEventLoop | None = None

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        self._loop = self._loop or asyncio.get_running_loop()
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError("attached to a different loop")
        return await self.inner.async_run(plan)


class PrefixesKeysInTheStore(CorrectStore):
    """Changes keys in the store: its backend alone finds other conversations."""

    def run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        return super().run(operation, build, *_prefixed(args), **kwargs)

    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        return await super().async_run(operation, build, *_prefixed(args), **kwargs)


def _prefixed(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (f"prefix/{args[0]}", *args[1:]) if args else args


BROKEN = (
    BrokenStore(ShowsHalfABatch, ("test_groups_stay_adjacent",)),
    BrokenStore(ShowsHalfASet, ("test_readers_see_old_or_new",)),
    BrokenStore(CreatesEmptyConversations, ("test_add_of_nothing_makes_no_conversation",)),
    BrokenStore(StopsHalfWay, ("test_cancelled_call_is_whole_or_none",), ""),
    BrokenStore(SwallowsErrors, ("test_corrupt_record_raises_from_reads",)),
    BrokenStore(SkipsCorruptRecords, ("test_corrupt_record_raises_from_reads",)),
    BrokenStore(ForgetsToAwait, ("test_created_at_does_not_decide_the_order",), "async"),
    BrokenStore(IgnoresConflicts, ("test_conflict_changes_nothing",)),
    BrokenStore(OrdersByClock, ("test_created_at_does_not_decide_the_order",)),
    BrokenStore(AnswersAfterClosing, ("test_closed_store_raises",)),
    BrokenStore(ChangesTheCallersMessage, ("test_callers_message_is_not_changed",)),
    BrokenStore(ReturnsItsOwnObjects, ("test_returned_messages_are_copies",)),
    BrokenStore(
        RefusesOtherLoops, ("test_loops_one_after_another",), "", "unexpected RuntimeError"
    ),
    BrokenStore(PrefixesKeysInTheStore, ("test_wrapped_backend_behaves_the_same",)),
)
