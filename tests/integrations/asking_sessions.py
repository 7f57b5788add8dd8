"""Agents of frameworks with sessions of their own, which continue a conversation of a store."""

# The fake models are beside the tests of the integrations.
# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from agent_framework import Agent as MicrosoftAgent
from agent_framework import Content, Message
from agent_framework import tool as microsoft_tool
from anthropic_model import reply
from asking import LangChainModel, tool
from claude_agent_sdk import project_key_for_directory
from claude_programs import run_agent
from fake_client import FakeClient
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.genai import types
from langchain_core.messages import HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from model_server import ModelServer, Reply
from models_strands import FunctionModel, call
from strands import Agent as StrandsAgent
from strands import tool as strands_tool
from words import words_of_anthropic

from chatstore.agent_framework import ChatStoreHistoryProvider
from chatstore.claude_agent_sdk import conversation_key
from chatstore.core import ChatStore, open_store
from chatstore.google_adk import ChatStoreSessionService, session_key
from chatstore.langchain import to_langchain, to_messages
from chatstore.langgraph import ChatStoreSaver
from chatstore.strands import ChatStoreRepository, ChatStoreSessionManager

ADK_SESSION = {"app_name": "app", "user_id": "ann", "session_id": "1"}
ADK_KEY = session_key(**ADK_SESSION)
"""The key of a conversation that ADK can continue: its keys are made of three names."""

CLAUDE_SESSION = "7f0c6bb0-6a53-4b5e-8b1f-2f5f3f1c9a10"
CLAUDE_PROGRAM = Path(__file__).parent / "claude_turn.py"


def by_agent_framework(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of Microsoft Agent Framework, and return the first input of its model."""

    def answer(messages: Any) -> Message:
        results = [c for m in messages[-2:] for c in m.contents if c.type == "function_result"]
        if messages[-1].role == "tool":
            return Message("assistant", [" and ".join(str(one.result) for one in results[-2:])])
        calls = [
            Content.from_function_call(
                f"{question}-{place}", "tool", arguments={"word": question, "place": place}
            )
            for place in (1, 2)
        ]
        return Message("assistant", calls)

    async def ask() -> Any:
        client = FakeClient(answer)
        agent = MicrosoftAgent(
            client,
            tools=[microsoft_tool(tool, approval_mode="never_require")],
            context_providers=[ChatStoreHistoryProvider(store, key_fn=lambda _: key)],
        )
        await agent.run(question, session=agent.create_session(session_id="1"))
        return client.received[0]

    return asyncio.run(ask())


def by_strands(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of Strands, and return the first input of its model."""

    def answer(messages: Any) -> Any:
        results = [part["toolResult"] for part in messages[-1]["content"] if "toolResult" in part]
        if results:
            return [{"text": " and ".join(one["content"][0]["text"] for one in results)}]
        calls = (call("tool", f"{question}-{p}", word=question, place=p) for p in (1, 2))
        return [{"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}, *calls]

    model = FunctionModel(answer)
    repository = ChatStoreRepository(store, key_fn=lambda *_: key)
    session = ChatStoreSessionManager("1", repository)
    StrandsAgent(model, tools=[strands_tool(tool)], session_manager=session, callback_handler=None)(
        question
    )
    return model.received[0]


class GeminiModel(BaseLlm):
    """Calls its tool twice at once, then repeats the results."""

    model: str = "crossing"
    seen: list[Any]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Return the calls, or the answer."""
        self.seen.append(list(llm_request.contents))
        parts: Any = llm_request.contents[-1].parts
        responses = [part.function_response for part in parts if part.function_response]
        if responses:
            text = " and ".join(one.response["result"] for one in responses)
            answers = [types.Part(text=text)]
        else:
            question = parts[-1].text
            answers = [
                types.Part(
                    function_call=types.FunctionCall(
                        id=f"{question}-{place}",
                        name="tool",
                        args={"word": question, "place": place},
                    )
                )
                for place in (1, 2)
            ]
        yield LlmResponse(content=types.Content(role="model", parts=answers))


def by_google_adk(store: ChatStore, key: str, question: str) -> Any:
    """Ask an agent of ADK, and return the first input of its model."""
    assert key == ADK_KEY

    async def ask() -> Any:
        model = GeminiModel(seen=[])
        runner = Runner(
            app_name=ADK_SESSION["app_name"],
            agent=LlmAgent(name="agent", model=model, tools=[tool]),
            session_service=ChatStoreSessionService(store),
            auto_create_session=True,
        )
        message = types.Content(role="user", parts=[types.Part(text=question)])
        async for event in runner.run_async(
            user_id=ADK_SESSION["user_id"],
            session_id=ADK_SESSION["session_id"],
            new_message=message,
        ):
            del event
        await runner.close()
        return model.seen[0]

    return asyncio.run(ask())


def by_langgraph(store: ChatStore, key: str, question: str) -> Any:
    """Ask a graph whose checkpoints are in the store, too; return the first input of its model.

    Checkpoints are not messages: the graph begins with the conversation's messages, and its new
    ones are appended.
    """
    model = LangChainModel(seen=[])

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", answer)
    builder.add_node("tools", ToolNode([tool]))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    graph = builder.compile(checkpointer=ChatStoreSaver(store))
    before = to_langchain(store.get_messages(key))
    state: Any = {"messages": [*before, HumanMessage(question)]}
    result = graph.invoke(state, {"configurable": {"thread_id": question}})
    store.add_messages(key, to_messages(result["messages"][len(before) :]))
    return model.seen[0]


def by_claude(url: str, key: str, question: str, home: Path) -> Any:
    """Ask the Claude Agent SDK with its CLI, and return the first input of its model.

    Its keys are made of a folder and the id of a session: the conversation is forked to such a
    key, and back.
    """

    def answer(path: str, body: Any) -> Reply:
        del path
        results = [one[2] for one in words_of_anthropic(body["messages"]) if one[0] == "result"]
        if words_of_anthropic(body["messages"])[-1][0] == "result":
            return reply(body, [{"type": "text", "text": " and ".join(results[-2:])}])
        calls = [
            {
                "type": "tool_use",
                "id": f"{question}-{place}",
                "name": "mcp__crossing__tool",
                "input": {"word": question, "place": place},
            }
            for place in (1, 2)
        ]
        return reply(body, calls)

    project = project_key_for_directory(home.parent / "work")
    session_key = conversation_key({"project_key": project, "session_id": CLAUDE_SESSION})
    with open_store(url) as store:
        store.delete_messages(session_key)
        store.fork(key, session_key)
    with ModelServer(answer) as model:
        run_agent(CLAUDE_PROGRAM, url, CLAUDE_SESSION, question, model_url=model.url, home=home)
    with open_store(url) as store:
        store.delete_messages(key)
        store.fork(session_key, key)
    return model.requests[0]["messages"]
