"""Claude's data export: ``conversations.json``, with ``chat_messages`` for each conversation.

A message of Claude contains text, tool calls and results in one list of blocks. Here results are
messages of their own: the parts of such a message have the id of the message, with a number from
the second one on. Text of attachments becomes document blocks. Files whose content is not in the
export are named in the message's ``metadata["files"]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatstore.core import ChatMessage
from chatstore.migrate.formats.branches import branch_conversations
from chatstore.migrate.formats.imported import imported_fields, valid_key
from chatstore.migrate.formats.times import parse_time
from chatstore.migrate.portable import PortableConversation
from chatstore.migrate.sources import with_ids

_ROLES = {"human": "user", "user": "user", "assistant": "assistant", "system": "system"}


def is_claude(conversation: Mapping[str, Any]) -> bool:
    """Return whether an object is a conversation of Claude's export."""
    return isinstance(conversation.get("chat_messages"), list)


def from_claude(conversation: Mapping[str, Any]) -> Iterator[PortableConversation]:
    """Return the current branch of a conversation, and a fork for each other branch.

    Older exports have no branches: their messages are a list. Exports do not name the current
    branch: it is the one with the newest message.

    Raises:
        DamagedFileError: The conversation has no id.

    """
    key = valid_key(conversation.get("uuid"), "Claude")
    messages: dict[str, Mapping[str, Any]] = {}
    for number, one in enumerate(conversation["chat_messages"]):
        if isinstance(one, dict):
            name = str(one.get("uuid") or number)
            messages[f"{name}:{number}" if name in messages else name] = one
    times = (parse_time(conversation.get("created_at")), parse_time(conversation.get("updated_at")))
    more = {name: conversation[name] for name in ("summary", "model") if conversation.get(name)}
    fields = imported_fields("claude", conversation.get("name"), times, more)
    current = conversation.get("current_leaf_message_uuid")

    def convert(path: Sequence[str]) -> list[ChatMessage]:
        converted = (part for name in path for part in _messages(name, messages[name]))
        return list(with_ids(converted))

    return branch_conversations(key, fields, _parents(messages), current, convert)


def _parents(messages: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """Return the parents of messages, the newest message last."""
    if not any(message.get("parent_message_uuid") for message in messages.values()):
        names = list(messages)
        return dict(zip(names, [None, *names], strict=False))
    ordered = sorted(messages, key=lambda name: str(messages[name].get("created_at") or ""))
    return {name: messages[name].get("parent_message_uuid") for name in ordered}


def _messages(name: str, value: Mapping[str, Any]) -> Iterator[ChatMessage]:
    """Return a message of the export: several if it contains results of tools."""
    role = _ROLES.get(str(value.get("sender")), "user")
    metadata = _metadata(value)
    for number, (part_role, blocks) in enumerate(_split(name, role, _blocks(value))):
        yield ChatMessage(
            role=part_role,  # type: ignore[arg-type]  # a value of _ROLES, or "tool"
            content=_content(blocks),
            metadata=metadata if number == 0 else {},
            id=f"{name}:{number}" if number else name,
            created_at=parse_time(value.get("created_at")),
        )


def _split(
    name: str, role: str, blocks: Sequence[Mapping[str, Any]]
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Put the results of tools into messages of their own, with the ids of their calls."""
    parts: list[tuple[str, list[dict[str, Any]]]] = []
    calls: list[str] = []  # without results yet
    for number, block in enumerate(blocks):
        fields = dict(block)
        if block["type"] == "tool_use":
            fields["id"] = block.get("id") or f"{name}:call:{number}"
            calls.append(fields["id"])
        is_result = block["type"] == "tool_result"
        if is_result:
            requested = block.get("tool_use_id")
            call = requested if requested in calls or not calls else calls[0]
            fields["tool_use_id"] = call or f"{name}:call:{number}"
            if call in calls:
                calls.remove(call)
        part_role = "tool" if is_result else role
        if not parts or parts[-1][0] != part_role:
            parts.append((part_role, []))
        parts[-1][1].append(fields)
    return parts


def _content(blocks: list[dict[str, Any]]) -> Any:
    if [block["type"] for block in blocks] == ["text"]:
        return blocks[0]["text"]
    return blocks


def _blocks(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    attachments = value.get("attachments")
    documents = [_document(one) for one in attachments or [] if isinstance(one, dict)]
    blocks = [_block(one) for one in value.get("content") or [] if isinstance(one, dict)]
    present = [block for block in [*documents, *blocks] if block is not None]
    if not any(blocks) and isinstance(value.get("text"), str) and value["text"].strip():
        present.append({"type": "text", "text": value["text"]})
    return present


def _document(attachment: Mapping[str, Any]) -> dict[str, Any] | None:
    text = attachment.get("extracted_content")
    if not isinstance(text, str) or not text:
        return None
    source = {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "document", "name": attachment.get("file_name"), "source": source}


def _block(block: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields of a block that Claude's interface knows; the others are for display."""
    kind = block.get("type")
    if kind == "text":
        text = block.get("text")
        return {"type": "text", "text": text} if isinstance(text, str) and text.strip() else None
    if kind == "thinking":
        thinking = block.get("thinking")
        return {"type": "thinking", "thinking": thinking} if thinking else None
    if kind == "tool_use":
        return _present(block, "type", "id", "name", "input")
    if kind == "tool_result":
        return _present(block, "type", "tool_use_id", "name", "content", "is_error")
    if isinstance(kind, str) and isinstance(block.get("text"), str) and block["text"].strip():
        return {"type": "text", "text": block["text"]}  # such as a spoken note
    return None


def _present(block: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: block[name] for name in names if block.get(name) is not None}


def _metadata(value: Mapping[str, Any]) -> dict[str, Any]:
    listed = [one for name in ("files", "files_v2") for one in value.get(name) or []]
    listed += [one for one in value.get("attachments") or [] if not _has_text(one)]
    names = dict.fromkeys(one.get("file_name") for one in listed if isinstance(one, dict))
    files = [name for name in names if name]
    return {"files": files} if files else {}


def _has_text(attachment: Any) -> bool:
    return isinstance(attachment, dict) and bool(attachment.get("extracted_content"))
