"""What a model receives in each framework's form: texts with roles, calls, and results."""

from __future__ import annotations

import json
from typing import Any

from anthropic_model import result_text, without_reminders
from llama_index.core.base.llms.types import ToolCallBlock


def turn(question: str) -> Any:
    """Return the words of a turn of the agents in `asking`: question, calls, results, answer."""
    results = [f"{question} at {place}" for place in (1, 2)]
    return [
        ("user", question),
        *(("call", f"{question}-{p}", {"word": question, "place": p}) for p in (1, 2)),
        *(("result", f"{question}-{p}", results[p - 1]) for p in (1, 2)),
        ("assistant", " and ".join(results)),
    ]


def plain(result: Any) -> str:
    """Return a result's text; some frameworks keep it as a list of one block."""
    if isinstance(result, str):
        return result
    [block] = result
    if isinstance(block, str):
        return block
    return str(block["text"] if isinstance(block, dict) else block.text)


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
            words.append(("result", item["call_id"], plain(item["output"])))
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
            assert part.tool_name.endswith("tool")  # Claude's has a prefix
            words.append(("result", part.tool_call_id, plain(part.content)))
        elif part.part_kind in {"user-prompt", "text"}:
            words.append(("user" if part.part_kind != "text" else "assistant", part.content))
    return words


def words_of_haystack(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Haystack's messages."""
    words: list[Any] = []
    for message in messages:
        for result in message.tool_call_results:
            words.append(("result", result.origin.id, plain(result.result)))
            assert result.origin.arguments["place"] in {1, 2}
        if message.text:
            words.append((message.role.value, message.text))
        words += [("call", call.id, call.arguments) for call in message.tool_calls]
    return words


def words_of_agent_framework(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Microsoft's messages."""
    words: list[Any] = []
    for message in messages:
        for content in message.contents:
            if content.type == "function_call":
                words.append(("call", content.call_id, content.parse_arguments()))
            elif content.type == "function_result":
                words.append(("result", content.call_id, str(content.result)))
            elif content.type == "text":
                words.append((message.role, content.text))
    return words


def words_of_strands(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Strands' messages."""
    words: list[Any] = []
    for message in messages:
        for part in message["content"]:
            if "toolUse" in part:
                words.append(("call", part["toolUse"]["toolUseId"], part["toolUse"]["input"]))
            elif "toolResult" in part:
                result = part["toolResult"]
                words.append(("result", result["toolUseId"], result["content"][0]["text"]))
            elif "text" in part:
                words.append((message["role"], part["text"]))
    return words


def words_of_gemini(contents: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Gemini's contents.

    ADK removes the ids that it sent; the names and the order remain.
    """
    words: list[Any] = []
    for content in contents:
        for part in content.parts:
            if part.function_call:
                words.append(("call", part.function_call.id, part.function_call.args))
            elif part.function_response:
                response = part.function_response
                words.append(("result", response.id, response.response["result"]))
            elif part.text and not part.thought:
                words.append(("user" if content.role == "user" else "assistant", part.text))
    return words


def words_of_anthropic(messages: Any) -> Any:
    """Return the texts with their roles, the calls and the results in Anthropic's messages."""
    words: list[Any] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if block["type"] == "tool_use":
                words.append(("call", block["id"], block["input"]))
            elif block["type"] == "tool_result":
                result = without_reminders(result_text(block))
                words.append(("result", block["tool_use_id"], result))
            elif block["type"] == "text" and without_reminders(block["text"]):
                words.append((message["role"], without_reminders(block["text"])))
    return words
