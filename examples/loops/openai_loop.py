"""A chat with a tool and OpenAI's Responses API: ``openai_loop.py URL KEY TEXT ...``."""

from __future__ import annotations

import json
import sys
from typing import Any

from openai import OpenAI
from openai.types.responses import ToolParam

from chatstore.core import ChatMemoryBuffer, ChatMessage, from_responses, open_store, to_responses

CITY: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOLS: list[ToolParam] = [
    {"type": "function", "name": "weather", "parameters": CITY, "strict": False}
]


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def answer(client: OpenAI, memory: ChatMemoryBuffer, text: str) -> str:
    """Answer a user; tools run until the model has an answer."""
    memory.put(ChatMessage(role="user", content=text))
    while True:
        items: Any = to_responses(memory.get(overhead=TOOLS))
        response = client.responses.create(
            model="gpt-5",
            input=items,
            tools=TOOLS,
            store=False,  # the store has the conversation; reasoning goes with it, encrypted
            include=["reasoning.encrypted_content"],
        )
        memory.put_messages(from_responses(response.output))
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        results = [(call.call_id, weather(**json.loads(call.arguments))) for call in calls]
        outputs = [
            {"type": "function_call_output", "call_id": call_id, "output": result}
            for call_id, result in results
        ]
        memory.put_messages(from_responses(outputs))


with open_store(sys.argv[1]) as store, OpenAI() as client:
    memory = ChatMemoryBuffer(8000, store, sys.argv[2], payload_fn=lambda one: to_responses([one]))
    for text in sys.argv[3:]:
        print(answer(client, memory, text), flush=True)
