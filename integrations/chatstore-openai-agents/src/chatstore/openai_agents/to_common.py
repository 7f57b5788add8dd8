"""Convert items to the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatstore.core import MessageRole
from chatstore.core.contents import BlockFields, simplify
from chatstore.core.framework_payload import Joins
from chatstore.core.tool_calls import Call
from chatstore.openai_agents.tool_items import item_call, item_result

ROLES = {name: MessageRole(name) for name in ("user", "assistant", "system", "developer")}
"""The roles that items have."""

_IMAGES = {"input_image", "computer_screenshot"}
_TEXTS = {"input_text": "text", "output_text": "text", "refusal": "refusal"}


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
        return Fields(ROLES[item["role"]], _content(item.get("content")))
    call = item_call(item)
    if call is not None:
        return Fields(calls=[Call(*call).to_openai()])
    result = item_result(item)
    if result is not None:
        return Fields(MessageRole.TOOL, _content(result.output), {"tool_call_id": result.call_id})
    if kind == "reasoning":
        parts = [*(item.get("summary") or []), *(item.get("content") or [])]
        text = "\n".join(part["text"] for part in parts if part.get("text"))
        thinking = [{"type": "thinking", "thinking": text}] if text else None
        return Fields(content=thinking, joins=Joins.MESSAGE)
    return Fields(joins=Joins.MESSAGE if kind == "program" else None)


def _content(content: Any) -> str | list[BlockFields] | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    return simplify([block for part in content if (block := _block(part)) is not None])


def _block(part: Any) -> BlockFields | None:
    if not isinstance(part, Mapping):
        return None
    kind = part.get("type")
    if kind in _TEXTS:
        return {"type": "text", "text": part.get(_TEXTS[kind], "")}
    if kind in _IMAGES and part.get("image_url"):
        return {"type": "image", **_source(part["image_url"], "url")}
    if kind == "input_file" and (part.get("file_url") or part.get("file_data")):
        url = part.get("file_url")
        source = {"url": url} if url else _source(part["file_data"], "data")
        return {"type": "document", **source, "name": part.get("filename")}
    return None


def _source(text: str, default_field: str) -> BlockFields:
    """Return the data of a data URL, or other text in the default field."""
    head, comma, data = text.partition(";base64,")
    if comma and head.startswith("data:"):
        return {"data": data, "media_type": head.removeprefix("data:")}
    return {default_field: text}
