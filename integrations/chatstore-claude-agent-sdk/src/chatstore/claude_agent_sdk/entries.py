"""Convert entries of transcripts to a store's messages, one to one, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from claude_agent_sdk import SessionStoreEntry

from chatstore.claude_agent_sdk.from_common import entries_of
from chatstore.claude_agent_sdk.to_common import common_message, without_surrogates
from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.codec import new_id
from chatstore.core.converters.originals import keep_original, original_of
from chatstore.core.foreign import full_name

_FRAMEWORK = "claude_agent_sdk"
_ENTRY, _TEXT = "entry", "json"


def to_messages(
    entries: Sequence[SessionStoreEntry], ids: Sequence[str] | None = None
) -> list[ChatMessage]:
    """Return a message for each entry; its id is the entry's ``uuid``, or a new one.

    Args:
        entries: The entries.
        ids: The ids of the messages, as `ids_of` returned them.

    Raises:
        InvalidMessageError: An entry is not a JSON object.

    """
    if ids is None:
        ids = ids_of(entries)
    return [_message(entry, one) for entry, one in zip(entries, ids, strict=True)]


def to_entries(messages: Iterable[ChatMessage], session_id: str) -> list[SessionStoreEntry]:
    """Return the entries of messages, equal to those that the SDK appended.

    Messages of other frameworks, and messages that were changed since, become entries with the
    text, thinking, images, documents, tool calls and results of the messages. System messages
    have none: the SDK's options contain the system prompt.

    Args:
        messages: The messages.
        session_id: The session that the entries are for.

    """
    entries: list[dict[str, Any]] = []
    foreign: list[ChatMessage] = []
    parent: str | None = None
    for message in messages:
        entry = _entry(message)
        if entry is None:
            foreign.append(message)
            continue
        if foreign:
            entries += entries_of(foreign, session_id, parent)
            foreign = []
        entries.append(entry)
        parent = _parent(entry, parent)
    if foreign:
        entries += entries_of(foreign, session_id, parent)
    return cast("list[SessionStoreEntry]", entries)


def ids_of(entries: Iterable[SessionStoreEntry]) -> list[str]:
    """Return the ids of the messages for entries: their ``uuid``, or a new id.

    Raises:
        InvalidMessageError: An entry is not a dict.

    """
    return [_uuid(entry) or new_id() for entry in entries]


def first_of_each(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Return messages without those whose id an earlier one has."""
    first: dict[str | None, ChatMessage] = {}
    for message in messages:
        first.setdefault(message.id, message)
    return list(first.values())


def _uuid(entry: object) -> str | None:
    if not isinstance(entry, Mapping):
        raise InvalidMessageError(f"an entry must be a dict, not {full_name(entry)}")
    uuid = entry.get("uuid")
    return uuid if isinstance(uuid, str) else None


def _message(entry: Mapping[str, Any], message_id: str) -> ChatMessage:
    try:
        common = common_message(entry, message_id)
        return keep_original(common, _FRAMEWORK, {_ENTRY: dict(entry)})
    except (ValueError, RecursionError):
        pass
    try:
        return _as_text(entry, message_id)
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidMessageError("an entry is not a JSON object")  # outside: causes quote content


def _as_text(entry: Mapping[str, Any], message_id: str) -> ChatMessage:
    """Keep an entry as escaped text: it contains a lone surrogate, or is nested too deeply.

    JavaScript leaves a lone surrogate where it cuts a text in the middle of an emoji.
    """
    text = json.dumps(entry, separators=(",", ":"))
    if json.loads(text) != entry:  # NaN, tuples, keys that are not strings
        raise ValueError
    common = common_message(without_surrogates(entry), message_id)
    return keep_original(common, _FRAMEWORK, {_TEXT: text})


def _entry(message: ChatMessage) -> dict[str, Any] | None:
    payload = original_of(message, _FRAMEWORK)
    if not isinstance(payload, dict):
        return None
    entry = json.loads(payload[_TEXT]) if _TEXT in payload else payload.get(_ENTRY)
    return entry if isinstance(entry, dict) else None


def _parent(entry: Mapping[str, Any], before: str | None) -> str | None:
    """Return the entry that a following message continues."""
    uuid = entry.get("uuid")
    is_link = isinstance(uuid, str) and "parentUuid" in entry and not entry.get("isSidechain")
    return uuid if is_link and isinstance(uuid, str) else before
