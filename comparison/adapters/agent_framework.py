"""Microsoft Agent Framework: its history providers with its ``TruncationStrategy``."""

from __future__ import annotations

from typing import Any

from agent_framework import Content, FileHistoryProvider, TruncationStrategy
from agent_framework import Message as NativeMessage
from agent_framework._compaction import apply_compaction  # exported by no public module

from comparison.adapters.adapter import Adapter, Loops, Message


class Histories(Adapter):
    """A provider in Redis or in a folder."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        super().__init__(url, ttl)
        self._run = Loops()
        self.provider: Any
        if url.startswith("redis:"):
            from agent_framework_redis import RedisHistoryProvider

            self.provider = RedisHistoryProvider(redis_url=url, application_id="comparison")
        else:
            self.provider = FileHistoryProvider(url.removeprefix("file://"))

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self._save(key, [_to_native(message)])

    def write_many(self, key: str, messages: list[Message]) -> None:
        """See `Adapter`."""
        self._save(key, [_to_native(message) for message in messages])

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return [_from_native(message) for message in self._get(key)]

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """See `Adapter`."""
        self.write_many(key, messages)
        strategy = TruncationStrategy(max_n=limit, compact_to=limit)
        window = self._run(apply_compaction(self._get(key), strategy=strategy))
        return [_from_native(message) for message in window]

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        call = Content.from_function_call("c1", "f", arguments={"x": 1})
        result = Content.from_function_result("c1", result="5")
        image = Content.from_data(b"\x89PNG", "image/png")
        extra = {"x": 0.1, "y": 2**53 + 1}
        return {
            "text": NativeMessage("user", ["Grüße 🙂\n\ttab"]),
            "empty": NativeMessage("assistant", [""]),
            "tool call": NativeMessage("assistant", [call]),
            "tool result": NativeMessage("tool", [result]),
            "image": NativeMessage("user", ["x", image]),
            "numbers": NativeMessage("user", ["x"], additional_properties=extra),
            "metadata": NativeMessage("user", ["x"], additional_properties={"a": {"b": [1]}}),
            "id": NativeMessage("user", ["x"], message_id="m-1"),
            "NUL": NativeMessage("user", ["a\0b"]),
        }

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self._save(key, [sample])

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self._get(key)[0]

    def same(self, before: Any, after: Any) -> bool:
        """Compare all fields that the message writes."""
        return bool(before.to_dict() == after.to_dict())

    def _save(self, key: str, messages: list[Any]) -> None:
        self._run(self.provider.save_messages(key, messages))

    def _get(self, key: str) -> list[Any]:
        return list(self._run(self.provider.get_messages(key)))


def _to_native(message: Message) -> Any:
    contents: list[Any] = [
        Content.from_function_call(call, "f", arguments={}) for call in message.get("calls") or ()
    ]
    if message["role"] == "tool":
        contents = [Content.from_function_result(message["call"], result=message["text"])]
    return NativeMessage(
        message["role"], contents or [message["text"]], message_id=message.get("id")
    )


def _from_native(message: Any) -> Message:
    calls = [item.call_id for item in message.contents if item.type == "function_call"]
    results = [item for item in message.contents if item.type == "function_result"]
    return {
        "role": str(message.role),
        "text": results[0].result if results else message.text,
        "id": message.message_id,
        "calls": calls,
        "call": results[0].call_id if results else None,
    }


make = Histories
