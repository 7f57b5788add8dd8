"""Scripted models, and memories over a store, for tests."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ToolCallBlock,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM

from chatstore.core import ChatStore
from chatstore.llama_index import (
    BufferMemory,
)


def chat_message(text: str, role: str = "user") -> Any:
    return ChatMessage(role=role, content=text)


def contents(messages: Any) -> Any:
    return [message.content for message in messages]


def words(messages: Any) -> Any:
    return sum(len((message.content or "").split()) for message in messages)


def memory_over(store: ChatStore, key: str = "k", **options: Any) -> Any:
    options = {"tokenizer_fn": str.split, **options}
    return BufferMemory.from_defaults(chat_store=store, chat_store_key=key, **options)


class Seen:
    """A model that records its input and answers in 40 words."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.llm = MockFunctionCallingLLM(response_generator=self.answer)

    def answer(self, messages: Any, **options: Any) -> Any:
        self.seen.append(list(messages))
        return chat_message("a " * 40, "assistant")


def ask(engine: Any, by: str) -> None:
    async def stream() -> None:
        response = await engine.astream_chat("q " * 20)
        async for _ in response.async_response_gen():
            pass
        task = getattr(response, "awrite_response_to_history_task", None)
        if task is not None:  # versions of LlamaIndex differ in who awaits it
            await task

    if by == "chat":
        engine.chat("q " * 20)
    elif by == "achat":
        asyncio.run(engine.achat("q " * 20))
    elif by == "stream_chat":
        response = engine.stream_chat("q " * 20)
        list(response.response_gen)
        thread = getattr(response, "write_response_to_history_thread", None)
        if thread is not None:
            thread.join()
    else:
        asyncio.run(stream())


class Completing(MockLLM):
    """A model that records its prompts and answers in a few words."""

    _prompts: list[str] = PrivateAttr(default_factory=list)

    def complete(self, prompt: Any, formatted: Any = False, **options: Any) -> Any:
        self._prompts.append(prompt)
        return super().complete(prompt, formatted, **options)


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


class CallingModel:
    """Calls a tool for each question, with ids as a certain provider returns them."""

    def __init__(self, call_id: Any, calls: Any = 1) -> None:
        self.seen: list[Any] = []
        self.call_id = call_id
        self.calls = calls
        self.llm = MockFunctionCallingLLM(response_generator=self.answer)

    def answer(self, messages: Any, **options: Any) -> Any:
        self.seen.append(list(messages))
        last = messages[-1]
        if last.role == "tool":
            return chat_message(last.content, "assistant")
        blocks = [
            ToolCallBlock(
                tool_call_id=self.call_id(n), tool_name="weather", tool_kwargs={"city": f"c{n}"}
            )
            for n in range(self.calls)
        ]
        return ChatMessage(role="assistant", blocks=blocks)


# Ollama's integration gives calls no id or an empty one and results the tool's name, Vertex AI's
# gives both the tool's name.
