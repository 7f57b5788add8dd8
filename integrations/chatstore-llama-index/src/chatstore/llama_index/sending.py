"""What is sent to a model of LlamaIndex's messages: its size, and what providers accept."""

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

_MODEL_ROLES = {MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL}


def without_empty(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Leave out empty messages, which providers refuse.

    A model's streamed answer may be empty. Messages that another framework wrote for its own
    provider alone, such as an item of reasoning, are empty for LlamaIndex.
    """
    return [message for message in messages if not _is_empty(message)]


def sent_payload(message: StoredMessage) -> Any:
    """Return what LlamaIndex sends to a model for a message, as JSON.

    Pass it as ``ChatMemoryBuffer(…, payload_fn=sent_payload)`` if you convert windows with
    `to_llama_index`. `BufferMemory` does so itself.
    """
    if isinstance(message.content, str) and PAYLOADS_KEY not in message.additional_kwargs:
        return None  # the message's own fields are sent
    return [_payload(converted) for converted in to_llama_index([message])]


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
    if message.role in _MODEL_ROLES:
        if kwargs.get("tool_calls") or kwargs.get("function_call"):
            return False
        return all(
            isinstance(block, (ThinkingBlock, CachePoint))
            or (isinstance(block, TextBlock) and not block.text.strip())
            for block in message.blocks
        )
    return message.role is MessageRole.USER and not message.blocks
