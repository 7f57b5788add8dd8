"""An agent that asks a tool about cities, a turn for each.

``guide_pydantic_ai.py conversations|history URL CITY ...`` keeps the conversation with
`ChatStoreConversations` or `MessageHistory`. It prints a line of JSON per turn: the answer, and
what the model received, twice. While the tool looks for a city with ``!``, the process is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from pydantic_ai import Agent, ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.conversation import Conversation
from pydantic_ai.models.function import AgentInfo, FunctionModel

from chatstore.core import ChatStore, open_store
from chatstore.pydantic_ai import ChatStoreConversations, HistoryWindow, MessageHistory

received: list[list[list[Any]]] = []


def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Act as the model: ask the tool about a city, then repeat its result."""
    parts: list[Any] = [part for message in messages for part in message.parts]
    received.append(
        [[part.part_kind, part.content] for part in parts if part.part_kind != "tool-call"]
    )
    last = parts[-1]
    if last.part_kind == "tool-return":
        return ModelResponse([TextPart(last.content)])
    return ModelResponse([ToolCallPart("weather", {"city": last.content})])


agent = Agent(FunctionModel(answer), instructions="Be brief.", capabilities=[HistoryWindow(3000)])


@agent.tool_plain
def weather(city: str) -> str:
    """Tell the weather of a city."""
    if city.endswith("!"):
        os.kill(os.getpid(), signal.SIGKILL)
    return f"sunny in {city}"


async def turn_of_conversation(store: ChatStore, city: str) -> str:
    """Load a conversation, run the agent and save what is new."""
    conversations = ChatStoreConversations(store)
    conversation = await conversations.load("user:42") or Conversation(conversation_id="user:42")
    result = await agent.run(city, conversation=conversation)
    await conversations.save(result, scope="ann")
    return result.output


async def turn_of_history(store: ChatStore, city: str) -> str:
    """Load the messages, run the agent and save the new ones."""
    history = MessageHistory(store, "user:42")
    result = await agent.run(city, message_history=await history.async_load())
    await history.async_save(result.new_messages())
    return result.output


async def main(kind: str, url: str, *cities: str) -> None:
    """Run a turn for each city."""
    turn = {"conversations": turn_of_conversation, "history": turn_of_history}[kind]
    async with open_store(url) as store:
        for city in cities:
            output = await turn(store, city)
            print(json.dumps([output, *received]), flush=True)
            received.clear()


asyncio.run(main(*sys.argv[1:]))
