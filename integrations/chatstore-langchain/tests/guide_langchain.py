"""An agent that asks a tool about cities, one turn for each: ``guide_langchain.py URL CITY ...``.

It prints a line of JSON per turn: the answer, and what the model received, twice. The tool kills
this process at the city that the environment variable ``KILLED_AT`` names.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from chatstore.core import open_store
from chatstore.langchain import ChatHistoryMiddleware

received: list[list[list[Any]]] = []


class Model(BaseChatModel):
    """Acts as a model: asks the tool about a city, then repeats its result."""

    @property
    def _llm_type(self) -> str:
        return "guide"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Any:
        """Accept tools."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **options: Any,
    ) -> ChatResult:
        received.append([[message.type, message.content] for message in messages])
        last = messages[-1]
        call = {"name": "weather", "args": {"city": last.content}, "id": f"call-{len(messages)}"}
        message = (
            AIMessage(last.content) if last.type == "tool" else AIMessage("", tool_calls=[call])
        )
        return ChatResult(generations=[ChatGeneration(message=message)])


def weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == os.environ.get("KILLED_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    return f"sunny in {city}"


with open_store(sys.argv[1]) as store:
    history = ChatHistoryMiddleware(store, token_limit=3000)
    agent: Any = create_agent(Model(), [weather], system_prompt="Be brief.", middleware=[history])
    thread = {"configurable": {"thread_id": "user:42"}}
    for city in sys.argv[2:]:
        result = agent.invoke({"messages": [{"role": "user", "content": city}]}, thread)
        print(json.dumps([result["messages"][-1].content, *received]), flush=True)
        received.clear()
