"""Histories of sessions: keys, owners, windows, summaries, approvals and interrupted runs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from agent_framework import Agent, AgentSession, HistoryProvider, Message, tool
from fake_client import FakeClient, ask_weather, outline

from chatstore.agent_framework import ChatStoreHistoryProvider, to_messages
from chatstore.core import ChatStore, InvalidArgumentError, InvalidKeyError, TokenLimitWarning


def echo(messages: Any) -> Message:
    return Message("assistant", [f"You said {messages[-1].text}."])


def words(text: str) -> list[str]:
    return text.split()


def test_providers_of_a_session_keep_separate_histories(store: ChatStore) -> None:
    async def main() -> None:
        audit = ChatStoreHistoryProvider(store, "audit", load_messages=False, store_inputs=False)
        main = ChatStoreHistoryProvider(store)
        agent = Agent(FakeClient(echo), context_providers=[main, audit])
        for session_id in ("a/b", "a"):
            await agent.run("hi", session=agent.create_session(session_id=session_id))
        assert [m.text for m in await audit.get_messages("a/b")] == ["You said hi."]
        assert [m.text for m in await main.get_messages("a/b")] == ["hi", "You said hi."]
        assert sorted(store.get_keys()) == sorted(
            provider.key_for(session_id)
            for provider in (audit, main)
            for session_id in ("a/b", "a")
        )

        await main.save_messages(None, [Message("user", ["no session"])])
        assert [m.text for m in await main.get_messages(None)] == ["no session"]
        assert await audit.get_messages(None) == []
        await audit.clear("a")
        assert await audit.get_messages("a") == []
        assert len(await main.get_messages("a")) == 2
        with pytest.raises(InvalidKeyError):
            await main.get_messages("")

    asyncio.run(main())


def test_owners_find_their_sessions(store: ChatStore) -> None:
    def owner(session: AgentSession) -> str | None:
        user = session.state.get("user")
        return user if isinstance(user, str) else None

    async def main() -> None:
        provider = ChatStoreHistoryProvider(store, owner=owner)
        agent = Agent(FakeClient(echo), context_providers=[provider])
        for session_id, user in [("1", "ada"), ("2", "bob"), ("3", None), ("4", "ada")]:
            session = agent.create_session(session_id=session_id)
            await agent.run("hi", session=session)  # its owner is not known yet
            session.state["user"] = user
            for _ in range(2):
                await agent.run("hi", session=session)
        page = await store.async_list_conversations(owner="ada")
        assert [c.key for c in page.conversations] == ["chatstore/4", "chatstore/1"]
        assert {c.length for c in page.conversations} == {6}

        store.update_conversation("chatstore/1", owner="eve")
        session = agent.create_session(session_id="1")
        session.state["user"] = "ada"
        await agent.run("hi", session=session)
        record = store.get_conversation("chatstore/1")
        assert record is not None
        assert record.owner == "eve"

    asyncio.run(main())


def test_a_conversation_of_another_framework_goes_on(store: ChatStore) -> None:
    store.add_messages("other", to_messages([Message("user", ["a"]), Message("assistant", ["b"])]))

    async def main() -> None:
        client = FakeClient(echo)
        provider = ChatStoreHistoryProvider(store, owner="ada", key_fn=lambda _: "other")
        agent = Agent(client, context_providers=[provider])
        response = agent.run("c", session=agent.create_session(), stream=True)
        assert [update.text async for update in response] == ["You said c."]
        assert [m.text for m in client.received[0]] == ["a", "b", "c"]

    asyncio.run(main())
    assert [m.content for m in store.get_messages("other")] == ["a", "b", "c", "You said c."]
    [record] = store.list_conversations(owner="ada").conversations
    assert record.key == "other"


def test_a_window_counts_instructions_tools_and_input(store: ChatStore) -> None:
    @tool(approval_mode="never_require")
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"sunny in {city}"

    async def lengths(token_limit: int, question: str, **options: Any) -> int:
        client = FakeClient(echo)
        provider = ChatStoreHistoryProvider(
            store, token_limit=token_limit, tokenizer_fn=words, store_inputs=False,
            store_outputs=False, cut="sliding",
        )  # fmt: skip
        agent = Agent(client, context_providers=[provider], **options)
        await agent.run(question, session=agent.create_session(session_id="s"))
        [received] = client.received
        assert received[0].role == "user"
        assert received[-1].text == question
        return len(received)

    async def main() -> None:
        history = ChatStoreHistoryProvider(store)
        agent = Agent(FakeClient(ask_weather), tools=[weather], context_providers=[history])
        session = agent.create_session(session_id="s")
        for number in range(30):
            await agent.run(f"city{number}", session=session)
        everything = await lengths(10_000, "Well?")
        assert everything == 121
        fewer = await lengths(300, "Well?")
        assert fewer < everything
        assert await lengths(300, "Well " * 100) < fewer
        assert await lengths(300, "Well?", instructions="Be brief. " * 50) < fewer
        assert await lengths(300, "Well?", tools=[weather]) < fewer
        with pytest.warns(TokenLimitWarning):
            assert await lengths(5, "Well?") == 3
        shortened = ChatStoreHistoryProvider(store, token_limit=300, tokenizer_fn=words)
        assert 0 < len(await shortened.get_messages("s")) < 120
        assert len(await history.get_messages("s")) == 120

    asyncio.run(main())


def test_a_summary_replaces_older_turns(store: ChatStore) -> None:
    summarized: list[list[str]] = []

    async def summarize(messages: list[Message]) -> Message:
        summarized.append([m.text for m in messages])
        return Message("user", ["They said hi."])

    async def main() -> None:
        client = FakeClient(echo)
        provider = ChatStoreHistoryProvider(
            store, summarize=summarize, compact_above=30, tokenizer_fn=words
        )
        agent = Agent(client, context_providers=[provider])
        session = agent.create_session(session_id="s")
        for number in range(5):
            await agent.run(f"hi {number}", session=session)
        assert summarized[0][0] == "hi 0"
        assert client.received[-1][0].text == "They said hi."
        assert client.received[-1][-1].text == "hi 4"
        full = ChatStoreHistoryProvider(store)
        contents = [m.text for m in await full.get_messages("s")]
        assert contents[::2] == [f"hi {number}" for number in range(5)]

    asyncio.run(main())


@pytest.mark.parametrize("per_call", [False, True])
def test_approved_calls_run(store: ChatStore, per_call: bool) -> None:
    @tool(approval_mode="always_require")
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"sunny in {city}"

    def agent_of(client: FakeClient, provider: HistoryProvider) -> Agent:
        return Agent(
            client,
            tools=[weather],
            context_providers=[provider],
            require_per_service_call_history_persistence=per_call,
        )

    async def main() -> None:
        for limit in (None, 1000):
            client = FakeClient(ask_weather)
            provider = ChatStoreHistoryProvider(store, token_limit=limit, tokenizer_fn=words)
            agent = agent_of(client, provider)
            session = agent.create_session(session_id=f"{limit}")
            first = await agent.run("Oslo", session=session)
            [request] = first.user_input_requests

            answer = Message("user", [request.to_function_approval_response(True)])
            again = agent_of(client, provider)
            # The framework keeps in the session's state which approvals it waits for.
            session = AgentSession.from_dict(json.loads(json.dumps(session.to_dict())))
            second = await again.run(answer, session=session)
            assert second.text == "sunny in Oslo"
            turn = [
                ["user", "Oslo"],
                ["assistant", "call-1: weather({'city': 'Oslo'})"],
                ["tool", "call-1= sunny in Oslo"],
            ]
            assert outline(client.received[-1]) == turn

            client.answer = echo
            await again.run("Thanks", session=session)
            assert outline(client.received[-1]) == [
                *turn,
                ["assistant", "sunny in Oslo"],
                ["user", "Thanks"],
            ]

    asyncio.run(main())


def test_what_a_service_keeps_is_not_sent_again(store: ChatStore) -> None:
    async def main() -> None:
        client = FakeClient(echo, conversation_id="conversation")
        agent = Agent(client, context_providers=[ChatStoreHistoryProvider(store)])
        session = agent.create_session(session_id="s")
        await agent.run("a", session=session)
        await agent.run("b", session=session)
        replay = [Message("user", ["b"]), Message("assistant", ["You said b."])]
        await agent.run([*replay, Message("user", ["c"])], session=session)
        # Another process does not know the service's conversation, and begins one.
        await agent.run("d", session=agent.create_session(session_id="s"))
        contents = [[m.text for m in received] for received in client.received]
        transcript = ["a", "You said a.", "b", "You said b.", "c", "You said c.", "d"]
        assert contents == [["a"], ["b"], ["c"], transcript]

    asyncio.run(main())


def test_a_turn_costs_the_same_in_a_long_conversation(store: ChatStore) -> None:
    """Saving reads as many messages as it saves, whatever the length of the conversation."""
    read: list[int] = []
    snapshot = store.async_snapshot

    async def counted(key: str, *, last: int | None = None) -> Any:
        result = await snapshot(key, last=last)
        read.append(len(result.messages))
        return result

    store.async_snapshot = counted  # type: ignore[method-assign]

    async def main() -> None:
        provider = ChatStoreHistoryProvider(store)
        for number in range(30):
            turn = [Message("user", [f"{number}"]), Message("assistant", ["ok"])]
            await provider.save_messages("s", turn)

    asyncio.run(main())
    assert set(read) == {0, 2}


def test_arguments_are_checked(store: ChatStore) -> None:
    wrong: Any
    for wrong in (
        {"store": "sqlite:///chat.db"},
        {"source_id": ""},
        {"token_limit": 0},
        {"cut": "no"},
        {"owner": ""},
        {"compact_above": 3},
    ):
        with pytest.raises(InvalidArgumentError):
            ChatStoreHistoryProvider(**{"store": store, **wrong})
