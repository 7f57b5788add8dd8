"""A conversation continues from framework to framework, each with its own agent and fake model.

Every agent calls its tool twice at once for each question, and then repeats the results.
"""

# The generators are beside the tests of the integrations.
# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import json
from typing import Any

import generated_haystack
import generated_langchain
import generated_llama_index
import generated_openai_agents
import generated_pydantic_ai
import pytest
from agents import Agent as OpenAIAgent
from agents import Runner, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from haystack.components.agents import Agent as HaystackAgent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage as HaystackMessage
from haystack.dataclasses import ToolCall
from haystack.tools.tool import Tool
from hypothesis import HealthCheck, given, settings
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

from chatstore.core import ChatStore, SimpleChatStore, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.core.tool_calls import call_references, result_references
from chatstore.haystack import StoredChatMessages, to_haystack
from chatstore.haystack import to_messages as from_haystack
from chatstore.langchain import ChatHistoryMiddleware, to_langchain
from chatstore.langchain import to_messages as from_langchain
from chatstore.llama_index import BufferMemory, to_llama_index
from chatstore.llama_index import to_messages as from_llama_index
from chatstore.openai_agents import ChatStoreSession, to_items
from chatstore.openai_agents import to_messages as from_items
from chatstore.pydantic_ai import MessageHistory, to_model_messages
from chatstore.pydantic_ai import to_messages as from_model_messages

# LlamaIndex's workflows use attributes that pydantic deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")

KEY = "k"


def tool(word: str, place: int) -> str:
    """Look for a word."""
    return f"{word} at {place}"


def by_openai_agents(store: ChatStore, question: str) -> Any:
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
        await Runner.run(agent, question, session=ChatStoreSession(KEY, store))
        return model.calls[0].input

    return asyncio.run(ask())


def by_pydantic_ai(store: ChatStore, question: str) -> Any:
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
        history = MessageHistory(store, KEY)
        result = await agent.run(question, message_history=await history.async_load())
        await history.async_save(result.new_messages())

    asyncio.run(ask())
    return seen[0]


def by_haystack(store: ChatStore, question: str) -> Any:
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
    messages = [*history.retrieve_messages(KEY), HaystackMessage.from_user(question)]
    history.write_messages(KEY, agent.run(messages=messages)["messages"])
    return seen[0]


def by_llama_index(store: ChatStore, question: str) -> Any:
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
            chat_store=store, chat_store_key=KEY, token_limit=10**6, tokenizer_fn=str.split
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


def by_langchain(store: ChatStore, question: str) -> Any:
    """Ask an agent of LangChain, and return the first input of its model."""
    history = ChatHistoryMiddleware(store, KEY, token_limit=10**6, tokenizer_fn=str.split)
    model = LangChainModel(seen=[])
    agent = create_agent(model, [tool], middleware=[history])
    agent.invoke({"messages": [{"role": "user", "content": question}]})
    return model.seen[0]


def words_of_llama_index(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in LlamaIndex's messages."""
    words: list[Any] = []
    for message in messages:
        if message.role == "tool":
            words.append(("result", message.additional_kwargs["tool_call_id"], message.content))
        elif message.content:
            words.append((message.role.value, message.content))
        calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
        words += [("call", call.tool_call_id, call.tool_kwargs) for call in calls]
    return words


def words_of_langchain(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in LangChain's messages."""
    words: list[Any] = []
    for message in messages:
        if message.type == "tool":
            words.append(("result", message.tool_call_id, message.text))
            continue
        if message.text:
            words.append(("user" if message.type == "human" else "assistant", message.text))
        if message.type == "ai":
            words += [("call", call["id"], call["args"]) for call in message.tool_calls]
    return words


def words_of_items(items: Any) -> Any:
    """Return the texts with their roles, the calls and the results in the SDK's items."""
    words: list[Any] = []
    for item in items:
        if item.get("type") == "function_call":
            words.append(("call", item["call_id"], json.loads(item["arguments"])))
        elif item.get("type") == "function_call_output":
            words.append(("result", item["call_id"], item["output"]))
        elif "role" in item:
            content = item["content"]
            words.append(
                (item["role"], content if isinstance(content, str) else content[0]["text"])
            )
    return words


def words_of_model_messages(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Pydantic AI's messages."""
    words: list[Any] = []
    for part in (part for message in messages for part in message.parts):
        if part.part_kind == "tool-call":
            words.append(("call", part.tool_call_id, part.args_as_dict()))
        elif part.part_kind == "tool-return":
            assert part.tool_name == "tool"
            words.append(("result", part.tool_call_id, part.content))
        elif part.part_kind in {"user-prompt", "text"}:
            words.append(("user" if part.part_kind != "text" else "assistant", part.content))
    return words


def words_of_haystack(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Haystack's messages."""
    words: list[Any] = []
    for message in messages:
        for result in message.tool_call_results:
            words.append(("result", result.origin.id, result.result))
            assert result.origin.arguments["place"] in {1, 2}
        if message.text:
            words.append((message.role.value, message.text))
        words += [("call", call.id, call.arguments) for call in message.tool_calls]
    return words


FRAMEWORKS: dict[str, Any] = {
    "openai-agents": (by_openai_agents, words_of_items, to_items),
    "pydantic-ai": (by_pydantic_ai, words_of_model_messages, to_model_messages),
    "haystack": (by_haystack, words_of_haystack, to_haystack),
    "llama-index": (by_llama_index, words_of_llama_index, to_llama_index),
    "langchain": (by_langchain, words_of_langchain, to_langchain),
}
NAMES = tuple(FRAMEWORKS)
ORDERS = [NAMES[place:] + NAMES[:place] for place in range(len(NAMES))]
ORDERS += [order[::-1] for order in ORDERS]


def turn(question: str) -> Any:
    """Return the question, its calls, their results and the answer."""
    results = [f"{question} at {place}" for place in (1, 2)]
    return [
        ("user", question),
        *(("call", f"{question}-{p}", {"word": question, "place": p}) for p in (1, 2)),
        *(("result", f"{question}-{p}", results[p - 1]) for p in (1, 2)),
        ("assistant", " and ".join(results)),
    ]


@pytest.mark.parametrize("order", ORDERS, ids="+".join)
def test_a_conversation_goes_on_in_another_framework(
    each_store_url: str, order: tuple[str, ...]
) -> None:
    words: list[Any] = []
    with open_store(each_store_url) as store:
        for place, name in enumerate((*order, *order)):
            ask, words_of, _ = FRAMEWORKS[name]
            question = f"q{place}"
            assert words_of(ask(store, question)) == [*words, ("user", question)]
            words += turn(question)

        messages = store.get_messages(KEY)
        assert provider_violations(messages) == []
        for _, words_of, read in FRAMEWORKS.values():
            assert words_of(read(messages)) == words


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_a_framework_wrote_reads_as_plain_messages(store_url: str, name: str) -> None:
    with open_store(store_url) as store:
        FRAMEWORKS[name][0](store, "q")
        messages = store.get_messages(KEY)

    assert provider_violations(messages) == []
    reply = [message for message in messages if message.content or call_references(message)]
    roles = [message.role.value for message in reply]
    assert (roles[0], roles[1], roles[-1]) == ("user", "assistant", "assistant")
    assert reply[0].content == "q"
    assert reply[-1].content == "q at 1 and q at 2"
    assert [call.id for call in call_references(reply[1])] == ["q-1", "q-2"]
    assert [result.id for message in reply for result in result_references(message)] == [
        "q-1",
        "q-2",
    ]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_a_framework_wrote_is_its_own_after_others_added_to_it(
    store_url: str, name: str
) -> None:
    with open_store(store_url) as store:
        ask, _, read = FRAMEWORKS[name]
        ask(store, "q0")
        before = store.get_messages(KEY)
        for other, (ask_other, _, _) in FRAMEWORKS.items():
            if other != name:
                ask_other(store, other)
        after = store.get_messages(KEY)

    assert after[: len(before)] == before
    assert read(after)[: len(before)] == read(before)


WRITTEN: dict[str, Any] = {
    "openai-agents": (generated_openai_agents.conversations(), from_items),
    "pydantic-ai": (generated_pydantic_ai.conversations(), from_model_messages),
    "haystack": (generated_haystack.conversations(), from_haystack),
    "llama-index": (generated_llama_index.conversations(), from_llama_index),
    "langchain": (generated_langchain.conversations(), from_langchain),
}
READ: dict[str, Any] = {
    "openai-agents": (to_items, from_items),
    "pydantic-ai": (to_model_messages, from_model_messages),
    "haystack": (to_haystack, from_haystack),
    "llama-index": (to_llama_index, from_llama_index),
    "langchain": (to_langchain, from_langchain),
}


def contents(messages: Any) -> Any:
    """Return the joined texts of messages, without results of tools."""
    pieces = []
    for message in messages:
        if message.role.value in {"tool", "function"} or message.content is None:
            continue
        if isinstance(message.content, str):
            pieces.append(message.content)
        else:
            pieces += [block.text for block in message.content if block.type == "text"]
    return "".join(pieces).replace("\n", "")


@pytest.mark.parametrize("reader", READ)
@pytest.mark.parametrize("writer", WRITTEN)
def test_whatever_was_written_is_read_and_keeps_its_texts(writer: str, reader: str) -> None:
    conversations, to_messages = WRITTEN[writer]
    read, back = READ[reader]

    @given(conversations)
    @settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    def check(conversation: Any) -> None:
        with SimpleChatStore() as store:
            store.add_messages(KEY, to_messages(conversation))
            messages = store.get_messages(KEY)
            plain = [without_payload(message) for message in messages]
            assert contents(back(read(plain))) == contents(plain)
            read(messages)

    check()


def without_payload(message: Any) -> Any:
    """Return a message as another framework reads it."""
    kwargs = {
        key: value for key, value in message.additional_kwargs.items() if key != "chatstore.payload"
    }
    return message.model_copy(update={"additional_kwargs": kwargs})
