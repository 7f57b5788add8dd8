"""The stores of this project."""

from __future__ import annotations

import warnings
from datetime import datetime, timezone
from typing import Any

from chatstore.core import ChatMemoryBuffer, ChatMessage, open_store
from comparison.adapters.adapter import Adapter, Message

_OPTION = {True: "&", False: "?"}


class Chatstore(Adapter):
    """A store, opened by its URL."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        super().__init__(url, None)
        warnings.simplefilter("ignore")  # about turns above the limit and estimates of tokens
        self.store = open_store(url if ttl is None else f"{url}{_OPTION['?' in url]}ttl={ttl:g}")

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self.store.add_message(key, to_message(message))

    def write_many(self, key: str, messages: list[Message]) -> None:
        """See `Adapter`."""
        self.store.add_messages(key, [to_message(message) for message in messages])

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return [from_message(message) for message in self.store.get_messages(key)]

    def recent(self, key: str) -> object:
        """See `Adapter`."""
        return self.store.get_messages(key, last=20)

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """See `Adapter`."""
        self.write_many(key, messages)
        memory = ChatMemoryBuffer(limit, chat_store=self.store, chat_store_key=key)
        return [from_message(message) for message in memory.get()]

    def window_limits(self) -> list[int]:
        """See `Adapter`."""
        return list(range(50, 400, 10))

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
        return {
            "text": ChatMessage(role="user", content="Grüße 🙂\n\ttab"),
            "empty": ChatMessage(role="assistant", content=""),
            "tool call": ChatMessage(role="assistant", additional_kwargs={"tool_calls": [call]}),
            "tool result": ChatMessage(
                role="tool", content="5", additional_kwargs={"tool_call_id": "c1"}
            ),
            "image": ChatMessage(role="user", content=[image]),
            "numbers": ChatMessage(role="user", content="", metadata={"x": 0.1, "y": 2**53 + 1}),
            "metadata": ChatMessage(role="user", content="x", metadata={"usage": {"tokens": 3}}),
            "id": ChatMessage(role="user", content="x", id="m-1"),
            "time": ChatMessage(
                role="user", content="x", created_at=datetime(2026, 1, 2, tzinfo=timezone.utc)
            ),
            "NUL": ChatMessage(role="user", content="a\0b"),
        }

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self.store.add_message(key, sample)

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self.store.get_messages(key)[0]

    def same(self, before: Any, after: Any) -> bool:
        """Compare all fields; the store assigns an id and a time to messages without."""
        given = before.model_dump(exclude_none=True)
        stored = after.model_dump()
        return bool({name: stored[name] for name in given} == given)


def to_message(message: Message) -> ChatMessage:
    """Make a `ChatMessage` of a neutral message."""
    kwargs: dict[str, Any] = {}
    if message.get("calls"):
        function = {"name": "f", "arguments": "{}"}
        kwargs["tool_calls"] = [
            {"id": call, "type": "function", "function": function} for call in message["calls"]
        ]
    if message.get("call"):
        kwargs["tool_call_id"] = message["call"]
    return ChatMessage(
        role=message["role"],
        content=message["text"],
        id=message.get("id"),
        additional_kwargs=kwargs,
    )


def from_message(message: ChatMessage) -> Message:
    """Make a neutral message of a `ChatMessage`."""
    calls: Any = message.additional_kwargs.get("tool_calls", [])
    return {
        "role": message.role.value,
        "text": message.text,
        "id": message.id,
        "calls": [call["id"] for call in calls],
        "call": message.additional_kwargs.get("tool_call_id"),
    }


make = Chatstore
