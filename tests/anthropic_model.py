"""A fake model in the format of Anthropic's Messages API."""

from __future__ import annotations

import json
import re
from typing import Any

from model_server import Reply, events


def answer(path: str, body: dict[str, Any]) -> Reply:
    """Call the first tool for each city in the user's text; then repeat the results."""
    del path
    return reply(body, _blocks(body, len(body["messages"])))


def reply(body: dict[str, Any], blocks: list[dict[str, Any]]) -> Reply:
    """Return the reply to a request, with these blocks of text and calls."""
    is_call = blocks[-1]["type"] == "tool_use"
    message = {
        "id": f"msg_{len(body['messages'])}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": blocks,
        "stop_reason": "tool_use" if is_call else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    if not body.get("stream"):
        return Reply(json.dumps(message))
    return _streamed(message)


def _blocks(body: dict[str, Any], number: int) -> list[dict[str, Any]]:
    received = [_parts(one["content"]) for one in body["messages"] if one["role"] == "user"]
    results, contents = next(parts for parts in reversed(received) if any(parts))
    tools = [tool["name"] for tool in body.get("tools", [])]
    if results or not tools:
        return [{"type": "text", "text": " and ".join(results or contents[-1:])}]
    return [
        {
            "type": "tool_use",
            "id": f"toolu_{number}_{index}",
            "name": tools[0],
            "input": {"city": city},
        }
        for index, city in enumerate(contents[-1].split(","))
    ]


def _parts(content: Any) -> tuple[list[str], list[str]]:
    """Return the contents of results and of the user in a message."""
    if isinstance(content, str):
        return [], [text for text in [without_reminders(content)] if text]
    results, contents = [], []
    for block in content:
        if block["type"] == "text":
            contents.append(block["text"])
        elif block["type"] == "tool_result":
            results.append(result_text(block))
    contents = [without_reminders(text) for text in contents]
    return [without_reminders(text) for text in results], [text for text in contents if text]


def result_text(block: dict[str, Any]) -> str:
    """Return the text of a tool result."""
    content = block["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def without_reminders(text: str) -> str:
    """Return a text without what the CLI adds to it."""
    return re.sub(r"\s*<system-reminder>.*?</system-reminder>\s*", "", text, flags=re.DOTALL)


def _streamed(message: dict[str, Any]) -> Reply:
    """Return a message as the events of a stream."""
    start = {**message, "content": [], "stop_reason": None}
    values: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty: dict[str, Any] = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        values += [
            {"type": "content_block_start", "index": index, "content_block": empty},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    values.append({"type": "message_delta", "delta": delta, "usage": message["usage"]})
    return events([*values, {"type": "message_stop"}])
