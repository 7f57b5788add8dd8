"""Make LlamaIndex's messages of the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llama_index.core.llms import ChatMessage as LlamaIndexMessage
from pydantic import AnyUrl

from chatstore.core import ChatMessage, ContentBlock, MessageRole
from chatstore.core.converters.content import common_blocks
from chatstore.core.messages import PAYLOADS_KEY
from chatstore.core.tool_calls import Call, calls_of, parse_arguments, results_of

_DATA = {"image": "image", "audio": "audio", "video": "video", "document": "data"}
_TYPES = {"image": "image_mimetype", "video": "video_mimetype", "document": "document_mimetype"}


def llama_index_messages(message: ChatMessage) -> list[LlamaIndexMessage]:
    """Return one message, or one for each tool result."""
    results = results_of(message) if message.role is MessageRole.USER else []
    messages = [
        LlamaIndexMessage.model_validate(
            {
                "role": "tool",
                "blocks": list(_blocks(result.content)),
                "additional_kwargs": {"tool_call_id": result.id},
            }
        )
        for result in results
    ]
    blocks = list(_blocks(message.content))
    if blocks or not messages:
        kwargs = {name: v for name, v in message.additional_kwargs.items() if name != PAYLOADS_KEY}
        calls = calls_of(message)
        if calls:
            kwargs.pop("tool_calls", None)
            kwargs.pop("function_call", None)
        fields = {
            "role": message.role.value,
            "blocks": [*blocks, *map(_call, calls)],
            "additional_kwargs": kwargs,
        }
        messages.append(LlamaIndexMessage.model_validate(fields))
    return messages


def _call(call: Call) -> dict[str, Any]:
    arguments = parse_arguments(call.arguments)
    return {
        "block_type": "tool_call",
        "tool_call_id": call.id,
        "tool_name": call.name,
        # Text that is not a JSON object stays as the model wrote it.
        "tool_kwargs": arguments if isinstance(arguments, dict) else call.arguments,
    }


def _blocks(content: str | list[ContentBlock] | None) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        yield {"block_type": "text", "text": content}
        return
    for fields in common_blocks(content):
        kind = fields["type"]
        if kind == "text":
            yield {"block_type": "text", "text": fields["text"]}
        elif kind == "thinking":
            signature = fields.get("signature")
            information = {"signature": signature} if signature else {}
            thinking = {"block_type": "thinking", "content": fields["thinking"]}
            yield {**thinking, "additional_information": information}
        elif kind in _DATA and (media := _media(kind, fields)):
            yield media


def _media(kind: str, fields: dict[str, Any]) -> dict[str, Any] | None:
    """Return a media block, or ``None``: LlamaIndex accepts only data and valid URLs."""
    url, data, media_type = (fields.get(name) or None for name in ("url", "data", "media_type"))
    if url is not None and not _is_url(url):
        url = None
    if url is None and data is None:
        return None
    media: dict[str, Any] = {"block_type": kind, "url": url, _DATA[kind]: data}
    if kind == "audio":
        media["format"] = media_type.rpartition("/")[2] if media_type else None
    else:
        media[_TYPES[kind]] = media_type
    if kind == "document":
        media["title"] = fields.get("name")
    return media


def _is_url(text: str) -> bool:
    try:
        AnyUrl(text)
    except ValueError:
        return False
    return True
