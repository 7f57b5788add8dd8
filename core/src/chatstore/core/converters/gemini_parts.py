"""Parts of contents in the format of Google's Gemini API, and blocks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chatstore.core.blocks import ContentBlock
from chatstore.core.contents import BlockFields
from chatstore.core.converters.content import common_blocks, from_url, media_type_of, text_block
from chatstore.core.tool_calls import Call, arguments_object

NO_SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()
"""Stands for the signature of a call that Gemini did not make: Gemini 3 refuses calls without."""

Part = dict[str, Any]
_STANDARD_BASE64 = str.maketrans("-_", "+/")  # Gemini accepts the URL-safe one; others do not
_TEXT_RESULTS = ("output", "result", "error")


def get(item: Any, name: str) -> Any:
    """Return a field by its name in JSON, or by its name in Python, such as ``file_uri``."""
    if not isinstance(item, Mapping):
        return None
    in_python = "".join(f"_{one.lower()}" if one.isupper() else one for one in name)
    return item.get(name, item.get(in_python))


def block_of(part: Any) -> BlockFields | None:
    """Return the block for a part; some have none."""
    for name, convert in _FORMS.items():
        value = get(part, name)
        if value is not None:
            return convert(value)
    text = get(part, "text")
    if not isinstance(text, str):
        return None
    if not get(part, "thought"):
        return text_block(text)
    signature = get(part, "thoughtSignature")
    signed = {} if signature is None else {"signature": signature}
    return {"type": "thinking", "thinking": text, **signed}


def parts_of(content: str | Iterable[ContentBlock] | None, accepted: Iterable[str]) -> list[Part]:
    """Return parts for the text and media in content, as far as their types are accepted."""
    kinds = set(accepted)
    parts = [_part(block) for block in common_blocks(content) if block["type"] in kinds]
    return [part for part in parts if part is not None]


def call_part(call: Call, call_id: str) -> Part:
    """Return the part for a call."""
    fields = {"name": call.name, "args": arguments_object(call.arguments)}
    return {"functionCall": {"id": call_id, **fields} if call_id else fields}


def response_part(call_id: str, name: str, field: str, text: str) -> Part:
    """Return the part for a result.

    Args:
        call_id: The id of the call; may be empty.
        name: The tool's name.
        field: ``"output"`` or ``"error"``.
        text: The result.

    """
    fields = {"name": name, "response": {field: text}}
    return {"functionResponse": {"id": call_id, **fields} if call_id else fields}


def _from_call(call: Any) -> BlockFields:
    fields = {"id": get(call, "id") or "", "name": get(call, "name")}
    return {"type": "tool_call", **fields, "arguments": get(call, "args") or {}}


def _from_response(response: Any) -> BlockFields:
    value = get(response, "response")
    fields = {"tool_use_id": get(response, "id") or "", "name": get(response, "name")}
    block = {"type": "tool_result", **fields, "content": json.dumps(value, ensure_ascii=False)}
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, only)] = value.items()
        if name in _TEXT_RESULTS and isinstance(only, str):
            block["content"] = only
            return {**block, "is_error": True} if name == "error" else block
    return block


def _from_data(data: Any) -> BlockFields:
    encoded = str(get(data, "data")).translate(_STANDARD_BASE64)
    url = f"data:{get(data, 'mimeType')};base64,{encoded}"
    return from_url(url, get(data, "mimeType"))


def _from_file(file: Any) -> BlockFields:
    return from_url(get(file, "fileUri"), get(file, "mimeType"))


_FORMS: dict[str, Callable[[Any], BlockFields]] = {
    "functionCall": _from_call,
    "functionResponse": _from_response,
    "inlineData": _from_data,
    "fileData": _from_file,
}


def _part(block: BlockFields) -> Part | None:
    if block["type"] == "text":
        return {"text": block["text"]} if block["text"] else None
    media_type = media_type_of(block)
    if block.get("url"):
        return {"fileData": {"fileUri": block["url"], "mimeType": media_type}}
    if not block.get("data"):
        return None
    return {"inlineData": {"mimeType": media_type, "data": block["data"]}}
