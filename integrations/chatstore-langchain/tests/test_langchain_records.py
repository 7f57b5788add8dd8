"""New conversations get an owner and a title, and histories can be forked."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from agents_langchain import THREAD, Model, agent, ask
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from chatstore.core import (
    ChatStore,
    ConversationExistsError,
    InvalidArgumentError,
    MessageNotFoundError,
    SimpleChatStore,
    open_store,
)
from chatstore.langchain import ChatHistoryMiddleware, ChatStoreMessageHistory


def record(store: ChatStore, key: str = "k") -> Any:
    conversation = store.get_conversation(key)
    assert conversation is not None
    return conversation.owner, conversation.title, conversation.length


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
@pytest.mark.parametrize("has_checkpointer", [False, True])
def test_an_agents_new_conversation_gets_an_owner_and_a_title(
    store_url: str, by: str, has_checkpointer: bool
) -> None:
    with open_store(store_url) as store:
        runner = agent(
            store,
            Model(outputs=[AIMessage("hello")]),
            checkpointer=InMemorySaver() if has_checkpointer else None,
            owner=lambda runtime: runtime.context.user,
            title=lambda messages: messages[0].content[:5],
        )
        for user, question in (("alice", "question"), ("bob", "another")):
            inputs = {"messages": [HumanMessage(question)]}
            context = SimpleNamespace(user=user)
            if by == "invoke":
                runner.invoke(inputs, THREAD, context=context)
            else:
                asyncio.run(runner.ainvoke(inputs, THREAD, context=context))

        # The first run decides: existing conversations keep their owner and title.
        assert record(store) == ("alice", "quest", 4)
        [listed] = store.list_conversations(owner="alice").conversations
        assert listed.key == "k"


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
def test_a_deleted_conversation_begins_again_with_its_owner(by: str) -> None:
    store = SimpleChatStore()
    options = {"owner": "alice", "title": lambda messages: messages[0].content}
    model = Model(outputs=[AIMessage("hello")])
    runner = agent(store, model, checkpointer=InMemorySaver(), **options)
    ask(runner, HumanMessage("one"), by=by)
    store.delete_messages("k")
    ask(runner, HumanMessage("two"), by=by)
    assert record(store) == ("alice", "one", 2)


def test_conversations_without_owner_and_title_are_not_created_before_their_messages() -> None:
    store = SimpleChatStore()
    ask(agent(store, Model(outputs=[AIMessage("hello")])), HumanMessage("q"))
    assert record(store) == (None, None, 2)


@pytest.mark.parametrize("options", [{"owner": ""}, {"title": "x" * 1001}])
def test_bad_owners_and_titles_are_refused_at_once(options: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        ChatHistoryMiddleware(SimpleChatStore(), **options)
    with pytest.raises(InvalidArgumentError):
        ChatStoreMessageHistory(SimpleChatStore(), "k", **options)


def test_a_history_gets_an_owner_and_a_title_with_its_first_message(store_url: str) -> None:
    with open_store(store_url) as store:
        history = ChatStoreMessageHistory(store, "k", owner="alice", title="Lisbon")
        assert store.get_conversation("k") is None
        history.add_messages([HumanMessage("one")])
        assert record(store) == ("alice", "Lisbon", 1)

        async def add() -> None:
            for key in ("k", "l"):
                other = ChatStoreMessageHistory(store, key, owner="bob")
                await other.aadd_messages([HumanMessage("two")])

        asyncio.run(add())
        assert record(store) == ("alice", "Lisbon", 2)
        assert record(store, "l") == ("bob", None, 1)

        history.clear()
        history.add_messages([HumanMessage("again")])
        assert record(store) == ("alice", "Lisbon", 1)


def test_a_fork_has_the_messages_up_to_one_and_goes_its_own_way(store_url: str) -> None:
    with open_store(store_url) as store:
        history = ChatStoreMessageHistory(store, "k", owner="alice")
        history.add_messages([HumanMessage("one", id="1"), AIMessage("two", id="2")])

        first = history.fork("fork", until="1")
        second = asyncio.run(history.afork("whole"))
        first.add_messages([HumanMessage("three")])

        assert [message.content for message in first.messages] == ["one", "three"]
        assert second.messages == history.messages
        assert record(store, "fork") == ("alice", None, 2)
        for fork in (first, second):
            fork.clear()
            fork.add_messages([HumanMessage("again")])
            assert record(store, fork.key) == ("alice", None, 1)
        with pytest.raises(ConversationExistsError):
            history.fork("fork")
        with pytest.raises(MessageNotFoundError):
            history.fork("other", until="9")
