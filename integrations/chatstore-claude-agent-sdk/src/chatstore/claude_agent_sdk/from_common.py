"""Convert other frameworks' messages to entries of a transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid5

from chatstore.core import ChatMessage, to_anthropic

_NAMESPACE = UUID("6f0f3a3e-53b1-4c0f-9d07-6d2d53a9a5f4")
_EPOCH = datetime.fromtimestamp(0, timezone.utc)
_NO_USAGE = {"input_tokens": 0, "output_tokens": 0}


def entries_of(
    messages: Sequence[ChatMessage], session_id: str, parent: str | None
) -> list[dict[str, Any]]:
    """Return entries for consecutive messages of other frameworks; the same ones each time.

    Args:
        messages: The messages; there is at least one.
        session_id: The session.
        parent: The ``uuid`` of the entry in front of them.

    """
    first = messages[0]
    time = first.created_at or _EPOCH
    entries: list[dict[str, Any]] = []
    for number, message in enumerate(to_anthropic(messages)["messages"]):
        uuid = str(uuid5(_NAMESPACE, f"{first.id}/{number}"))
        entries.append(
            {
                "type": message["role"],
                "uuid": uuid,
                "parentUuid": parent,
                "sessionId": session_id,
                "isSidechain": False,
                "userType": "external",
                # Different times: programs sort entries by them.
                "timestamp": _iso(time + timedelta(milliseconds=number)),
                "message": _answer(message, uuid) if message["role"] == "assistant" else message,
            }
        )
        parent = uuid
    return entries


def _answer(message: Mapping[str, Any], uuid: str) -> dict[str, Any]:
    """Return an assistant's message in the form of a response."""
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    is_call = any(block["type"] == "tool_use" for block in content)
    return {
        "id": f"msg_{uuid}",
        "type": "message",
        "role": "assistant",
        "model": "unknown",
        "content": content,
        "stop_reason": "tool_use" if is_call else "end_turn",
        "stop_sequence": None,
        "usage": _NO_USAGE,
    }


def _iso(time: datetime) -> str:
    text = time.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
