"""A chat with a tool and Google's Gemini API: ``gemini_loop.py URL KEY TEXT ...``."""

from __future__ import annotations

import sys
from typing import Any

from google.genai import Client

from chatstore.core import ChatMemoryBuffer, ChatMessage, from_gemini, open_store, to_gemini

CITY: dict[str, object] = {
    "type": "OBJECT",
    "properties": {"city": {"type": "STRING"}},
    "required": ["city"],
}
TOOLS = [{"function_declarations": [{"name": "weather", "parameters": CITY}]}]


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def answer(client: Client, memory: ChatMemoryBuffer, text: str) -> str:
    """Answer a user; tools run until the model has an answer."""
    memory.put(ChatMessage(role="user", content=text))
    while True:
        request = to_gemini(memory.get(overhead=TOOLS))
        config: Any = {"system_instruction": request.get("system_instruction"), "tools": TOOLS}
        response = client.models.generate_content(
            model="gemini-2.5-pro", contents=request["contents"], config=config
        )
        memory.put_messages(from_gemini([response]))
        calls = response.function_calls
        if not calls:
            return response.text or ""
        results: list[Any] = [
            {"id": call.id, "name": call.name, "response": {"output": weather(**(call.args or {}))}}
            for call in calls
        ]
        parts = [{"functionResponse": result} for result in results]
        memory.put_messages(from_gemini([{"role": "user", "parts": parts}]))


with open_store(sys.argv[1]) as store, Client() as client:
    memory = ChatMemoryBuffer(8000, store, sys.argv[2], payload_fn=lambda one: to_gemini([one]))
    for text in sys.argv[3:]:
        print(answer(client, memory, text), flush=True)
