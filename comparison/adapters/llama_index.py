"""LlamaIndex: its chat stores and its ``ChatMemoryBuffer``."""

from __future__ import annotations

from typing import Any

from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.memory import ChatMemoryBuffer

from comparison.adapters.adapter import Adapter, Message


class LlamaIndex(Adapter):
    """A chat store."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        is_redis = url.startswith("redis:")
        super().__init__(url, None if is_redis else ttl)
        self.store = _redis(url, ttl) if is_redis else _sql(url)

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self.store.add_message(key, _to_native(message))

    def write_many(self, key: str, messages: list[Message]) -> None:
        """See `Adapter`."""
        self.store.set_messages(key, [_to_native(message) for message in messages])

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return [_from_native(message) for message in self.store.get_messages(key)]

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """See `Adapter`."""
        self.write_many(key, messages)
        memory = ChatMemoryBuffer.from_defaults(
            token_limit=limit, chat_store=self.store, chat_store_key=key
        )
        return [_from_native(message) for message in memory.get()]

    def window_limits(self) -> list[int]:
        """See `Adapter`."""
        return list(range(50, 400, 10))

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
        return {
            "text": ChatMessage(role="user", content="Grüße 🙂\n\ttab"),
            "empty": ChatMessage(role="assistant", content=""),
            "tool call": ChatMessage(
                role="assistant", content=None, additional_kwargs={"tool_calls": [call]}
            ),
            "tool result": ChatMessage(
                role="tool", content="5", additional_kwargs={"tool_call_id": "c1"}
            ),
            "image": ChatMessage(
                role="user", blocks=[TextBlock(text="x"), ImageBlock(image=b"iVBORw0=")]
            ),
            "numbers": ChatMessage(
                role="user", content="", additional_kwargs={"x": 0.1, "y": 2**53 + 1}
            ),
            "metadata": ChatMessage(role="user", content="x", additional_kwargs={"a": {"b": [1]}}),
            "NUL": ChatMessage(role="user", content="a\0b"),
        }

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self.store.add_message(key, sample)

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self.store.get_messages(key)[0]


def _redis(url: str, ttl: float | None) -> Any:
    from llama_index.storage.chat_store.redis import RedisChatStore

    return RedisChatStore(redis_url=url, ttl=None if ttl is None else round(ttl))


def _sql(url: str) -> Any:
    if url.startswith("sqlite:"):
        from llama_index.storage.chat_store.sqlite import SQLiteChatStore

        return SQLiteChatStore.from_uri(url)
    from llama_index.storage.chat_store.postgres import PostgresChatStore

    return PostgresChatStore.from_uri(url)


def _to_native(message: Message) -> ChatMessage:
    kwargs: dict[str, Any] = {}
    if message.get("calls"):
        function = {"name": "f", "arguments": "{}"}
        kwargs["tool_calls"] = [
            {"id": call, "type": "function", "function": function} for call in message["calls"]
        ]
    if message.get("call"):
        kwargs["tool_call_id"] = message["call"]
    return ChatMessage(role=message["role"], content=message["text"], additional_kwargs=kwargs)


def _from_native(message: Any) -> Message:
    return {
        "role": message.role.value,
        "text": message.content,
        "id": None,  # its messages have no ids
        "calls": [call["id"] for call in message.additional_kwargs.get("tool_calls", [])],
        "call": message.additional_kwargs.get("tool_call_id"),
    }


make = LlamaIndex
