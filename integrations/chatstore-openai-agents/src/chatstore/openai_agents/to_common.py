"""Convert items to the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatstore.core import MessageRole
from chatstore.core.contents import BlockFields
from chatstore.core.converters.responses_items import ROLES, content_of
from chatstore.core.converters.responses_tools import item_call, item_result
from chatstore.core.framework_payload import Joins
from chatstore.core.tool_calls import Call


@dataclass
class Fields:
    """The common fields of an item, with its calls apart.

    An item that only the SDK knows is an assistant message without content.

    Attributes:
        joins: The later item without which this one is useless.

    """

    role: MessageRole = MessageRole.ASSISTANT
    content: str | list[BlockFields] | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    joins: Joins | None = None

    def additional_kwargs(self) -> dict[str, Any]:
        """Return the message's additional kwargs, including calls."""
        return {**self.kwargs, "tool_calls": self.calls} if self.calls else self.kwargs


def fields_of(item: Mapping[str, Any]) -> Fields:
    """Return the common fields of an item."""
    kind = item.get("type", "message")
    if kind == "message" and item.get("role") in ROLES:
        return Fields(ROLES[item["role"]], content_of(item.get("content")))
    call = item_call(item)
    if call is not None:
        return Fields(calls=[Call(*call).to_openai()])
    result = item_result(item)
    if result is not None:
        return Fields(MessageRole.TOOL, content_of(result.output), {"tool_call_id": result.call_id})
    if kind == "reasoning":
        parts = [*(item.get("summary") or []), *(item.get("content") or [])]
        text = "\n".join(part["text"] for part in parts if part.get("text"))
        thinking = [{"type": "thinking", "thinking": text}] if text else None
        return Fields(content=thinking, joins=Joins.MESSAGE)
    return Fields(joins=Joins.MESSAGE if kind == "program" else None)
