"""An agent that asks a tool about cities, a turn for each: ``guide_llama_index.py URL CITY ...``.

It prints a line of JSON per turn: the answer, and what the model received, twice.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM

from chatstore.core import open_store
from chatstore.llama_index import BufferMemory

received: list[list[list[Any]]] = []


def answer(messages: Sequence[ChatMessage], **options: Any) -> ChatMessage:
    """Act as the model: ask the tool about a city, then repeat its result."""
    received.append([[message.role.value, message.content] for message in messages])
    last = messages[-1]
    if last.role == "tool":
        return ChatMessage(role="assistant", content=last.content)
    call = ToolCallBlock(
        tool_call_id=f"call-{len(messages)}",
        tool_name="weather",
        tool_kwargs={"city": last.content},
    )
    return ChatMessage(role="assistant", blocks=[call])


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


async def main(url: str, *cities: str) -> None:
    """Ask about cities, one turn for each."""
    async with open_store(url) as store:
        memory = BufferMemory.from_defaults(chat_store=store, chat_store_key="user:42")
        agent = FunctionAgent(
            tools=[weather], llm=MockFunctionCallingLLM(response_generator=answer)
        )
        for city in cities:
            result = await agent.run(city, memory=memory)
            print(json.dumps([str(result), *received]))
            received.clear()


asyncio.run(main(*sys.argv[1:]))
