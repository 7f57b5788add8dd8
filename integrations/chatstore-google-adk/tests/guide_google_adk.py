"""An agent that asks a tool about cities, a turn for each: ``guide_google_adk.py URL CITY ...``.

It prints a line of JSON for each request to the model: what the model receives. The process is
killed while the tool runs for the city Atlantis.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.genai import types

from chatstore.core import open_store
from chatstore.google_adk import ChatStoreSessionService


class FakeModel(BaseLlm):
    """Asks the tool about a city, then repeats its result."""

    model: str = "fake"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Return a call, or the answer."""
        received = [
            [content.role, *map(describe, content.parts or [])] for content in llm_request.contents
        ]
        print(json.dumps(received), flush=True)
        last = (llm_request.contents[-1].parts or [])[-1]
        if last.function_response and last.function_response.response:
            part = types.Part(text=last.function_response.response["result"])
        else:
            part = types.Part.from_function_call(name="weather", args={"city": last.text})
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


def describe(part: types.Part) -> Any:
    """Return the fields of a part that a model receives."""
    if part.function_call:
        return {"call": part.function_call.args}
    if part.function_response:
        return {"result": part.function_response.response}
    return part.text


def weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Atlantis":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"sunny in {city}"


async def chat(url: str, cities: list[str]) -> None:
    """Run a turn for each city."""
    async with open_store(url) as store:
        runner = Runner(
            app_name="travel",
            agent=LlmAgent(name="guide", model=FakeModel(), tools=[weather], output_key="last"),
            session_service=ChatStoreSessionService(store),
            auto_create_session=True,
        )
        for city in cities:
            message = types.Content(role="user", parts=[types.Part(text=city)])
            turn = runner.run_async(user_id="42", session_id="1", new_message=message)
            async for event in turn:
                del event
        await runner.close()


if __name__ == "__main__":
    asyncio.run(chat(sys.argv[1], sys.argv[2:]))
