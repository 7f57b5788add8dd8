"""Summaries of `ChatMemoryBuffer.compact` are stored once, behind what they cover."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ConversationChangedError,
    RevisionConflictError,
)
from chatstore.core.memory import ChatMemoryBuffer
from chatstore.core.memory.summaries import covered_by, is_summary
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, Step
from chatstore.core.testing.messages import message
from chatstore.core.testing.provider_rules import provider_violations

_ATTEMPTS = 100  # each follows another writer's summary


def _buffer(store: ChatStore) -> Any:
    # Not a store, although callers call it like one.
    return ChatMemoryBuffer(60, store, "k", tokenizer_fn=lambda text: text.split())


class _Patient:
    """Compacts again when other writers changed what a summary covers."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    def compact(self, summarize: Any) -> Any:
        for _ in range(_ATTEMPTS):
            with suppress(ConversationChangedError):
                return self._buffer.compact(summarize)
        return self._buffer.compact(summarize)

    async def async_compact(self, summarize: Any) -> Any:
        for _ in range(_ATTEMPTS):
            with suppress(ConversationChangedError):
                return await self._buffer.async_compact(summarize)
        return await self._buffer.async_compact(summarize)


def _summarize(messages: Sequence[ChatMessage]) -> str:
    return f"{len(messages)} messages"


def _messages(name: str, count: int) -> list[ChatMessage]:
    return [message(f"{name} {number}", id=f"{name}/{number}") for number in range(count)]


def _ids(messages: Sequence[ChatMessage]) -> list[str | None]:
    return [one.id for one in messages]


def _check_places(messages: Sequence[ChatMessage]) -> None:
    """Check that each summary is directly behind the last message that it covers."""
    for index, one in enumerate(messages):
        covered = covered_by(one)
        if covered is not None:
            assert covered == (messages[0].id, messages[index - 1].id)


class Compaction(Base):
    def test_a_summary_is_behind_what_it_covers(self, store: ChatStore, call: Caller) -> None:
        """Windows use the summary, the originals stay, and a repetition changes nothing."""
        originals = _messages("a", 20)
        call(store, "add_messages", "k", originals)
        buffer = _buffer(store)
        summary = call(buffer, "compact", _summarize)
        revision = call(store, "get_conversation", "k").revision
        assert call(buffer, "compact", _summarize) is None
        assert call(store, "get_conversation", "k").revision == revision
        assert call(buffer, "get_all") == originals
        everything = call(buffer, "get_all", with_summaries=True)
        assert call(store, "count_messages", "k") == len(everything) == 21
        _check_places(everything)
        window = call(buffer, "get")
        assert _ids(window) == _ids(everything)[_ids(everything).index(summary.id) :]
        assert provider_violations(window) == []

    def test_summaries_of_summaries(self, store: ChatStore, call: Caller) -> None:
        buffer = _buffer(store)
        originals: list[ChatMessage] = []
        for name in "abcd":
            added = _messages(name, 20)
            originals += added
            call(store, "add_messages", "k", added)
            assert call(buffer, "compact", _summarize) is not None
        everything = call(buffer, "get_all", with_summaries=True)
        assert call(buffer, "get_all") == originals
        assert len([one for one in everything if is_summary(one)]) == 4
        _check_places(everything)

    def test_appends_while_a_summary_is_made(self, store: ChatStore, call: Caller) -> None:
        """The summary is made once, and stored behind what it covers."""
        call(store, "add_messages", "k", _messages("a", 20))
        buffer = _buffer(store)
        numbers = itertools.count()

        def summarize(messages: Sequence[ChatMessage]) -> str:
            late = message("late", id=f"late/{next(numbers)}")
            store.add_message("k", late)
            return _summarize(messages)

        assert call(buffer, "compact", summarize) is not None
        everything = call(buffer, "get_all", with_summaries=True)
        assert everything[-1].id == "late/0"
        _check_places(everything)

    def test_a_client_that_compacts_first(self, store: ChatStore, call: Caller) -> None:
        """The second client gets the first one's summary."""
        call(store, "add_messages", "k", _messages("a", 20))
        buffer = _buffer(store)
        stored: list[Any] = []

        def summarize(messages: Sequence[ChatMessage]) -> str:
            stored.append(buffer.compact(lambda _: "of the first client"))
            return _summarize(messages)

        assert call(buffer, "compact", summarize) == stored[0]
        assert call(store, "count_messages", "k") == 21

    def test_inserts_with_an_old_revision(self, store: ChatStore, call: Caller) -> None:
        """Compaction relies on it: the insert is refused, unless the message exists already."""
        call(store, "add_messages", "k", _messages("a", 4))
        revision = call(store, "get_conversation", "k").revision
        call(store, "add_message", "k", message("later"))
        inserted = message("inserted", id="inserted")
        try:
            call(store, "add_message", "k", inserted, 2, expected_revision=revision)
        except RevisionConflictError as error:
            current = error.current_revision
        else:
            raise AssertionError("an insert with an old revision took effect")
        call(store, "add_message", "k", inserted, 2, expected_revision=current)
        call(store, "add_message", "k", inserted, 2, expected_revision=revision)
        assert _ids(call(store, "get_messages", "k"))[:3] == ["a/0", "a/1", "inserted"]

    def test_writers_that_compact(self, store: ChatStore, call: Caller) -> None:
        """Clients append and compact at the same time; nothing is lost or summarized twice."""
        buffer = _buffer(store)
        patient: Any = _Patient(buffer)  # no store, as the buffer

        def writes(name: str) -> Iterator[Step]:
            for number in range(3):
                yield store, "add_messages", ("k", _messages(f"{name}.{number}", 8))
                yield patient, "compact", (_summarize,)

        call.together([writes(name) for name in "abc"])
        everything = call(buffer, "get_all", with_summaries=True)
        originals = [one for one in everything if not is_summary(one)]
        assert len(originals) == 72
        assert len(set(_ids(everything))) == len(everything)
        assert len(everything) > 72
        _check_places(everything)
