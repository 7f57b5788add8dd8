"""Convert events to the fields that all frameworks share."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from google.adk.events.event import Event
from google.genai import types
from pydantic_core import to_jsonable_python

from chatstore.core import MessageRole
from chatstore.core.contents import BlockFields, media_block, simplify
from chatstore.core.converters.content import from_url, text_block
from chatstore.core.tool_calls import Call

RESULT = "result"
"""Where ADK keeps the result of a tool that does not return a dict."""


class CommonFields(NamedTuple):
    """The fields of a message that all frameworks share."""

    role: MessageRole
    content: str | list[BlockFields] | None
    kwargs: dict[str, Any]


def common_fields(event: Event) -> CommonFields:
    """Return the text, media, thoughts, tool calls and results of an event.

    A single result is a ``tool`` message. Several results, or results with text, are blocks of a
    ``user`` message, as in Anthropic's format. An event without any of these, such as a change of
    the state, is an empty answer, which no framework sends to a model.
    """
    parts = (event.content and event.content.parts) or []
    results = [part.function_response for part in parts if part.function_response]
    blocks = list(_blocks(parts))
    if len(results) == 1 and not blocks:
        kwargs = {"tool_call_id": results[0].id or "", "name": results[0].name or ""}
        return CommonFields(MessageRole.TOOL, _result_content(results[0]), kwargs)
    if results:
        content = [*map(_result_block, results), *blocks]
        return CommonFields(MessageRole.USER, content, {})
    calls = [_call(part.function_call).to_openai() for part in parts if part.function_call]
    role = MessageRole.ASSISTANT
    if blocks and _is_users(event):
        role = MessageRole.USER
    return CommonFields(role, simplify(blocks), {"tool_calls": calls} if calls else {})


def _is_users(event: Event) -> bool:
    role = event.content and event.content.role
    return role == "user" if role else event.author == "user"


def _call(call: types.FunctionCall) -> Call:
    return Call(call.id or "", call.name or "", _json(call.args or {}))


def _result_block(result: types.FunctionResponse) -> BlockFields:
    content = _result_content(result)
    return {"type": "tool_result", "tool_use_id": result.id or "", "content": content}


def _result_content(result: types.FunctionResponse) -> str | list[BlockFields]:
    """Return a result as text, or as blocks if it has media."""
    response = result.response or {}
    value = response[RESULT] if response.keys() == {RESULT} else response
    text = value if isinstance(value, str) else _json(value)
    media = [block for part in result.parts or () for block in _media(part)]
    return [text_block(text), *media] if media else text


def _blocks(parts: Iterable[types.Part]) -> Iterator[BlockFields]:
    for part in parts:
        if part.text and part.thought:
            signature = _signature(part.thought_signature)
            yield {"type": "thinking", "thinking": part.text, "signature": signature}
        elif part.text:
            yield text_block(part.text)
        else:
            yield from _media(part)


def _signature(signature: bytes | None) -> str | None:
    """Return a signature as base64; ADK's Claude keeps Anthropic's, which is base64 already."""
    if not signature:
        return None
    try:
        base64.b64decode(signature, validate=True)
    except ValueError:
        return base64.b64encode(signature).decode()
    return signature.decode()


def _media(part: types.Part | types.FunctionResponsePart) -> Iterator[BlockFields]:
    if part.inline_data and part.inline_data.data:
        data = base64.b64encode(part.inline_data.data).decode()
        yield media_block(data, part.inline_data.mime_type)
    elif part.file_data and part.file_data.file_uri:
        yield from_url(part.file_data.file_uri, part.file_data.mime_type)


def _json(value: Any) -> str:
    return json.dumps(to_jsonable_python(value), ensure_ascii=False)
