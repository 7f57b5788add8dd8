"""Models that say what they are told to, and memories over a store, for tests."""

from __future__ import annotations

import asyncio

from llama_index.core.base.llms.types import (
    ChatMessage,
    ToolCallBlock,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM

from chatstore.llama_index import (
    BufferMemory,
)


def say(text, role="user"):
    return ChatMessage(role=role, content=text)


def texts(messages):
    return [message.content for message in messages]


def words(messages):
    return sum(len((message.content or "").split()) for message in messages)


def memory_over(store, key="k", **options):
    options = {"tokenizer_fn": str.split, **options}
    return BufferMemory.from_defaults(chat_store=store, chat_store_key=key, **options)


class Seen:
    """A model that notes what it is sent, and answers in 40 words."""

    def __init__(self):
        self.seen = []
        self.llm = MockFunctionCallingLLM(response_generator=self.answer)

    def answer(self, messages, **options):
        self.seen.append(list(messages))
        return say("a " * 40, "assistant")


def ask(engine, by):
    async def stream():
        response = await engine.astream_chat("q " * 20)
        async for _ in response.async_response_gen():
            pass
        task = getattr(response, "awrite_response_to_history_task", None)
        if task is not None:  # LlamaIndex's versions differ in who waits for it
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
    """A model that notes what it is asked, and answers in a few words."""

    _prompts: list[str] = PrivateAttr(default_factory=list)

    def complete(self, prompt, formatted=False, **options):
        self._prompts.append(prompt)
        return super().complete(prompt, formatted, **options)


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


class CallingModel:
    """Calls a tool for each question, with whatever ids its provider has."""

    def __init__(self, call_id, calls=1):
        self.seen = []
        self.call_id = call_id
        self.calls = calls
        self.llm = MockFunctionCallingLLM(response_generator=self.answer)

    def answer(self, messages, **options):
        self.seen.append(list(messages))
        last = messages[-1]
        if last.role == "tool":
            return say(last.content, "assistant")
        blocks = [
            ToolCallBlock(
                tool_call_id=self.call_id(n), tool_name="weather", tool_kwargs={"city": f"c{n}"}
            )
            for n in range(self.calls)
        ]
        return ChatMessage(role="assistant", blocks=blocks)


# Ollama's integration gives calls no id or an empty one and results the tool's name, Vertex AI's
# gives both the tool's name.
