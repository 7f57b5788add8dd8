"""Which tools a message calls, and which calls it answers.

Calls are recognised as OpenAI writes them (``additional_kwargs["tool_calls"]``), as blocks of
this package (``tool_call``) and as blocks of Anthropic (``tool_use``, answered by
``tool_result`` blocks in a user message). OpenAI's older ``function_call`` has no id: its name
stands for one.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatstore.core.blocks import ContentBlock
from chatstore.core.messages import ChatMessage, MessageRole

_CALLERS = {MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL}
_ANSWERERS = {MessageRole.TOOL, MessageRole.FUNCTION}


def tool_call_ids(message: ChatMessage) -> list[str]:
    """Return the ids of the tool calls that a message makes, in its order."""
    if message.role not in _CALLERS:
        return []
    ids: list[str] = []
    calls = message.additional_kwargs.get("tool_calls")
    if isinstance(calls, list):
        named = (call.get("id") for call in calls if isinstance(call, dict))
        ids.extend(name for name in named if isinstance(name, str))
    function = message.additional_kwargs.get("function_call")
    if isinstance(function, dict):
        ids.append(_function_id(function.get("name")))
    for block in _blocks(message):
        if block.type in {"tool_call", "tool_use"}:
            name = getattr(block, "id", None)
            if isinstance(name, str) and name not in ids:
                ids.append(name)
    return ids


def tool_result_ids(message: ChatMessage) -> list[str]:
    """Return the ids of the calls that a message answers, in its order."""
    ids: list[str] = []
    if message.role in _ANSWERERS:
        name = message.additional_kwargs.get("tool_call_id")
        if not isinstance(name, str):
            name = _function_id(message.additional_kwargs.get("name"))
        ids.append(name)
    elif message.role is MessageRole.USER:
        for block in _blocks(message):
            if block.type == "tool_result":
                name = getattr(block, "tool_use_id", None)
                ids.append(name if isinstance(name, str) else "")
    return ids


def _function_id(name: object) -> str:
    return f"function:{name}"


def _blocks(message: ChatMessage) -> Iterator[ContentBlock]:
    if isinstance(message.content, list):
        yield from message.content
