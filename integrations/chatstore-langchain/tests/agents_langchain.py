"""Agents with a model that says what it is told to, for tests."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import BaseModel, Field

from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import (
    ChatHistoryMiddleware,
    to_messages,
)

THREAD = {"configurable": {"thread_id": "k"}}
LIMIT = 1000
LONG = "word " * 2000


class Model(BaseChatModel):
    """Says what it is told to say, one after the other, the last again and again."""

    says: list[Any]
    seen: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self):
        return "test"

    def bind_tools(self, tools, **options):
        return self

    def bind(self, **options):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **options):
        self.seen.append(list(messages))
        says = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(says, Exception):
            raise says
        if callable(says):
            says = says(messages)
        return ChatResult(generations=[ChatGeneration(message=says.model_copy())])


def agent(store, model, *, tools=(), others=(), checkpointer=None, system=None, **options):
    options = {"tokenizer_fn": str.split, "token_limit": LIMIT, **options}
    return create_agent(
        model,
        list(tools),
        system_prompt=system,
        middleware=[*others, ChatHistoryMiddleware(store, **options)],
        checkpointer=checkpointer,
    )


def ask(made, *messages, by="invoke", thread=THREAD):
    asked = {"messages": list(messages)}
    if by == "ainvoke":
        return asyncio.run(made.ainvoke(asked, thread))
    return made.invoke(asked, thread)


def words(value):
    """Return how many words any JSON has that is no base64."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, dict):
        return sum(words(item) for item in value.values())
    if isinstance(value, list):
        return sum(words(item) for item in value)
    return 0


class Answer(BaseModel):
    """What is asked for."""

    text: str = Field(description="described " * 300)


def search(query: str) -> str:
    """Find."""
    return query


def valid(messages):
    return provider_violations([one for one in to_messages(messages) if one.role != "system"]) == []


def calling(*ids, name="search", content=""):
    return AIMessage(
        content, tool_calls=[{"name": name, "args": {"query": "x"}, "id": one} for one in ids]
    )


def result(call_id, content="r", **more):
    return ToolMessage(content, tool_call_id=call_id, **more)
