"""The SDK's compaction replaces a conversation in one write: a killed program loses nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agents import Agent, Runner
from agents.extensions.memory import EncryptedSession
from agents.memory import OpenAIResponsesCompactionSession
from agents.testing import ScriptedModel, assistant_message

from chatstore.core import ChatStore, SimpleChatStore, StoreUnavailableError, open_store
from chatstore.openai_agents import ChatStoreSession

TURNS = 10
COMPACTED = [
    {"type": "message", "role": "user", "content": "all questions"},
    {"type": "compaction", "id": "cmp_1", "encrypted_content": "summary"},
]
WRITES = [
    "async_set_messages",
    "async_add_message",
    "async_add_messages",
    "async_delete_message",
    "async_delete_last_message",
    "async_delete_messages",
]


class Client:
    """Answers `responses.compact` as the API does."""

    def __init__(self) -> None:
        self.responses = self
        self.calls = 0

    async def compact(self, **request: Any) -> Any:
        self.calls += 1
        return SimpleNamespace(output=COMPACTED, usage=None)


class Killed(BaseException):
    """Ends a program; the SDK's error handling does not catch it."""


def kill_at(store: ChatStore, step: Any) -> None:
    """Let the program end before (even steps) or after (odd steps) a write of the store."""
    steps = iter(range(1000))

    def count() -> None:
        if next(steps) >= step:
            raise Killed

    def killing(write: Any) -> Any:
        async def killed(*arguments: Any) -> None:
            count()
            await write(*arguments)
            count()

        return killed

    for name in WRITES:
        setattr(store, name, killing(getattr(store, name)))


async def converse(session: Any, first: Any, turns: Any) -> None:
    for turn in range(first, first + turns):
        model = ScriptedModel([[assistant_message(f"answer {turn}", item_id=f"m{turn}")]])
        await Runner.run(Agent(name="a", model=model), f"question {turn}", session=session)


def manual(session: Any, client: Any) -> Any:
    compacting = OpenAIResponsesCompactionSession(
        "s", session, client=client, should_trigger_compaction=lambda context: False
    )
    forced: Any = {"force": True, "compaction_mode": "input"}
    return compacting, lambda: compacting.run_compaction(forced)


def automatic(session: Any, client: Any) -> Any:
    compacting = OpenAIResponsesCompactionSession(
        "s",
        session,
        client=client,
        should_trigger_compaction=lambda context: len(context["session_items"]) > 2 * TURNS,
    )
    return compacting, lambda: converse(compacting, TURNS, 1)


def encrypted(session: Any, client: Any) -> Any:
    compacting, _ = automatic(session, client)
    encrypting = EncryptedSession("s", compacting, encryption_key="a key of the program")
    return encrypting, lambda: converse(encrypting, TURNS, 1)


@pytest.mark.parametrize("kind", [manual, automatic, encrypted])
def test_a_program_killed_while_it_compacts_loses_nothing(tmp_path: Path, kind: Any) -> None:
    async def attempt(step: Any) -> Any:
        """Return how many items are left, and whether the program ended by itself."""
        url, client = f"sqlite:///{tmp_path}/{step}.db", Client()
        async with open_store(url) as store:
            session, compact = kind(ChatStoreSession("s", store), client)
            await converse(session, 0, TURNS)
            kill_at(store, step)
            try:
                await compact()
            except Killed:
                ended = False
            else:
                ended = True
                assert client.calls == 1
        async with open_store(url) as store:
            left = await store.async_get_messages("s")
            return len(left), ended

    async def main() -> None:
        for step in range(100):
            left, ended = await attempt(step)
            if ended:
                assert left == len(COMPACTED)
                return
            # a step of the turn before an automatic compaction adds an item
            assert left in {2 * TURNS, 2 * TURNS + 1, 2 * TURNS + 2, len(COMPACTED)}, step
        pytest.fail("the program did not come to its end")

    asyncio.run(main())


def test_compacted_items_come_back(each_store_url: str) -> None:
    async def main() -> None:
        async with open_store(each_store_url) as store:
            session, compact = manual(ChatStoreSession("s", store), Client())
            await converse(session, 0, TURNS)
            await compact()
            assert await session.get_items() == COMPACTED
            await converse(session, TURNS, 1)
            assert [item.get("content") for item in (await session.get_items())[:3]] == [
                "all questions",
                None,
                f"question {TURNS}",
            ]

    asyncio.run(main())


class Failing(SimpleChatStore):
    """Replaces a conversation and loses the reply, or refuses to replace it."""

    applies = True

    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        if operation != "set_messages":
            return await super().async_run(operation, build, *args, **kwargs)
        if self.applies:
            await super().async_run(operation, build, *args, **kwargs)
        raise StoreUnavailableError("no answer")


@pytest.mark.parametrize("applies", [True, False])
def test_a_failed_replacement_leaves_the_state_before_or_after(applies: Any) -> None:
    async def main() -> None:
        store = Failing()
        store.applies = applies
        session, compact = manual(ChatStoreSession("s", store), Client())
        await converse(session, 0, TURNS)
        before = await session.get_items()
        with pytest.raises(StoreUnavailableError):
            await compact()
        assert await session.get_items() == (COMPACTED if applies else before)

    asyncio.run(main())


class Slow(SimpleChatStore):
    """Replaces a conversation when the test allows it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        if operation == "set_messages":
            self.begun.set()
            await self.go.wait()
        return await super().async_run(operation, build, *args, **kwargs)


def test_a_cancelled_replacement_has_ended_when_the_cancellation_arrives() -> None:
    async def main() -> None:
        store = Slow()
        session, compact = manual(ChatStoreSession("s", store), Client())
        await converse(session, 0, TURNS)
        compacting = asyncio.ensure_future(compact())
        await asyncio.wait_for(store.begun.wait(), 60)
        compacting.cancel()
        await asyncio.sleep(0)
        store.go.set()
        with pytest.raises(asyncio.CancelledError):
            await compacting
        assert await session.get_items() == COMPACTED

    asyncio.run(main())


class Counting(ChatStoreSession):
    """A program's subclass that must receive every item."""

    seen = 0

    async def add_items(self, items: Any) -> None:
        self.seen += len(items)
        await super().add_items(items)


def test_a_subclass_that_overrides_add_items_sees_the_compacted_items() -> None:
    async def main() -> None:
        inner = Counting("s", SimpleChatStore())
        session, compact = manual(inner, Client())
        await converse(session, 0, TURNS)
        await compact()
        assert inner.seen == 2 * TURNS + len(COMPACTED)
        assert await session.get_items() == COMPACTED

    asyncio.run(main())
