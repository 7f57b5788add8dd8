"""A fake model in the formats of OpenAI's Responses and Chat Completions APIs."""

from __future__ import annotations

import json
from typing import Any

from model_server import Reply, events


def answer(path: str, body: dict[str, Any]) -> Reply:
    """Call the first tool for the city that the user names; then repeat the result."""
    if path.endswith("/chat/completions"):
        return _completion(body)
    last = body["input"][-1]
    number = len(body["input"])
    item: dict[str, Any]
    if last.get("type") == "function_call_output":
        part = {"type": "output_text", "text": last["output"], "annotations": []}
        item = {"type": "message", "role": "assistant", "content": [part]}
    else:
        arguments = json.dumps({"city": last["content"]})
        item = {"type": "function_call", "name": body["tools"][0]["name"], "arguments": arguments}
        item["call_id"] = f"call_{number}"
    reasoning = {"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": "x"}
    output = [reasoning, {**item, "id": f"item_{number}", "status": "completed"}]
    response = {"id": f"resp_{number}", "object": "response", "created_at": 0, "output": output}
    rest = {"model": body["model"], "tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
    return Reply(json.dumps({**response, **rest}))


def _completion(body: dict[str, Any]) -> Reply:
    text = f"You said {body['messages'][-1]['content']}"
    fields = {"id": "c", "created": 0, "model": body["model"]}
    if not body.get("stream"):
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return Reply(json.dumps({**fields, "object": "chat.completion", "choices": [choice]}))
    chunks = [
        {"index": 0, "delta": {"content": word}, "finish_reason": None}
        for word in text.partition(" ")
    ]
    return events(
        [{**fields, "object": "chat.completion.chunk", "choices": [chunk]} for chunk in chunks],
        "data: [DONE]\n\n",
    )
