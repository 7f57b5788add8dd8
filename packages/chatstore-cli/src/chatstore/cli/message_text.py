"""All text of a message, for searching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatstore.core.blocks import ContentBlock, TextBlock, ThinkingBlock
from chatstore.core.tool_calls import calls_of, results_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatstore.core import ChatMessage


def text_of_message(message: ChatMessage) -> str:
    """Return the text, the thinking, and the names, arguments and results of tools."""
    parts = [_text_of_content(message.content)]
    parts += [f"{call.name} {call.arguments}" for call in calls_of(message)]
    parts += [_text_of_content(result.content) for result in results_of(message)]
    return "\n".join(part for part in parts if part)


def _text_of_content(content: str | Sequence[ContentBlock] | None) -> str:
    if isinstance(content, str):
        return content
    parts = []
    for block in content or ():
        if isinstance(block, TextBlock):
            parts.append(block.text)
        elif isinstance(block, ThinkingBlock):
            parts.append(block.thinking)
    return "\n".join(parts)
