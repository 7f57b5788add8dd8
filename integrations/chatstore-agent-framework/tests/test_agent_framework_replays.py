"""Callers pass messages of earlier turns again: they are stored once, and sent once."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from agent_framework import Agent, Content, Message
from fake_client import FakeClient
from hypothesis import given
from hypothesis import strategies as st

from chatstore.agent_framework import ChatStoreHistoryProvider, to_messages
from chatstore.agent_framework.replays import count_replayed
from chatstore.core import ChatStore, SimpleChatStore


def message(text: str, message_id: str | None = None) -> Message:
    """Return a message of the user, or of the assistant if the text is in capitals."""
    return Message("assistant" if text.isupper() else "user", [text], message_id=message_id)


def replayed(stored: str, passed: str, *, is_whole: bool = True) -> int:
    """Return how many messages of a list are replayed: "a:1 B" are a message with an id, and B."""

    def parse(contents: str) -> Any:
        parts = [text.partition(":") for text in contents.split()]
        return to_messages(message(text, name or None) for text, _, name in parts)

    return count_replayed(parse(stored), parse(passed), is_whole=is_whole)


def test_messages_are_recognized_by_id_or_by_place_and_content() -> None:
    assert replayed("", "a B") == 0
    # The whole conversation, or its end with an answer, and something new.
    assert replayed("a B", "a B c") == 2
    assert replayed("x Y a B", "a B c") == 2
    assert replayed("x Y a B", "Y a B c") == 3
    assert replayed("a", "a B") == 1
    # Nothing new follows, it is not the end, or it has no answer: users repeat themselves.
    assert replayed("a B", "a B") == 0
    assert replayed("a B c D", "a B c") == 0
    assert replayed("X a", "a B") == 0
    assert replayed("a", "a B", is_whole=False) == 0
    # Ids decide, wherever they are. What precedes them is old, too.
    assert replayed("a:1 B:2", "a:1 B:2") == 2
    assert replayed("a:1 TOOL B:2", "a:1 B:2 c:3") == 2
    assert replayed("a B:2", "z B:2 c") == 2
    assert replayed("a:1 B:2", "a:3 B:4 c:5") == 0
    # Front ends give ids of their own to answers, and to nothing else that has one.
    assert replayed("a:1 B:2", "a:1 B:4 c:5") == 2
    assert replayed("a:1 B:2 c:3 D:4", "a:1 B:5 c:3 D:6 e:7") == 4
    assert replayed("a:1 B:2 c:3 D:4", "a:1 B:5 c:6 D:7 e:8") == 2
    # The store gave the id; the caller's copy has its own, or none.
    assert replayed(f"a:1 B:{'0' * 32}", "a:1 B:2 c:3") == 2
    assert replayed("a:1 B:2", "a B c") == 2
    assert replayed(f"a:1 TOOL B:{'0' * 32}", "a:1 B:2 c:3") == 2
    assert replayed(f"a:1 TOOL b:{'0' * 32}", "a:1 b:2") == 1
    # The last message is never a replay with other content: a client uses ids again.
    assert replayed("a:1 B:2", "c:3 D:2") == 0
    assert replayed("a:1 B:2", "c:3 B:2") == 0
    assert replayed("a:1 B:2", "c D:2 e") == 0
    assert replayed("a:1 B:2", "a:1 OTHER:2 c:3") == 2


def test_front_ends_keep_a_message_for_each_result() -> None:
    results = [Content.from_function_result(name, result="sunny") for name in "xy"]
    stored = [message("a", "1"), Message("tool", results, message_id="2"), message("B", "3")]
    passed = [
        message("a", "1"),
        *(Message("tool", [result], message_id=f"{result.call_id}") for result in results),
        message("B", "4"),
        message("c", "5"),
    ]
    assert count_replayed(to_messages(stored), to_messages(passed), is_whole=True) == 4
    assert (
        count_replayed(to_messages(passed[:4]), to_messages([*stored, passed[4]]), is_whole=True)
        == 3
    )


TURNS = st.lists(
    st.tuples(
        st.sampled_from(["yes", "no"]),
        st.sampled_from(["new", "all", "some"]),
    ),
    min_size=1,
    max_size=5,
)


@given(TURNS, st.booleans(), st.booleans())
def test_a_conversation_is_stored_and_sent_once(
    turns: list[tuple[str, str]], with_ids: bool, stored_only: bool
) -> None:
    """Users repeat themselves, the model too; callers pass what is new, all, or the newest."""
    numbers = itertools.count()
    client = FakeClient(lambda _: message("OK", f"b{next(numbers)}" if with_ids else None))

    async def run(store: ChatStore) -> None:
        audit = ChatStoreHistoryProvider(store, "audit", load_messages=False)
        main = ChatStoreHistoryProvider(store)
        agent = Agent(client, context_providers=[audit] if stored_only else [audit, main])
        session = agent.create_session(session_id="s")
        transcript: list[Message] = []
        for number, (text, mode) in enumerate(turns):
            earlier = {"new": 0, "all": len(transcript), "some": min(3, len(transcript))}[mode]
            question = message(text, f"a{number}" if with_ids else None)
            copies = [
                Message(old.role, [old.text], message_id=old.message_id)
                for old in transcript[len(transcript) - earlier :]
            ]
            response = await agent.run([*copies, question], session=session)
            if not stored_only:
                sent = client.received[-1]
                assert [m.text for m in sent] == [*(m.text for m in transcript), text]
            transcript += [question, *response.messages]
        for provider in [audit] if stored_only else [audit, main]:
            saved = await provider.get_messages("s")
            assert [m.text for m in saved] == [m.text for m in transcript]

    with SimpleChatStore() as store:
        asyncio.run(run(store))


@pytest.mark.parametrize("options", [{"token_limit": 20}, {"summarize": str, "compact_above": 9}])
def test_a_replay_longer_than_what_is_sent(store: ChatStore, options: dict[str, Any]) -> None:
    """Windows and summaries leave messages out; they are not sent as new ones instead."""

    async def main() -> None:
        client = FakeClient(lambda _: message("OK"))
        provider = ChatStoreHistoryProvider(store, tokenizer_fn=str.split, **options)
        agent = Agent(client, context_providers=[provider])
        session = agent.create_session(session_id="s")
        transcript: list[Message] = []
        for number in range(12):
            transcript.append(message(f"q{number}"))
            copies = [message(old.text) for old in transcript]
            transcript += (await agent.run(copies, session=session)).messages
        sent = [m.text for m in client.received[-1] if m.text.startswith("q")]
        assert sent == [f"q{number}" for number in range(12)][-len(sent) :]
        assert len(sent) < 12
        saved = await ChatStoreHistoryProvider(store).get_messages("s")
        assert [m.text for m in saved] == [m.text for m in transcript]

    asyncio.run(main())


@pytest.mark.parametrize("token_limit", [None, 1000])
@pytest.mark.parametrize("with_ids", [False, True])
def test_calls_of_an_interrupted_run_are_recognized(
    store: ChatStore, with_ids: bool, token_limit: int | None
) -> None:
    """They are stored and not sent, since providers refuse calls without results."""

    def interrupted() -> list[Message]:
        first, second = (Content.from_function_call(i, "weather", arguments="{}") for i in "xy")
        result = Content.from_function_result("x", result="sunny")
        messages = [
            *(message("a"), Message("assistant", [first]), Message("tool", [result])),
            *(message("OK"), message("b"), Message("assistant", [second])),
        ]
        for number, item in enumerate(messages):
            item.message_id = f"{number}" if with_ids else None
        return messages

    async def main() -> None:
        client = FakeClient(lambda _: message("OK"))
        provider = ChatStoreHistoryProvider(store, token_limit=token_limit)
        agent = Agent(client, context_providers=[provider])
        await provider.save_messages("s", interrupted())
        session = agent.create_session(session_id="s")
        await agent.run([*interrupted(), message("c")], session=session)
        assert [m.text for m in client.received[-1]] == ["a", "", "", "OK", "b", "c"]
        assert store.count_messages(provider.key_for("s")) == 8

    asyncio.run(main())


def test_ids_that_a_client_uses_again_lose_nothing(store: ChatStore) -> None:
    async def main() -> None:
        provider = ChatStoreHistoryProvider(store)
        for turn in range(3):
            answers = [message(f"A{turn}", "same"), message(f"B{turn}", "same")]
            await provider.save_messages("s", [message(f"q{turn}"), *answers])
            await provider.save_messages("s", [*answers[:1]])
        contents = [m.text for m in await provider.get_messages("s")]
        assert contents[:3] == ["q0", "A0", "B0"]
        assert {"q1", "A1", "B1", "q2", "A2", "B2"} <= set(contents)

    asyncio.run(main())


def test_a_repeated_save_writes_nothing(store: ChatStore) -> None:
    async def main() -> None:
        provider = ChatStoreHistoryProvider(store)
        messages = [message("a"), message("B", "2")]
        for _ in range(2):
            await provider.save_messages("s", messages)
        assert [m.text for m in await provider.get_messages("s")] == ["a", "B"]

    asyncio.run(main())


def test_system_messages_of_a_caller_are_sent(store: ChatStore) -> None:
    async def main() -> None:
        client = FakeClient(lambda _: message("OK"))
        agent = Agent(client, context_providers=[ChatStoreHistoryProvider(store)])
        session = agent.create_session(session_id="s")
        await agent.run([message("a", "1")], session=session)
        prompt = Message("system", ["Be brief."])
        await agent.run([prompt, message("a", "1"), message("b", "2")], session=session)
        assert [m.text for m in client.received[-1]] == ["a", "OK", "Be brief.", "b"]
        # Nothing new: the model answers the last message again.
        await agent.run([message("b", "2")], session=session)
        assert [m.text for m in client.received[-1]][-2:] == ["OK", "b"]

    asyncio.run(main())


def test_concurrent_turns_are_stored(store: ChatStore) -> None:
    async def main() -> None:
        provider = ChatStoreHistoryProvider(store)
        saves = [
            provider.save_messages("s", [message(f"q{n}"), message(f"A{n}")]) for n in range(20)
        ]
        await asyncio.gather(*saves)
        contents = [m.text for m in await provider.get_messages("s")]
        assert len(contents) == 40
        assert all(contents[contents.index(f"q{n}") + 1] == f"A{n}" for n in range(20))

    asyncio.run(main())
