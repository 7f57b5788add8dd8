"""A chat with a tool and Anthropic's Messages API: ``anthropic_loop.py URL KEY TEXT ...``."""

from __future__ import annotations

import sys

from anthropic import Anthropic
from anthropic.types import ToolParam

from chatstore.core import ChatMemoryBuffer, ChatMessage, from_anthropic, open_store, to_anthropic

CITY: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOLS: list[ToolParam] = [{"name": "weather", "input_schema": CITY}]


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def answer(client: Anthropic, memory: ChatMemoryBuffer, text: str) -> str:
    """Answer a user; tools run until the model has an answer."""
    memory.put(ChatMessage(role="user", content=text))
    while True:
        window = memory.get(overhead=TOOLS)
        response = client.messages.create(
            model="claude-sonnet-4-5", max_tokens=1000, tools=TOOLS, **to_anthropic(window)
        )
        memory.put_messages(from_anthropic([response]))
        calls = [block for block in response.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in response.content if block.type == "text")
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": weather(**call.input)}
            for call in calls
        ]
        memory.put_messages(from_anthropic([{"role": "user", "content": results}]))


with open_store(sys.argv[1]) as store, Anthropic() as client:
    memory = ChatMemoryBuffer(8000, store, sys.argv[2], payload_fn=lambda one: to_anthropic([one]))
    for text in sys.argv[3:]:
        print(answer(client, memory, text), flush=True)
