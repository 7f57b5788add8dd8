"""What is sent to a model of Agent Framework's messages, instructions and tools, for counting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.agent_framework.messages import FRAMEWORK
from chatstore.core import ChatMessage
from chatstore.core.framework_payload import payload_for
from chatstore.core.tokens.media import is_media

_UNCOUNTED = {
    *("type", "id", "status", "hosted", "informational_only", "annotations"),
    *("additional_properties", "exception", "user_input_request", "approved", "media_type"),
}
_CONTROLS = {"function_approval_request", "function_approval_response", "usage"}


def sent_payload(message: ChatMessage) -> Any:
    """Return what Agent Framework sends to a model for a message, as JSON.

    Pass it as ``ChatMemoryBuffer(…, payload_fn=sent_payload)`` if you convert windows with
    `to_agent_framework`. `ChatStoreHistoryProvider` does so itself. Encrypted reasoning is counted
    as text.
    """
    payload = payload_for(message, FRAMEWORK)
    if not isinstance(payload, dict):
        return None  # the message's own fields are sent
    return [
        _counted(part) for part in payload.get("contents", ()) if part.get("type") not in _CONTROLS
    ]


def sent_tools(tools: Iterable[Any]) -> list[Any]:
    """Return the definitions of tools that are sent with a request; others are left out."""
    definitions: list[Any] = []
    for tool in tools:
        if hasattr(tool, "to_json_schema_spec"):
            definitions.append(tool.to_json_schema_spec())
        elif isinstance(tool, Mapping):
            definitions.append(tool)
        elif hasattr(tool, "functions"):  # an MCP server
            definitions += sent_tools(tool.functions)
    return definitions


def _counted(value: Any) -> Any:
    if isinstance(value, Mapping):
        if is_media(value):
            return value
        # A result has its text twice: as items, and joined.
        unsent = {*_UNCOUNTED, "result"} if value.get("items") else _UNCOUNTED
        return [_counted(field) for name, field in value.items() if name not in unsent]
    return list(map(_counted, value)) if isinstance(value, list) else value
