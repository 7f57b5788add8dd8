"""Conversations are written together or not at all, and only over the revision that was read."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import groupby
from typing import Any

import pytest
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
)
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart

from chatstore import core
from chatstore.core import (
    ChatMessage,
    ChatStore,
    InvalidArgumentError,
    InvalidMessageError,
    MessageConflictError,
    SimpleChatStore,
    open_store,
)
from chatstore.pydantic_ai import ChatStoreConversations, MessageHistory


def turn(text: str) -> list[ModelMessage]:
    return [ModelRequest.user_text_prompt(text), ModelResponse([TextPart(f"{text}?")])]


def contents(messages: Sequence[ModelMessage]) -> list[Any]:
    return [part.content for message in messages for part in message.parts]  # type: ignore[union-attr]


async def save(store: ChatStore, name: str, text: str, scope: str | None = None) -> Conversation:
    """Append a turn in a process of its own."""
    conversations = ChatStoreConversations(store)
    conversation = await conversations.load(name) or Conversation(conversation_id=name)
    conversation.messages += turn(text)
    await conversations.save(conversation, scope=scope)
    return conversation


async def loaded(store: ChatStore, name: str, limit: int | None = None) -> list[Any] | None:
    conversation = await ChatStoreConversations(store).load(name, limit=limit)
    return None if conversation is None else contents(conversation.messages)


READS = ("get", "list", "iter", "snapshot", "page")


class Killed(BaseException):
    """The process ends here."""


class DyingStore(SimpleChatStore):
    """Calls a function before each write, which may end the process."""

    before_write: Callable[[], None] = staticmethod(lambda: None)

    async def async_run(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        # How many pointers entries need depends on the clock.
        is_pointer = str(args[1:2]).startswith("('chatstore.pydantic_ai/")
        if not is_pointer and not operation.startswith(READS):
            self.before_write()
        return await super().async_run(operation, *args, **kwargs)


def test_one_of_many_writers_wins(each_store_url: str) -> None:
    async def main() -> None:
        async with open_store(each_store_url) as store:
            first = await save(store, "c", "one", "ann")

            async def write(number: int, revision: str | None, name: str) -> int | None:
                new = Conversation(
                    conversation_id=name, messages=turn(f"by {number}"), revision=revision
                )
                new.new_message_index = 0
                try:
                    await ChatStoreConversations(store).save(new)
                except ConversationConflict:
                    return None
                return number

            for name, revision in (("c", first.revision), ("new", None)):
                results = await asyncio.gather(*(write(n, revision, name) for n in range(8)))
                winners = [number for number in results if number is not None]
                assert len(winners) == 1
                seen = await loaded(store, name) or []
                assert seen[-2:] == [f"by {winners[0]}", f"by {winners[0]}?"]
                assert len(seen) == (4 if name == "c" else 2)

    asyncio.run(main())


async def every_change(store: ChatStore) -> None:
    """Save, branch, fork and delete."""
    conversations = ChatStoreConversations(store)
    conversation = await save(store, "a", "two", "ann")
    branched = await conversations.branch("a", at=2, expected_revision=conversation.revision)
    await conversations.fork("a", at=1, new_conversation_id="b", scope="bob")
    branched.messages += turn("three")
    await conversations.save(branched)
    await conversations.delete("a")
    await save(store, "a", "again", "carl")
    await conversations.delete("b")


def test_a_killed_process_leaves_every_conversation_whole() -> None:
    """Whatever write is the last one, conversations are as before it or as after it."""
    seen: set[str] = set()

    def states() -> list[Any]:
        return [
            {"a": ["one", "one?"]},
            {"a": ["one", "one?", "two", "two?"]},
            {"a": ["one", "one?"], "b": ["one"]},
            {"a": ["one", "one?", "three", "three?"], "b": ["one"]},
            {"b": ["one"]},
            {"a": ["again", "again?"], "b": ["one"]},
            {"a": ["again", "again?"]},
        ]

    async def until(writes: int) -> bool:
        store = DyingStore()
        await save(store, "a", "one", "ann")
        left = writes

        def before_write() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        store.before_write = before_write
        is_killed = False
        try:
            await every_change(store)
        except Killed:
            is_killed = True
        store.before_write = lambda: None
        result = {name: await loaded(store, name) for name in ("a", "b")}
        result = {name: value for name, value in result.items() if value is not None}
        assert result in states(), writes
        seen.add(str(result))
        listed = await ChatStoreConversations(store).list_conversations()
        assert {record.conversation_id for record in listed} == set(result)
        for name in result:
            await save(store, name, "goes on")
            assert ((await loaded(store, name)) or [])[-1] == "goes on?"
        return is_killed

    writes = 0
    while asyncio.run(until(writes)):
        writes += 1
    assert writes > 10
    assert len(seen) == len(states())


def test_a_deletion_keeps_what_a_fork_is_about_to_use() -> None:
    async def main() -> None:
        store = DyingStore()
        await save(store, "a", "one", "ann")
        run, is_deleted = store.async_run, False

        async def delete_before(operation: str, *args: Any, **kwargs: Any) -> Any:
            nonlocal is_deleted
            if operation == "write_record" and not is_deleted:
                is_deleted = True
                await ChatStoreConversations(store).delete("a")
            return await run(operation, *args, **kwargs)

        store.async_run = delete_before  # type: ignore[method-assign]
        await ChatStoreConversations(store).fork("a", at=1, new_conversation_id="b")
        assert is_deleted
        assert await loaded(store, "a") is None
        assert await loaded(store, "b") == ["one"]
        assert store.count_messages("a") == 1
        await ChatStoreConversations(store).delete("b")
        assert store.get_keys() == []

    asyncio.run(main())


def test_only_shared_messages_are_left_of_a_deleted_conversation() -> None:
    async def main() -> None:
        store = SimpleChatStore()
        await save(store, "a", "one", "ann")
        await save(store, "a", "two", "ann")
        store.update_conversation("a", title="Words", metadata={"rating": 5})
        conversations = ChatStoreConversations(store)
        await conversations.fork("a", at=3, new_conversation_id="b")
        await conversations.delete("a")
        left = store.snapshot("a")
        assert left.conversation is not None
        record = left.conversation
        assert (record.owner, record.title, record.metadata) == (None, None, {})
        # Each save had stored a record, whose usage is the least that it has.
        assert [str(message.metadata).count("usage") for message in left.messages] == [0, 0, 0]
        assert await loaded(store, "b") == ["one", "one?", "two"]

    asyncio.run(main())


def test_a_conversation_that_begins_during_its_deletion_keeps_its_owner() -> None:
    async def main() -> None:
        store = SimpleChatStore()
        await save(store, "a", "one", "ann")
        await ChatStoreConversations(store).fork("a", at=1, new_conversation_id="b")
        run, has_begun = store.async_run, False

        async def begin_before(operation: str, *args: Any, **kwargs: Any) -> Any:
            nonlocal has_begun
            if operation == "update_conversation" and not has_begun:
                has_begun = True
                await save(store, "a", "again", "carl")
            return await run(operation, *args, **kwargs)

        store.async_run = begin_before  # type: ignore[method-assign]
        await ChatStoreConversations(store).delete("a")
        assert has_begun
        assert await loaded(store, "a") == ["again", "again?"]
        [listed] = store.list_conversations(owner="carl").conversations
        assert listed.key == "a"

    asyncio.run(main())


def test_the_note_of_a_fork_that_was_never_written_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        store = DyingStore()
        await save(store, "a", "one", "ann")
        run = store.async_run

        async def killed(operation: str, *args: Any, **kwargs: Any) -> Any:
            if operation == "write_record":
                raise Killed
            return await run(operation, *args, **kwargs)

        store.async_run = killed  # type: ignore[method-assign]
        with pytest.raises(Killed):
            await ChatStoreConversations(store).fork("a", new_conversation_id="b")
        store.async_run = run  # type: ignore[method-assign]
        monkeypatch.setattr("chatstore.pydantic_ai.conversations.forks.STALE_AFTER", -1.0)
        await ChatStoreConversations(store).delete("a")
        assert store.get_keys() == []

    asyncio.run(main())


def test_the_requests_of_a_turn_do_not_grow() -> None:
    async def main() -> None:
        store = SimpleChatStore()
        costs = []
        for size in (2, 400):
            await save(store, "c", "x" * size)
            conversations = ChatStoreConversations(store)
            long = await conversations.load("c", limit=2)
            assert long is not None
            long.messages += [one for number in range(size) for one in turn(str(number))]
            await conversations.save(long)
            calls: list[str] = []
            run = store.async_run

            async def counted(
                operation: str, *args: Any, run: Any = run, calls: Any = calls
            ) -> Any:
                calls.append(operation)
                return await run(operation, *args)

            store.async_run = counted  # type: ignore[method-assign, assignment]
            again = await ChatStoreConversations(store).load("c", limit=20)
            assert again is not None
            again.messages += turn("new")
            await conversations.save(again)
            store.async_run = run  # type: ignore[method-assign]
            # Entries from two milliseconds need two pointers, which are stored at the same time.
            costs.append([operation for operation, _ in groupby(calls)])
        assert (
            costs[0]
            == costs[1]
            == ["snapshot", "get_messages", "snapshot", "add_message", "write_record"]
        )

    asyncio.run(main())


def test_entries_are_found_by_their_ids_alone(each_store_url: str) -> None:
    async def main() -> None:
        async with open_store(each_store_url) as store:
            conversations = ChatStoreConversations(store)
            ids = {}
            for name in ("a", "b"):
                entries = await conversations.save(
                    Conversation(conversation_id=name, messages=turn(name)), scope="ann"
                )
                ids.update({entry.id: entry for entry in entries})
            for entry_id, entry in ids.items():
                assert await ChatStoreConversations(store).read_entry(entry_id) == entry
            await conversations.delete("a")
            await conversations.delete("b")
            for entry_id in ids:
                with pytest.raises(KeyError):
                    await ChatStoreConversations(store).read_entry(entry_id)
            assert await store.async_get_keys() == []

    asyncio.run(main())


def test_lists_are_in_order_on_every_store(each_store_url: str) -> None:
    async def main() -> None:
        async with open_store(each_store_url) as store:
            for number in range(30):
                await save(store, f"c{number}", "one", "ann" if number % 5 else None)
            await save(store, "c1", "two", "ann")
            conversations = ChatStoreConversations(store)
            everything = ["c1", *(f"c{n}" for n in range(29, -1, -1) if n != 1)]
            owned = [name for name in everything if int(name[1:]) % 5]
            for scope, expected in (("ann", owned), (None, everything)):
                for limit in (None, 1, 3):
                    records = await conversations.list_conversations(scope=scope, limit=limit)
                    assert [one.conversation_id for one in records] == expected[:limit]

    asyncio.run(main())


class LateStore(SimpleChatStore):
    """Lists the conversation ``late`` as if it were 59 seconds older."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(clock=lambda: self.now)

    async def async_iter_conversations(
        self, *, owner: str | None = None
    ) -> AsyncIterator[core.Conversation]:
        listed = [one async for one in super().async_iter_conversations(owner=owner)]
        late = timedelta(seconds=59)
        listed.sort(key=lambda one: one.updated_at - (one.key == "late") * late, reverse=True)
        for conversation in listed:
            yield conversation


def test_a_list_that_lags_by_a_minute_is_read_as_far_as_needed() -> None:
    async def main() -> None:
        store = LateStore()
        ages = {f"c{n}": 1 + 3 * n for n in range(20)}
        ages |= {f"d{n}": 200 + n for n in range(60)}
        for name, age in {"late": 0, **ages}.items():
            store.now = 10_000.0 - age
            time = datetime.fromtimestamp(store.now, timezone.utc)
            record = ConversationRecord(
                conversation_id=name, head_id=None, scope="ann", updated_at=time
            )
            await ChatStoreConversations(store).write_record(record, expected_revision=None)
        reads = 0
        run = store.async_run

        async def counted(operation: str, *args: Any, **kwargs: Any) -> Any:
            nonlocal reads
            reads += operation == "snapshot"
            return await run(operation, *args, **kwargs)

        store.async_run = counted  # type: ignore[method-assign]
        [record] = await ChatStoreConversations(store).list_conversations(scope="ann", limit=1)
        assert record.conversation_id == "late"
        assert reads == 40

    asyncio.run(main())


def test_conversations_of_others_are_continued() -> None:
    async def main() -> None:
        store = SimpleChatStore()
        store.create_conversation("c", owner="ann")
        assert await loaded(store, "c") == []
        MessageHistory(store, "c").save(turn("one"))
        store.add_message("c", ChatMessage(role="user", content="from elsewhere"))
        assert await loaded(store, "c") == ["one", "one?", "from elsewhere"]
        conversation = await save(store, "c", "two", "ann")
        store.add_message("c", ChatMessage(role="assistant", content="and again"))
        everything = ["one", "one?", "from elsewhere", "two", "two?", "and again"]
        for limit in (None, 1, 2, 5):
            expected = everything[-limit:] if limit else everything
            assert await loaded(store, "c", limit) == expected
        conversations = ChatStoreConversations(store)
        entries = await conversations.load_entries("c") or []
        for entry in entries:
            assert await ChatStoreConversations(store).read_entry(entry.id) == entry
        with pytest.raises(ConversationConflict):
            await conversations.save(conversation)
        await conversations.fork("c", at=3, new_conversation_id="f")
        await conversations.delete("c")
        assert await loaded(store, "f") == everything[:3]
        assert store.count_messages("c") == 3
        await conversations.delete("f")
        assert store.get_keys() == []

    asyncio.run(main())


def test_wrong_records_are_refused() -> None:
    async def main() -> None:
        store = SimpleChatStore()
        conversations = ChatStoreConversations(store)
        entry = ConversationEntry(parent_id=None, message=turn("x")[0])
        record = ConversationRecord(conversation_id="c", head_id=entry.id)
        with pytest.raises(ConversationConflict):
            await conversations.write_record(record, expected_revision=None)
        assert store.get_keys() == []
        await conversations.write_record(record, new_entries=[entry], expected_revision=None)
        with pytest.raises(InvalidArgumentError, match="revision"):
            await conversations.write_record(record, expected_revision=record.revision)
        again = dataclasses.replace(record, revision="new")
        with pytest.raises(MessageConflictError):
            await conversations.write_record(
                again, new_entries=[entry], expected_revision=record.revision
            )
        assert await conversations.read_record("c") == record
        for name, scope in (("", None), ("d", "o" * 256)):
            wrong = ConversationRecord(conversation_id=name, head_id=None, scope=scope)
            with pytest.raises(InvalidArgumentError):
                await conversations.write_record(wrong, expected_revision=None)
        record.usage.details = {"x": float("nan")}  # type: ignore[dict-item]
        with pytest.raises(InvalidMessageError):
            await conversations.write_record(
                dataclasses.replace(record, revision="new"), expected_revision=record.revision
            )

    asyncio.run(main())
