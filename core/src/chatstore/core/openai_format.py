"""Messages in the format of OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chatstore.core.blocks import ContentBlock, ImageBlock, TextBlock, ToolCallBlock
from chatstore.core.messages import NATIVE, ChatMessage


def from_openai(message: Mapping[str, Any]) -> ChatMessage:
    """Return a message of OpenAI's format; what is no role or content is an additional kwarg.

    The format has no field ``native``: that name is for frameworks' own forms of a message, which
    `to_openai` leaves out.

    Raises:
        pydantic.ValidationError: It has no known role, or holds something that is not JSON.

    """
    rest = {name: value for name, value in message.items() if name not in {"role", "content"}}
    fields: dict[str, Any] = {"additional_kwargs": rest}
    if "role" in message:
        fields["role"] = message["role"]
    if "content" in message:
        fields["content"] = message["content"]
    return ChatMessage(**fields)


def to_openai(message: ChatMessage) -> dict[str, Any]:
    """Return a message in OpenAI's format: what `from_openai` took, and our blocks turned.

    Text and images become content parts, tool-call blocks become ``tool_calls``; other blocks
    stay as they are.
    """
    turned: dict[str, Any] = {"role": message.role.value, "content": message.content}
    turned.update({name: v for name, v in message.additional_kwargs.items() if name != NATIVE})
    if isinstance(message.content, list):
        parts = [_part(block) for block in message.content if not isinstance(block, ToolCallBlock)]
        calls = [_call(block) for block in message.content if isinstance(block, ToolCallBlock)]
        turned["content"] = parts or None
        if calls:
            turned["tool_calls"] = [*turned.get("tool_calls", []), *calls]
    return turned


def _part(block: ContentBlock) -> dict[str, Any]:
    if isinstance(block, ImageBlock) and (block.url or block.data):
        address = block.url or f"data:{block.media_type or 'image/png'};base64,{block.data}"
        return {"type": "image_url", "image_url": {"url": address}}
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    return block.model_dump(exclude_unset=True)


def _call(block: ToolCallBlock) -> dict[str, Any]:
    arguments = block.arguments
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    function = {"name": block.name, "arguments": text}
    return {"id": block.id, "type": "function", "function": function}
