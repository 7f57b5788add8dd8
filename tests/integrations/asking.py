"""Agents of frameworks with fake models, which continue a conversation of a store.

Every agent calls its tool twice at once for the question, and then repeats the results.
"""

from __future__ import annotations

import asyncio
from typing import Any

from agents import Agent as OpenAIAgent
from agents import Runner, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from haystack.components.agents import Agent as HaystackAgent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage as HaystackMessage
from haystack.dataclasses import ToolCall
from haystack.tools.tool import Tool
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage as LlamaIndexMessage
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from chatstore.core import ChatStore
from chatstore.haystack import StoredChatMessages
from chatstore.langchain import ChatHistoryMiddleware
from chatstore.llama_index import BufferMemory
from chatstore.openai_agents import ChatStoreSession
from chatstore.pydantic_ai import MessageHistory


def tool(word: str, place: int) -> str:
    """Look for a word."""
    return f"{word} at {place}"


def by_openai_agents(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of the OpenAI Agents SDK, and return the first input of its model."""

    def answer(call: Any) -> Any:
        outputs = [item["output"] for item in call.input if item.get("type", "").endswith("output")]
        if call.input[-1].get("type") == "function_call_output":
            return [assistant_message(" and ".join(outputs[-2:]))]
        return [
            function_call("tool", {"word": question, "place": place}, call_id=f"{question}-{place}")
            for place in (1, 2)
        ]

    async def ask() -> Any:
        model = ScriptedModel([ModelStep.respond(answer)] * 2)
        agent = OpenAIAgent(name="a", model=model, tools=[function_tool(tool)])
        await Runner.run(agent, question, session=ChatStoreSession(key, store))
        return model.calls[0].input

    return asyncio.run(ask())


def by_pydantic_ai(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of Pydantic AI, and return the first input of its model."""
    seen = []

    def answer(messages: Any, info: Any) -> Any:
        seen.append(list(messages))
        parts = messages[-1].parts
        if parts[-1].part_kind == "tool-return":
            return ModelResponse([TextPart(" and ".join(part.content for part in parts[-2:]))])
        calls = [
            ToolCallPart("tool", {"word": question, "place": place}, f"{question}-{place}")
            for place in (1, 2)
        ]
        return ModelResponse([ThinkingPart("hm"), *calls])

    async def ask() -> None:
        agent = PydanticAgent(FunctionModel(answer), tools=[tool], instructions="Be nice.")
        history = MessageHistory(store, key)
        result = await agent.run(question, message_history=await history.async_load())
        await history.async_save(result.new_messages())

    asyncio.run(ask())
    return seen[0]


def by_haystack(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of Haystack, and return the first input of its model."""
    seen = []

    def answer(messages: Any) -> Any:
        seen.append(list(messages))
        if messages[-1].tool_call_result:
            results = [message.tool_call_result.result for message in messages[-2:]]
            return HaystackMessage.from_assistant(" and ".join(results))
        calls = [
            ToolCall("tool", {"word": question, "place": place}, f"{question}-{place}")
            for place in (1, 2)
        ]
        return HaystackMessage.from_assistant(tool_calls=calls, reasoning="hm")

    parameters = {
        "type": "object",
        "properties": {"word": {"type": "string"}, "place": {"type": "integer"}},
        "required": ["word", "place"],
    }
    agent = HaystackAgent(
        chat_generator=MockChatGenerator(response_fn=answer),
        tools=[Tool("tool", "Look for a word.", parameters, tool)],
    )
    history = StoredChatMessages(store, last_k=None)
    messages = [*history.retrieve_messages(key), HaystackMessage.from_user(question)]
    history.write_messages(key, agent.run(messages=messages)["messages"])
    return seen[0]


def by_llama_index(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of LlamaIndex, and return the first input of its model."""
    seen = []

    def answer(messages: Any, **options: Any) -> Any:
        seen.append(list(messages))
        if messages[-1].role == "tool":
            results = [message.content for message in messages[-2:]]
            return LlamaIndexMessage(role="assistant", content=" and ".join(results))
        calls = [
            ToolCallBlock(
                tool_call_id=f"{question}-{place}",
                tool_name="tool",
                tool_kwargs={"word": question, "place": place},
            )
            for place in (1, 2)
        ]
        return LlamaIndexMessage(role="assistant", blocks=calls)

    async def ask() -> None:
        memory = BufferMemory.from_defaults(
            chat_store=store, chat_store_key=key, token_limit=10**6, tokenizer_fn=str.split
        )
        llm = MockFunctionCallingLLM(response_generator=answer)
        await FunctionAgent(tools=[tool], llm=llm).run(question, memory=memory)

    asyncio.run(ask())
    return seen[0]


class LangChainModel(BaseChatModel):
    """Calls its tool twice at once, then repeats the results."""

    seen: list[Any]

    @property
    def _llm_type(self) -> Any:
        return "crossing"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any
    ) -> Any:
        self.seen.append(messages)
        question = messages[-1].content
        if messages[-1].type == "tool":
            reply = AIMessage(" and ".join(message.content for message in messages[-2:]))
        else:
            calls = [
                {
                    "name": "tool",
                    "args": {"word": question, "place": place},
                    "id": f"{question}-{place}",
                }
                for place in (1, 2)
            ]
            reply = AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=reply)])


def by_langchain(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of LangChain, and return the first input of its model."""
    history = ChatHistoryMiddleware(store, key, token_limit=10**6, tokenizer_fn=str.split)
    model = LangChainModel(seen=[])
    agent = create_agent(model, [tool], middleware=[history])
    agent.invoke({"messages": [{"role": "user", "content": question}]})
    return model.seen[0]
