"""What LlamaIndex's models are sent of a window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from chatstore.core import ChatMessage as StoredMessage
from chatstore.core.messages import PAYLOADS_KEY
from chatstore.llama_index.messages import to_llama_index

_SPEAKERS = {MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL}


def said(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Leave out messages that say nothing, which providers refuse.

    A streamed answer of a model that said nothing is such a message, and so is what another
    framework wrote for its own provider alone, such as an item of reasoning.
    """
    return [message for message in messages if not _is_empty(message)]


def sent_payload(message: StoredMessage) -> Any:
    """Return what `to_llama_index` makes a model be sent for a message, as JSON.

    For ``ChatMemoryBuffer(…, payload_fn=sent_payload)``; `BufferMemory` counts so by itself.
    """
    if isinstance(message.content, str) and PAYLOADS_KEY not in message.additional_kwargs:
        return None  # the message's own fields are sent
    return [_payload(made) for made in to_llama_index([message])]


def _payload(message: ChatMessage) -> dict[str, Any]:
    kwargs = message.additional_kwargs
    if any(isinstance(block, ToolCallBlock) for block in message.blocks):
        kwargs = {name: value for name, value in kwargs.items() if name != "tool_calls"}
    return {**kwargs, "blocks": [_block(block) for block in message.blocks]}


def _block(block: Any) -> dict[str, Any]:
    fields: dict[str, Any] = block.model_dump(mode="json", exclude_none=True)
    if fields.get("path"):
        fields["url"] = fields.pop("path")  # the file's content is sent
    return fields


def _is_empty(message: ChatMessage) -> bool:
    kwargs = message.additional_kwargs
    if message.role in _SPEAKERS and not (kwargs.get("tool_calls") or kwargs.get("function_call")):
        return all(
            isinstance(block, (ThinkingBlock, CachePoint))
            or (isinstance(block, TextBlock) and not block.text.strip())
            for block in message.blocks
        )
    return message.role is MessageRole.USER and not message.blocks
