"""ChatGPT's data export: ``conversations.json``, a tree of messages for each conversation.

Assistant messages to a tool become tool calls, and the tool's next message the result; ChatGPT
writes no ids of calls, so the id of the message is used. Empty nodes, such as the root, are left
out. Files are not in ``conversations.json``: images and audio become a text that names them, and
their pointers are in the message's ``metadata["chatgpt_assets"]``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chatstore.core import ChatMessage
from chatstore.migrate.formats.branches import branch_conversations
from chatstore.migrate.formats.imported import imported_fields, text_of, valid_key
from chatstore.migrate.formats.times import parse_time
from chatstore.migrate.portable import PortableConversation
from chatstore.migrate.sources import with_ids

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "tool": "tool"}
_EVERYBODY = "all"
_KEPT = ("default_model_slug", "gizmo_id", "is_archived", "is_starred")


def is_chatgpt(conversation: Mapping[str, Any]) -> bool:
    """Return whether an object is a conversation of ChatGPT's export."""
    return isinstance(conversation.get("mapping"), dict)


def from_chatgpt(conversation: Mapping[str, Any]) -> Iterator[PortableConversation]:
    """Return the current branch of a conversation, and a fork for each other branch.

    Raises:
        DamagedFileError: The conversation has no id.

    """
    key = valid_key(conversation.get("conversation_id") or conversation.get("id"), "ChatGPT")
    nodes = {name: node for name, node in conversation["mapping"].items() if isinstance(node, dict)}
    parents = {name: _string(node.get("parent")) for name, node in nodes.items()}
    begin = parse_time(conversation.get("create_time"))

    def convert(path: Sequence[str]) -> list[ChatMessage]:
        return _convert([(name, nodes[name].get("message")) for name in path], begin)

    more = {name: conversation[name] for name in _KEPT if conversation.get(name)}
    times = (begin, parse_time(conversation.get("update_time")))
    fields = imported_fields("chatgpt", conversation.get("title"), times, more)
    current = _string(conversation.get("current_node"))
    return branch_conversations(key, fields, parents, current, convert)


def _convert(path: Sequence[tuple[str, Any]], begin: datetime | None) -> list[ChatMessage]:
    messages: list[ChatMessage] = []
    calls: dict[str, str] = {}  # the tool and the id of its newest call without a result
    time = begin
    for name, value in path:
        if not isinstance(value, dict):
            continue
        time = parse_time(value.get("create_time")) or time
        message = _message(name, value, time, calls)
        if message is not None:
            messages.append(message)
    return list(with_ids(messages))


def _message(
    name: str, value: Mapping[str, Any], time: datetime | None, calls: dict[str, str]
) -> ChatMessage | None:
    author = _dict(value.get("author"))
    content = _dict(value.get("content"))
    role = _ROLES.get(str(author.get("role")), "user")
    if content.get("content_type") in {"user_editable_context", "model_editable_context"}:
        role = "system"  # custom instructions and memories
    blocks, assets = _blocks(content)
    message_id = _string(value.get("id")) or name
    kwargs: dict[str, Any] = {}
    recipient = _string(value.get("recipient")) or _EVERYBODY
    is_call = role == "assistant" and recipient != _EVERYBODY
    if not blocks and not is_call:
        return None
    if is_call:
        calls[_tool(recipient)] = message_id
        function = {"name": recipient, "arguments": _arguments(text_of(blocks))}
        call = {"id": message_id, "type": "function", "function": function}
        kwargs, blocks = {"tool_calls": [call]}, []
    elif role == "tool":
        tool = _string(author.get("name")) or "tool"
        kwargs = {"name": tool, "tool_call_id": calls.pop(_tool(tool), message_id)}
    return ChatMessage(
        role=role,  # type: ignore[arg-type]  # a value of _ROLES
        content=_content(blocks),
        additional_kwargs=kwargs,
        metadata=_metadata(value, assets),
        id=message_id,
        created_at=time,
    )


def _content(blocks: list[dict[str, Any]]) -> Any:
    if all(block["type"] == "text" for block in blocks):
        return text_of(blocks) if blocks else None
    return blocks


def _blocks(content: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the blocks of a content, and its pointers to files."""
    kind = str(content.get("content_type"))
    assets: list[Any] = []
    if kind == "thoughts":
        return _thoughts(content), assets
    if isinstance(content.get("parts"), list):
        texts = [_part(part, assets) for part in content["parts"]]
    else:
        texts = [_FORMS.get(kind, _any_text)(content)]
    return [{"type": "text", "text": text} for text in texts if text.strip()], assets


def _thoughts(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    blocks = []
    for thought in content.get("thoughts") or []:
        parts = [_string(_dict(thought).get(name)) for name in ("summary", "content")]
        text = "\n".join(filter(None, parts))
        if text:
            blocks.append({"type": "thinking", "thinking": text})
    return blocks


def _part(part: Any, assets: list[Any]) -> str:
    if isinstance(part, str):
        return part
    fields = _dict(part)
    text = _string(fields.get("text"))
    if text is not None:
        return text  # such as the transcription of speech
    if fields:
        assets.append(part)
    # Speech has the pointer one level deeper.
    for asset in (fields, *filter(None, map(_dict, fields.values()))):
        if asset.get("asset_pointer"):
            kind = str(asset.get("content_type") or "file").partition("_asset_pointer")[0]
            return f"[{kind}: {asset['asset_pointer']}]"
    return ""


def _fields(*names: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda content: "\n".join(
        content[name] for name in names if isinstance(content.get(name), str) and content[name]
    )


def _any_text(content: Mapping[str, Any]) -> str:
    """Return the text of a content of an unknown type, or all of it as JSON."""
    text = _fields("title", "text", "result", "content")(content)
    rest = {name: value for name, value in content.items() if value and name != "content_type"}
    return text or (json.dumps(rest, ensure_ascii=False) if rest else "")


_FORMS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "code": _fields("text"),
    "execution_output": _fields("text"),
    "reasoning_recap": _fields("content"),
    "system_error": _fields("name", "text"),
    "tether_browsing_display": _fields("result", "summary"),
    "tether_quote": _fields("title", "url", "text"),
    "user_editable_context": _fields("user_profile", "user_instructions"),
    "model_editable_context": _fields("model_set_context"),
}


def _metadata(value: Mapping[str, Any], assets: list[Any]) -> dict[str, Any]:
    given = _dict(value.get("metadata"))
    names = [_dict(one).get("name") for one in given.get("attachments") or []]
    fields = {
        "model": given.get("model_slug"),
        "hidden": given.get("is_visually_hidden_from_conversation"),
        "attachments": [name for name in names if name],
        "chatgpt_assets": assets,
    }
    return {name: field for name, field in fields.items() if field}


def _arguments(text: str) -> str:
    """Return a call's arguments as JSON; what is not JSON, such as code, becomes ``input``."""
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    return text if is_object else json.dumps({"input": text}, ensure_ascii=False)


def _tool(name: str) -> str:
    """Return the tool of a recipient: a call goes to ``browser.open``, ``browser`` answers."""
    return name.partition(".")[0]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
