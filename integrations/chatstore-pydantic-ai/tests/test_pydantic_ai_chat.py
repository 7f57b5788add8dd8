"""Windows of Pydantic AI's histories are accepted by chat completions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_ai.messages import (
    BinaryContent,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from chatstore.core import ChatMemoryBuffer, SimpleChatStore
from chatstore.core.converters.openai import to_openai
from chatstore.pydantic_ai import MessageHistory

PICTURE = BinaryContent(b"12", media_type="image/png")


@pytest.mark.parametrize(
    "results",
    [
        [ToolReturnPart("t", "1", "a"), ToolReturnPart("t", "2", "b")],
        [ToolReturnPart("t", "2", "b"), UserPromptPart("and?"), ToolReturnPart("t", "1", "a")],
        [ToolReturnPart("t", PICTURE, "a"), ToolReturnPart("t", {"x": 2}, "b")],
    ],
    ids=["text", "with a prompt", "media"],
)
def test_parallel_calls_and_results_are_in_one_form(results: Any) -> None:
    history = MessageHistory(SimpleChatStore(), "k")
    history.save(
        [
            ModelRequest([UserPromptPart("q")]),
            ModelResponse(
                [ThinkingPart("hm"), ToolCallPart("t", {}, "a"), ToolCallPart("t", {}, "b")]
            ),
            ModelRequest(results),
            ModelResponse([ThinkingPart("hm")]),
            ModelResponse(
                [
                    NativeToolCallPart("web_search", {}, "w"),
                    NativeToolReturnPart("web_search", "page", "w"),
                ]
            ),
            ModelResponse([TextPart("done")]),
        ]
    )
    chat = to_openai(ChatMemoryBuffer(3000, history.store, "k", str.split).get())

    unanswered: list[Any] = []
    for message in chat:
        if message["role"] == "tool":
            unanswered.remove(message["tool_call_id"])
            continue
        assert not unanswered
        if message["role"] == "assistant":
            assert message.get("content") or message.get("tool_calls")
            unanswered = [call["id"] for call in message.get("tool_calls", [])]
        parts = message["content"] if isinstance(message.get("content"), list) else []
        assert {part["type"] for part in parts} <= {"text", "image_url"}
    assert [message["role"] for message in chat].count("tool") == 2
