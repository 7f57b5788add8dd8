"""Messages and rounds of Haystack, for tests."""

from __future__ import annotations

from collections.abc import Iterable

from haystack.dataclasses import ChatMessage, ToolCall

user, assistant = ChatMessage.from_user, ChatMessage.from_assistant
CALL = ToolCall("t", {}, id="c")


def contents(messages: Iterable[ChatMessage]) -> list[str | None]:
    return [message.text for message in messages]


def a_round(number: int) -> list[ChatMessage]:
    return [
        user(f"question {number}"),
        assistant(tool_calls=[CALL]),
        ChatMessage.from_tool("1", origin=CALL),
        assistant(f"answer {number}"),
    ]
