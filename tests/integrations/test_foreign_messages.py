"""A store refuses a framework's message and names the adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from haystack.dataclasses import ChatMessage as HaystackMessage
from langchain_core.messages import ChatMessage as LangChainMessage
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage as LlamaIndexMessage
from llama_index.core.storage.chat_store import SimpleChatStore as LlamaIndexStore
from pydantic_ai.messages import ModelRequest, UserPromptPart

from chatstore.core import ChatMemoryBuffer, InvalidArgumentError, InvalidMessageError
from chatstore.core import SimpleChatStore as Store
from chatstore.llama_index import LlamaIndexChatStore


class OwnMessage(HumanMessage):
    """A program's subclass of a framework's class."""


MESSAGES = {
    "chatstore-llama-index": LlamaIndexMessage(role="user", content="secret"),
    "chatstore-langchain": HumanMessage("secret"),
    "chatstore-langchain ": LangChainMessage(content="secret", role="user"),
    "chatstore-langchain  ": OwnMessage(content="secret"),
    "chatstore-haystack": HaystackMessage.from_user("secret"),
    "chatstore-pydantic-ai": ModelRequest([UserPromptPart("secret")]),
    "from_openai": {"role": "user", "content": "secret"},
}
CALLS: dict[str, Callable[[Any, Any], object]] = {
    "add_message": lambda store, message: store.add_message("k", message),
    "add_messages": lambda store, message: store.add_messages("k", [message]),
    "add_messages of one": lambda store, message: store.add_messages("k", message),
    "set_messages": lambda store, message: store.set_messages("k", [message]),
    "async_add_message": lambda store, message: asyncio.run(store.async_add_message("k", message)),
    "async_set_messages": lambda store, message: asyncio.run(
        store.async_set_messages("k", [message])
    ),
    "buffer": lambda store, message: ChatMemoryBuffer(3000, store, "k").put(message),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("adapter", MESSAGES)
def test_refused_with_module_and_adapter(adapter: str, call: Any) -> None:
    message = MESSAGES[adapter]
    with Store() as store, pytest.raises(InvalidMessageError) as caught:
        CALLS[call](store, message)
    text = str(caught.value)
    kind = type(message)

    assert adapter.strip() in text
    assert kind.__name__ in text
    if kind.__module__ != "builtins":
        assert kind.__module__ in text
    assert "secret" not in text


def test_other_stores_are_refused_with_module_and_adapter() -> None:
    others: list[Any] = [LlamaIndexStore(), LlamaIndexChatStore(Store())]
    for other in others:
        with pytest.raises(InvalidArgumentError, match=type(other).__module__):
            ChatMemoryBuffer(3000, other, "k")
