"""A conversation continues from framework to framework, each with its own agent and fake model.

Every agent calls its tool twice at once for each question, and then repeats the results.
"""

# The generators are beside the tests of the integrations.
# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import generated_haystack
import generated_langchain
import generated_llama_index
import generated_openai_agents
import generated_pydantic_ai
import pytest
from asking import by_haystack, by_langchain, by_llama_index, by_openai_agents, by_pydantic_ai
from hypothesis import HealthCheck, given, settings
from words import (
    turn,
    words_of_haystack,
    words_of_items,
    words_of_langchain,
    words_of_llama_index,
    words_of_model_messages,
)

from chatstore.core import SimpleChatStore, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.core.tool_calls import call_references, result_references
from chatstore.haystack import to_haystack
from chatstore.haystack import to_messages as from_haystack
from chatstore.langchain import to_langchain
from chatstore.langchain import to_messages as from_langchain
from chatstore.llama_index import to_llama_index
from chatstore.llama_index import to_messages as from_llama_index
from chatstore.openai_agents import to_items
from chatstore.openai_agents import to_messages as from_items
from chatstore.pydantic_ai import to_messages as from_model_messages
from chatstore.pydantic_ai import to_model_messages

# LlamaIndex's workflows use attributes that pydantic deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")

KEY = "k"


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


@pytest.mark.parametrize("order", ORDERS, ids="+".join)
def test_a_conversation_goes_on_in_another_framework(
    each_store_url: str, order: tuple[str, ...]
) -> None:
    words: list[Any] = []
    with open_store(each_store_url) as store:
        for place, name in enumerate((*order, *order)):
            ask, words_of, _ = FRAMEWORKS[name]
            question = f"q{place}"
            assert words_of(ask(store, KEY, question)) == [*words, ("user", question)]
            words += turn(question)

        messages = store.get_messages(KEY)
        assert provider_violations(messages) == []
        for _, words_of, read in FRAMEWORKS.values():
            assert words_of(read(messages)) == words


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_a_framework_wrote_reads_as_plain_messages(store_url: str, name: str) -> None:
    with open_store(store_url) as store:
        FRAMEWORKS[name][0](store, KEY, "q")
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
        ask(store, KEY, "q0")
        before = store.get_messages(KEY)
        for other, (ask_other, _, _) in FRAMEWORKS.items():
            if other != name:
                ask_other(store, KEY, other)
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
