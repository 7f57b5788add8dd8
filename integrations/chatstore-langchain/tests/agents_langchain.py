"""Agents with a scripted model, for tests."""

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

from chatstore.core import ChatStore
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import (
    ChatHistoryMiddleware,
    to_messages,
)

THREAD = {"configurable": {"thread_id": "k"}}
LIMIT = 1000
LONG = "word " * 2000


class Model(BaseChatModel):
    """Returns its outputs one after the other, the last one again and again."""

    outputs: list[Any]
    seen: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self) -> Any:
        return "test"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self

    def bind(self, **options: Any) -> Any:
        return self

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any
    ) -> Any:
        self.seen.append(list(messages))
        output: Any = self.outputs.pop(0) if len(self.outputs) > 1 else self.outputs[0]
        if isinstance(output, Exception):
            raise output
        message: Any = output(messages) if callable(output) else output
        return ChatResult(generations=[ChatGeneration(message=message.model_copy())])


def agent(
    store: ChatStore,
    model: Any,
    *,
    tools: Any = (),
    others: Any = (),
    checkpointer: Any = None,
    system: Any = None,
    **options: Any,
) -> Any:
    options = {"tokenizer_fn": str.split, "token_limit": LIMIT, **options}
    return create_agent(
        model,
        list(tools),
        system_prompt=system,
        middleware=[*others, ChatHistoryMiddleware(store, **options)],
        checkpointer=checkpointer,
    )


def ask(runner: Any, *messages: Any, by: str = "invoke", thread: Any = THREAD) -> Any:
    request = {"messages": list(messages)}
    if by == "ainvoke":
        return asyncio.run(runner.ainvoke(request, thread))
    return runner.invoke(request, thread)


def words(value: Any) -> Any:
    """Return the number of words in JSON, without base64."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, dict):
        return sum(words(item) for item in value.values())
    if isinstance(value, list):
        return sum(words(item) for item in value)
    return 0


class Answer(BaseModel):
    """The answer."""

    text: str = Field(description="described " * 300)


def search(query: str) -> str:
    """Find."""
    return query


def valid(messages: Any) -> Any:
    return provider_violations([one for one in to_messages(messages) if one.role != "system"]) == []


def calling(*ids: Any, name: str = "search", content: Any = "") -> Any:
    return AIMessage(
        content, tool_calls=[{"name": name, "args": {"query": "x"}, "id": one} for one in ids]
    )


def result(call_id: str, content: Any = "r", **more: Any) -> Any:
    return ToolMessage(content, tool_call_id=call_id, **more)
