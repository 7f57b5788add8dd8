"""A fake model in the format of Google's Gemini API."""

from __future__ import annotations

import json
from typing import Any

from model_server import Reply


def answer(path: str, body: dict[str, Any]) -> Reply:
    """Call the first tool for the city that the user names; then repeat the result."""
    del path
    last = body["contents"][-1]["parts"][-1]
    part: dict[str, Any]
    if "functionResponse" in last:
        part = {"text": last["functionResponse"]["response"]["output"]}
    else:
        name = body["tools"][0]["functionDeclarations"][0]["name"]
        part = {"functionCall": {"name": name, "args": {"city": last["text"]}}}
        part["thoughtSignature"] = "c2ln"
    content = {"role": "model", "parts": [part]}
    candidate = {"content": content, "finishReason": "STOP"}
    number = len(body["contents"])
    return Reply(json.dumps({"candidates": [candidate], "responseId": f"r{number}"}))
