"""Memories and chat stores as JSON, as LlamaIndex's workflows save them between runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    InvalidArgumentError,
    SimpleChatStore,
)
from chatstore.core.store import check_store
from chatstore.llama_index.registry import name_of, store_named
from chatstore.llama_index.sending import sent_payload

_INVALID = "these data are not what to_dict returned"


def dump_buffer(buffer: ChatMemoryBuffer, reserved_tokens: int, class_name: str) -> dict[str, Any]:
    """Return a memory's settings, with its messages if they are in memory, or its store's name.

    Raises:
        InvalidArgumentError: The store is a database that is not registered.

    """
    data: dict[str, Any] = {
        "class_name": class_name,
        "chat_store_key": buffer.chat_store_key,
        "token_limit": buffer.token_limit,
        "reserved_tokens": reserved_tokens,
        "cut": buffer.cut,
    }
    if isinstance(buffer.chat_store, SimpleChatStore):
        return {**data, "messages": _dump_messages(buffer.get_all(with_summaries=True))}
    return {**data, "chat_store": name_of(buffer.chat_store)}


def load_buffer(
    data: Mapping[str, Any],
    *,
    chat_store: ChatStore | None = None,
    tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
) -> tuple[ChatMemoryBuffer, int]:
    """Return the buffer that `dump_buffer` described, and its reserved tokens.

    Raises:
        InvalidArgumentError: The data are not what `dump_buffer` returned, or the store's name is
            not registered.

    """
    try:
        messages = _load_messages(data.get("messages", []))
        store = check_store(chat_store, "chat_store") if chat_store is not None else None
        if store is None and "messages" not in data:
            store = store_named(data["chat_store"])
        buffer = ChatMemoryBuffer.from_defaults(
            data["token_limit"],
            store,
            data["chat_store_key"],
            tokenizer_fn,
            messages,
            cut=data["cut"],
            payload_fn=sent_payload,
        )
        return buffer, data["reserved_tokens"]
    except (KeyError, TypeError, AttributeError, ValidationError):
        raise InvalidArgumentError(_INVALID) from None  # pydantic's error quotes the messages


def dump_store(store: ChatStore) -> dict[str, Any]:
    """Return all conversations of a store in memory, or the name of a registered store.

    Raises:
        InvalidArgumentError: The store is a database that is not registered.

    """
    if isinstance(store, SimpleChatStore):
        conversations = {key: _dump_messages(store.get_messages(key)) for key in store.get_keys()}
        return {"messages": conversations}
    return {"chat_store": name_of(store)}


def load_store(data: Mapping[str, Any]) -> ChatStore:
    """Return the store that `dump_store` described.

    Raises:
        InvalidArgumentError: The data are not what `dump_store` returned, or the store's name is
            not registered.

    """
    try:
        if "messages" not in data:
            return store_named(data["chat_store"])
        store = SimpleChatStore()
        for key, messages in data["messages"].items():
            store.set_messages(key, _load_messages(messages))
    except (KeyError, TypeError, AttributeError, ValidationError):
        raise InvalidArgumentError(_INVALID) from None  # pydantic's error quotes the messages
    return store


def _dump_messages(messages: Iterable[ChatMessage]) -> list[dict[str, Any]]:
    return [message.model_dump(mode="json") for message in messages]


def _load_messages(messages: Iterable[Mapping[str, Any]]) -> list[ChatMessage]:
    return [ChatMessage.model_validate(message) for message in messages]
