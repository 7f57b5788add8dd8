"""Metadata of messages survive every framework, and no framework sends them."""

# The generators are beside the tests of the integrations.
# pyright: reportMissingImports=false

from __future__ import annotations

import copy
import pickle
from typing import Any

import generated_haystack
import generated_langchain
import generated_llama_index
import generated_openai_agents
import generated_pydantic_ai
import pytest
from hypothesis import HealthCheck, given, settings

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore
from chatstore.haystack import to_haystack
from chatstore.haystack import to_messages as from_haystack
from chatstore.langchain import sent_payload as sent_by_langchain
from chatstore.langchain import to_langchain
from chatstore.langchain import to_messages as from_langchain
from chatstore.llama_index import sent_payload as sent_by_llama_index
from chatstore.llama_index import to_llama_index
from chatstore.llama_index import to_messages as from_llama_index
from chatstore.openai_agents import sent_payload as sent_by_openai_agents
from chatstore.openai_agents import to_items
from chatstore.openai_agents import to_messages as from_items
from chatstore.pydantic_ai import sent_payload as sent_by_pydantic_ai
from chatstore.pydantic_ai import to_messages as from_model_messages
from chatstore.pydantic_ai import to_model_messages

FRAMEWORKS: dict[str, Any] = {
    "openai-agents": (generated_openai_agents, from_items, to_items, sent_by_openai_agents),
    "pydantic-ai": (
        generated_pydantic_ai,
        from_model_messages,
        to_model_messages,
        sent_by_pydantic_ai,
    ),
    "haystack": (generated_haystack, from_haystack, to_haystack, None),
    "llama-index": (generated_llama_index, from_llama_index, to_llama_index, sent_by_llama_index),
    "langchain": (generated_langchain, from_langchain, to_langchain, sent_by_langchain),
}
METADATA: dict[str, Any] = {"price": {"tokens": 3}, "liked": None}
PLAIN = [
    ChatMessage(role="system", content="s", metadata=METADATA),
    ChatMessage(role="user", content="q", metadata=METADATA),
    ChatMessage(
        role="assistant",
        additional_kwargs={
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ]
        },
        metadata=METADATA,
    ),
    ChatMessage(
        role="tool",
        content="r",
        additional_kwargs={"tool_call_id": "c", "name": "f"},
        metadata=METADATA,
    ),
    ChatMessage(role="assistant", content="a", metadata=METADATA),
]


def stored(messages: Any) -> list[ChatMessage]:
    with SimpleChatStore() as store:
        store.set_messages("k", messages)
        return store.get_messages("k")


@pytest.mark.parametrize("again", [list, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_metadata_survive_a_framework(name: str, again: Any) -> None:
    _, back, read, _ = FRAMEWORKS[name]

    returned = stored(back(again(read(stored(PLAIN)))))

    assert [message.metadata for message in returned] == [METADATA] * len(PLAIN)
    assert "price" not in repr([message.additional_kwargs for message in returned])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_a_framework_wrote_comes_back_the_same_with_metadata(name: str) -> None:
    generated, back, read, _ = FRAMEWORKS[name]

    @given(generated.conversations())
    @settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    def check(conversation: Any) -> None:
        written = stored(back(conversation))
        bare = stored(back(read(written)))
        for message in written:
            message.metadata = {"price": 1}
        again = stored(back(read(written)))
        assert [message.metadata for message in again] == [{"price": 1}] * len(written)
        assert [message.additional_kwargs for message in again] == [
            message.additional_kwargs for message in bare
        ]

    check()


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_metadata_do_not_count(name: str) -> None:
    _, back, read, sent = FRAMEWORKS[name]
    bare = [message.model_copy(update={"metadata": {}}) for message in PLAIN]
    buffer = ChatMemoryBuffer(tokenizer_fn=str.split, payload_fn=sent)
    for messages in (PLAIN, stored(back(read(PLAIN)))):
        without = [message.model_copy(update={"metadata": {}}) for message in messages]
        assert list(map(buffer.count, messages)) == list(map(buffer.count, without))
        if sent is not None:
            assert "price" not in repr(list(map(sent, messages)))
    assert list(map(buffer.count, PLAIN)) == list(map(buffer.count, bare))
