"""Conversations are compared with Pydantic AI's own store, after any operations."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pydantic_ai import DeferredToolRequests
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
    InMemoryConversationStore,
)
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.usage import RunUsage

from chatstore.core import ChatStore, SimpleChatStore, open_store
from chatstore.pydantic_ai import ChatStoreConversations

T = TypeVar("T")
SCOPES = st.sampled_from([None, "ann", "bob"])


class ComparedStore(ConversationStore):
    """Lets two stores do everything, and compares what they do.

    Every call uses another object over the same database, as if it were another process.
    """

    def __init__(self, store: ChatStore, prefix: str) -> None:
        self.model = InMemoryConversationStore()
        self.processes = [ChatStoreConversations(store) for _ in range(2)]
        self.prefix = prefix
        self.entry_ids: list[str] = []

    async def both(self, call: Callable[[ConversationStore], Awaitable[T]]) -> T:
        self.processes.reverse()
        try:
            expected = await call(self.model)
        except (ConversationConflict, KeyError) as error:
            with pytest.raises(type(error)):
                await call(self.processes[0])
            raise
        seen = await call(self.processes[0])
        assert seen == expected
        return seen

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        return await self.both(lambda store: store.read_record(conversation_id))

    async def read_records(
        self, *, scope: str | None = None, limit: int | None = None
    ) -> Sequence[ConversationRecord]:
        return await self.both(lambda store: store.read_records(scope=scope, limit=limit))

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        await self.both(
            lambda store: store.write_record(
                record, new_entries=new_entries, expected_revision=expected_revision
            )
        )
        self.entry_ids += [entry.id for entry in new_entries]

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        await self.both(
            lambda store: store.delete_record(conversation_id, expected_revision=expected_revision)
        )

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        return await self.both(lambda store: store.read_entry(entry_id))

    async def read_history(
        self, head_id: str | None, *, limit: int | None = None
    ) -> list[ConversationEntry]:
        return await self.both(lambda store: store.read_history(head_id, limit=limit))


class Machine(RuleBasedStateMachine):
    """Saves, rewrites, branches, forks and deletes a few conversations."""

    def __init__(self, store: ChatStore, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.prefix = f"{uuid4().hex}:"  # of this example
        self.store = ComparedStore(store, self.prefix)
        self.loaded: list[Conversation] = []
        self.existing: set[str] = set()
        self.count = 0

    def run(self, call: Awaitable[Any]) -> Any:
        """Run a call that may be refused: the comparison has seen that both refuse it."""

        async def refusable() -> Any:
            try:
                return await call
            except UserError:
                return None

        return self.loop.run_until_complete(refusable())

    def messages(self, number: int) -> list[ModelMessage]:
        messages: list[ModelMessage] = []
        for _ in range(number):
            self.count += 1
            messages += [
                ModelRequest.user_text_prompt(f"question {self.count}"),
                ModelResponse([TextPart(f"answer {self.count}")]),
            ]
        return messages[: len(messages) - self.count % 2]

    def scope(self, name: str | None) -> str | None:
        return name and f"{self.prefix}{name}"

    def keep(self, conversation: Conversation | None) -> None:
        if conversation is not None:
            self.loaded.append(conversation)

    def pick(self, data: st.DataObject, *, new: bool = False) -> str:
        """Choose a conversation: mostly one that exists, or mostly one that does not."""
        names = [f"{self.prefix}{number}" for number in range(5)]
        likely = [name for name in names if (name in self.existing) is not new]
        return data.draw(st.sampled_from([*likely * 4, *names]))

    @initialize(data=st.data(), at=st.integers(1, 3))
    def begin(self, data: st.DataObject, at: int) -> None:
        self.create(data, None, 2)
        self.fork(data, at, None)

    @rule(data=st.data(), scope=SCOPES, size=st.integers(0, 2))
    def create(self, data: st.DataObject, scope: str | None, size: int) -> None:
        name = self.pick(data, new=True)
        messages, usage = self.messages(size), RunUsage(requests=1)
        conversation = Conversation(conversation_id=name, messages=messages, usage=usage)
        self.run(self.store.save(conversation, scope=self.scope(scope)))
        self.keep(conversation)
        self.existing.add(name)

    @rule(data=st.data(), limit=st.none() | st.integers(0, 3))
    def load(self, data: st.DataObject, limit: int | None) -> None:
        self.keep(self.run(self.store.load(self.pick(data), limit=limit)))

    @rule(data=st.data(), size=st.integers(0, 2), waits=st.booleans())
    def go_on(self, data: st.DataObject, size: int, waits: bool) -> None:
        """Save a conversation that was loaded, perhaps before others saved it."""
        if self.loaded:
            conversation = copy.copy(data.draw(st.sampled_from(self.loaded[-4:])))
            conversation.messages = [*conversation.messages, *self.messages(size)]
            conversation.usage = conversation.usage + RunUsage(requests=1, details={"x": 2})
            call = ToolCallPart("pay", {"euros": self.count}, f"call-{self.count}")
            conversation.deferred_tool_requests = (
                DeferredToolRequests(approvals=[call], metadata={call.tool_call_id: {"why": "x"}})
                if waits
                else None
            )
            self.run(self.store.save(conversation))
            self.keep(conversation)

    @rule(data=st.data(), cut=st.integers(0, 3), size=st.integers(0, 1))
    def rewrite(self, data: st.DataObject, cut: int, size: int) -> None:
        conversation = self.run(self.store.load(self.pick(data)))
        if conversation is not None:
            rewritten = Conversation(
                messages=conversation.messages[:cut] + self.messages(size),
                conversation_id=conversation.conversation_id,
                revision=conversation.revision,
            )
            self.run(self.store.save(rewritten))

    @rule(data=st.data(), at=st.integers(0, 4))
    def branch(self, data: st.DataObject, at: int) -> None:
        name = self.pick(data)
        record = self.run(self.store.read_record(name))
        revision = record and record.revision
        self.keep(self.run(self.store.branch(name, at=at, expected_revision=revision)))

    @rule(data=st.data())
    def branch_from_entry(self, data: st.DataObject) -> None:
        name = self.pick(data)
        record = self.run(self.store.read_record(name))
        if record and self.store.entry_ids:
            entry = data.draw(st.sampled_from([*record.branches * 4, *self.store.entry_ids]))
            revision = record.revision
            call = self.store.branch(name, from_entry=entry, expected_revision=revision)
            self.keep(self.run(call))

    @rule(data=st.data(), at=st.none() | st.integers(0, 4), scope=SCOPES)
    def fork(self, data: st.DataObject, at: int | None, scope: str | None) -> None:
        name, new, owner = self.pick(data), self.pick(data, new=True), self.scope(scope)
        fork = self.store.fork(name, at=at, new_conversation_id=new, scope=owner)
        self.keep(self.run(fork))
        self.existing.add(new)

    @rule(data=st.data(), scope=st.sampled_from([None, None, "ann"]))
    def delete(self, data: st.DataObject, scope: str | None) -> None:
        name = self.pick(data)
        self.run(self.store.delete(name, scope=self.scope(scope)))
        self.existing.discard(name)

    @rule(scope=st.sampled_from(["ann", "bob"]), limit=st.none() | st.integers(0, 3))
    def list(self, scope: str, limit: int | None) -> None:
        self.run(self.store.list_conversations(scope=self.scope(scope), limit=limit))

    def teardown(self) -> None:
        for name in self.existing:
            self.run(self.store.load_entries(name))
        for entry_id in self.store.entry_ids:
            with suppress(KeyError):  # both have removed it
                self.loop.run_until_complete(self.store.read_entry(entry_id))


def run_machine(store: ChatStore, examples: int) -> None:
    loop = asyncio.new_event_loop()
    run_state_machine_as_test(
        cast("type[RuleBasedStateMachine]", lambda: Machine(store, loop)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            phases=[Phase.generate],  # minimizing a failure takes minutes
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    loop.run_until_complete(store.async_close())
    loop.close()


def test_any_operations_in_memory() -> None:
    run_machine(SimpleChatStore(), 100)


def test_any_operations(each_store_url: str) -> None:
    run_machine(open_store(each_store_url), 8)
