"""What a model receives in each framework's form: texts with roles, calls, and results."""

from __future__ import annotations

import json
from typing import Any

from llama_index.core.base.llms.types import ToolCallBlock


def words_of_llama_index(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in LlamaIndex's messages."""
    words: list[Any] = []
    for message in messages:
        if message.role == "tool":
            words.append(("result", message.additional_kwargs["tool_call_id"], message.content))
        elif message.content:
            words.append((message.role.value, message.content))
        calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
        words += [("call", call.tool_call_id, call.tool_kwargs) for call in calls]
    return words


def words_of_langchain(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in LangChain's messages."""
    words: list[Any] = []
    for message in messages:
        if message.type == "tool":
            words.append(("result", message.tool_call_id, message.text))
            continue
        if message.text:
            words.append(("user" if message.type == "human" else "assistant", message.text))
        if message.type == "ai":
            words += [("call", call["id"], call["args"]) for call in message.tool_calls]
    return words


def words_of_items(items: Any) -> Any:
    """Return the texts with their roles, the calls and the results in the SDK's items."""
    words: list[Any] = []
    for item in items:
        if item.get("type") == "function_call":
            words.append(("call", item["call_id"], json.loads(item["arguments"])))
        elif item.get("type") == "function_call_output":
            words.append(("result", item["call_id"], item["output"]))
        elif "role" in item:
            content = item["content"]
            words.append(
                (item["role"], content if isinstance(content, str) else content[0]["text"])
            )
    return words


def words_of_model_messages(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Pydantic AI's messages."""
    words: list[Any] = []
    for part in (part for message in messages for part in message.parts):
        if part.part_kind == "tool-call":
            words.append(("call", part.tool_call_id, part.args_as_dict()))
        elif part.part_kind == "tool-return":
            assert part.tool_name == "tool"
            words.append(("result", part.tool_call_id, part.content))
        elif part.part_kind in {"user-prompt", "text"}:
            words.append(("user" if part.part_kind != "text" else "assistant", part.content))
    return words


def words_of_haystack(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Haystack's messages."""
    words: list[Any] = []
    for message in messages:
        for result in message.tool_call_results:
            words.append(("result", result.origin.id, result.result))
            assert result.origin.arguments["place"] in {1, 2}
        if message.text:
            words.append((message.role.value, message.text))
        words += [("call", call.id, call.arguments) for call in message.tool_calls]
    return words
