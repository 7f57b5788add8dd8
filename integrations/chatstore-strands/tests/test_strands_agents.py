"""Agents, graphs and swarms of Strands go on where an earlier process ended."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from models_strands import FunctionModel, call, result
from programs import run_killed, run_program
from strands import Agent
from strands.agent.conversation_manager import SlidingWindowConversationManager
from strands.multiagent import Swarm
from strands.types.exceptions import SessionException

from chatstore.core import ChatMessage, ChatStore, SimpleChatStore, open_store
from chatstore.strands import ChatStoreRepository, ChatStoreSessionManager

GRAPH = Path(__file__).parent / "graph_strands.py"


def echo(messages: Any) -> Any:
    return [{"text": f"re: {messages[-1]['content'][-1]['text']}"}]


def agent(store: ChatStore | str, session_id: str = "s", **options: Any) -> Agent:
    """Return an agent as a new process would create it."""
    options.setdefault("model", FunctionModel(echo))
    session = ChatStoreSessionManager(session_id, store)
    return Agent(session_manager=session, callback_handler=None, **options)


def contents(messages: Any) -> list[str]:
    return [part["text"] for message in messages for part in message["content"]]


def test_an_agent_goes_on_with_its_state(each_store_url: str) -> None:
    with open_store(each_store_url) as store:
        first = agent(store)
        first.state.set("user", "ann")
        first("one")
        first("two")
        second = agent(store)

        assert second.messages == first.messages
        assert second.state.get("user") == "ann"
        second("three")
        assert [message.content for message in store.get_messages("s")] == [
            *("one", "re: one", "two", "re: two", "three", "re: three")
        ]


def test_agents_of_one_session_have_conversations_of_their_own(store_url: str) -> None:
    with open_store(store_url) as store:
        session = ChatStoreSessionManager("s", store, owner="ann")
        for name in (None, "planner"):
            Agent(
                FunctionModel(echo), agent_id=name, session_manager=session, callback_handler=None
            )(f"to {name}")

        assert contents(agent(store).messages) == ["to None", "re: to None"]
        planner = agent(store, agent_id="planner")
        assert contents(planner.messages) == ["to planner", "re: to planner"]
        owned = store.list_conversations(owner="ann").conversations
        assert {one.key for one in owned} == {"s", "s/planner"}


@pytest.mark.parametrize("agent_id", [None, "planner"])
@pytest.mark.parametrize("state_has_expired", [False, True])
def test_messages_outlive_the_documents_of_their_session(
    agent_id: str | None, state_has_expired: bool
) -> None:
    """With a ``ttl``, a session's document expires although messages are added."""
    with SimpleChatStore() as store:
        first = agent(store, agent_id=agent_id)
        first.state.set("user", "ann")
        first("one")
        store.delete_messages("strands/session/s")
        if state_has_expired:
            store.delete_messages(f"strands/agent/s/{first.agent_id}")
            first.state.set("user", "ann")
            first("two")
            store.delete_messages(f"strands/agent/s/{first.agent_id}")
        second = agent(store, agent_id=agent_id)

        assert second.messages == first.messages
        assert second.state.get("user") == (None if state_has_expired else "ann")
        second("three")
        assert contents(agent(store, agent_id=agent_id).messages)[-2:] == ["three", "re: three"]
        ChatStoreRepository(store).delete_session("s")
        assert store.get_keys() == []


def test_what_the_conversation_manager_removed_is_not_read(
    store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def trimmed() -> Any:
        return SlidingWindowConversationManager(window_size=4)

    with open_store(store_url) as store:
        first = agent(store, conversation_manager=trimmed())
        for number in range(10):
            first(str(number))
        with caplog.at_level(logging.DEBUG, "chatstore"):
            second = agent(store, conversation_manager=trimmed())

        assert contents(second.messages) == contents(first.messages) == ["8", "re: 8", "9", "re: 9"]
        assert store.count_messages("s") == 20
        calls = [record.getMessage() for record in caplog.records if record.name == "chatstore"]
        assert [text.split()[0] for text in calls] == [
            "get_messages",
            "get_messages",
            "page_messages",
        ]


def test_a_guardrail_redacts_the_stored_message(store_url: str) -> None:
    class Guarded(FunctionModel):
        async def stream(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
            yield {"messageStart": {"role": "assistant"}}
            yield {"redactContent": {"redactUserContentMessage": "hidden"}}
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": "refused"}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "guardrail_intervened"}}

    with open_store(store_url) as store:
        agent(store, model=Guarded(echo))("secret")

        assert contents(agent(store).messages) == ["hidden", "refused"]
        assert "secret" not in repr(store.get_messages("s"))


def test_the_second_of_two_processes_is_refused(store_url: str) -> None:
    with open_store(store_url) as store:
        agent(store)("one")
        first, second = agent(store), agent(store)
        first("two")
        with pytest.raises(SessionException, match="another process continued it"):
            second("three")

        assert contents(agent(store).messages) == ["one", "re: one", "two", "re: two"]


def test_an_agent_continues_what_others_began(each_store_url: str) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]
    with open_store(each_store_url) as store:
        store.create_conversation("s", owner="ann", title="Weather")
        store.add_messages(
            "s",
            [
                ChatMessage(role="user", content="q"),
                ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}),
                ChatMessage(role="tool", content="r", additional_kwargs={"tool_call_id": "c"}),
                ChatMessage(role="assistant", content="a"),
            ],
        )
        agent(store, messages=[{"role": "user", "content": [{"text": "mine"}]}])("next")
        third = agent(store)

        assert [message["content"] for message in third.messages] == [
            [{"text": "q"}],
            [call("f", "c", a=1)],
            [result("c", "r")],
            [{"text": "a"}],
            [{"text": "next"}],
            [{"text": "re: next"}],
        ]
        record = store.get_conversation("s")
        assert record is not None
        assert (record.owner, record.title) == ("ann", "Weather")


def test_others_conversations_need_the_default_agent() -> None:
    with SimpleChatStore() as store:
        store.add_message("s", ChatMessage(role="user", content="q"))

        assert agent(store, agent_id="planner").messages == []


def test_a_conversation_with_a_key_of_its_own_is_continued() -> None:
    with SimpleChatStore() as store:
        store.add_message("app/user/1", ChatMessage(role="user", content="q"))
        repository = ChatStoreRepository(
            store, key_fn=lambda session_id, _: f"app/user/{session_id}"
        )
        session = ChatStoreSessionManager("1", repository)
        options: Any = {"session_manager": session, "callback_handler": None}
        Agent(FunctionModel(echo), **options)("next")

        assert [message.content for message in store.get_messages("app/user/1")] == [
            *("q", "next", "re: next")
        ]
        repository.delete_session("1")
        assert store.get_keys() == []


@pytest.mark.parametrize("session_has_expired", [False, True])
def test_a_graph_goes_on_at_the_node_that_was_killed(
    store_url: str, session_has_expired: bool
) -> None:
    killed = run_killed(GRAPH, store_url, "kill")
    with open_store(store_url) as store:
        if session_has_expired:
            store.delete_messages("strands/session/s")

        assert killed == ["first", "second"]
        assert run_program(GRAPH, store_url) == ["second", "by first, by second"]
        ChatStoreRepository(store).delete_session("s")
        assert store.get_keys() == []


def test_a_swarm_is_stored(store_url: str) -> None:
    with ChatStoreRepository(store_url) as repository:
        session = ChatStoreSessionManager("s", repository)
        node = Agent(FunctionModel(echo), name="node", callback_handler=None)
        Swarm([node], id="swarm", session_manager=session)("go")

        state = repository.read_multi_agent("s", "swarm")
        assert state is not None
        assert (state["status"], list(state["node_results"])) == ("completed", ["node"])
