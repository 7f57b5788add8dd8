"""LangChain's middleware of this project beside LangGraph's own checkpointer on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.messages import HumanMessage
from langchain_core.language_models import FakeListChatModel
from langgraph.checkpoint.sqlite import SqliteSaver

from chatstore.core import open_store
from chatstore.langchain import ChatHistoryMiddleware, ChatStoreMessageHistory


def test_both_keep_the_conversation_once_when_a_new_process_goes_on(tmp_path: Path) -> None:
    thread: Any = {"configurable": {"thread_id": "k"}}
    expected: list[str] = []
    for turn in range(4):
        with (
            open_store(f"sqlite:///{tmp_path}/chat.db") as store,
            SqliteSaver.from_conn_string(f"{tmp_path}/checkpoints.db") as saver,
        ):
            history = ChatHistoryMiddleware(store, tokenizer_fn=str.split)
            model = FakeListChatModel(responses=[f"answer {turn}"])
            agent: Any = create_agent(model, middleware=[history], checkpointer=saver)
            result = agent.invoke({"messages": [HumanMessage(f"question {turn}")]}, thread)

            expected += [f"question {turn}", f"answer {turn}"]
            stored = ChatStoreMessageHistory(store, "k").messages
            assert [message.content for message in stored] == expected
            assert [message.content for message in result["messages"]] == expected
            assert [message.id for message in stored] == [one.id for one in result["messages"]]
