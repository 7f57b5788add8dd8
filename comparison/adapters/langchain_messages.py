"""LangChain's messages, which its histories and LangGraph's savers keep."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)

from comparison.adapters.adapter import Message

WINDOW_LIMITS = list(range(50, 400, 10))  # tokens


def to_native(message: Message) -> BaseMessage:
    """Make a LangChain message of a neutral message."""
    fields: dict[str, Any] = {"content": message["text"], "id": message.get("id")}
    if message["role"] == "assistant":
        calls = [{"id": call, "name": "f", "args": {}} for call in message.get("calls") or ()]
        return AIMessage(tool_calls=calls, **fields)
    if message["role"] == "tool":
        return ToolMessage(tool_call_id=message["call"], **fields)
    return {"user": HumanMessage, "system": SystemMessage}[message["role"]](**fields)


def from_native(message: Any) -> Message:
    """Make a neutral message of a LangChain message."""
    roles = {"human": "user", "ai": "assistant"}
    return {
        "role": roles.get(message.type, message.type),
        "text": message.content,
        "id": message.id,
        "calls": [call["id"] for call in getattr(message, "tool_calls", [])],
        "call": getattr(message, "tool_call_id", None),
    }


def trim(messages: list[BaseMessage], limit: int) -> list[Message]:
    """Cut a window as LangChain's documentation advises for chat models."""
    window = trim_messages(
        messages,
        max_tokens=limit,
        token_counter="approximate",  # noqa: S106 - these are tokens of a model
        strategy="last",
        start_on="human",
        end_on=("human", "tool"),
        include_system=True,
    )
    return [from_native(message) for message in window]


def samples() -> dict[str, Any]:
    """Return messages with something special."""
    call = {"id": "c1", "name": "f", "args": {"x": 1}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}
    usage: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    return {
        "text": HumanMessage("Grüße 🙂\n\ttab"),
        "empty": AIMessage(""),
        "tool call": AIMessage("", tool_calls=[call]),
        "tool result": ToolMessage("5", tool_call_id="c1", artifact={"rows": [1, 2]}),
        "image": HumanMessage([{"type": "text", "text": "x"}, image]),
        "numbers": HumanMessage("x", additional_kwargs={"x": 0.1, "y": 2**53 + 1}),
        "metadata": AIMessage("x", usage_metadata=usage, response_metadata={"model": "m"}),
        "id": HumanMessage("x", id="m-1"),
        "NUL": HumanMessage("a\0b"),
    }


def same(before: Any, after: Any) -> bool:
    """Compare all fields; LangGraph assigns an id to messages without."""
    given, stored = before.model_dump(), after.model_dump()
    if given["id"] is None:
        del given["id"], stored["id"]
    return bool(given == stored)
