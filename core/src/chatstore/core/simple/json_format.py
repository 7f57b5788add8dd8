"""The text of ``SimpleChatStore``'s JSON file.

::

    {"chatstore":1,"conversations":{
    <key>:{"expires_at":…,"created_at":…,"updated_at":…,"owner":…,"title":…,"metadata":…,
    "is_created":…,"messages":[
    <body>,
    …
    ]}}}

Times are seconds since 1970. What is ``null`` or false may be left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.core import codec
from chatstore.core.backend.conversations import ConversationRecord
from chatstore.core.backend.records import Record
from chatstore.core.checks import check_key
from chatstore.core.errors import (
    CorruptStoreError,
    InvalidKeyError,
    SchemaVersionError,
)
from chatstore.core.metadata import dump_metadata, load_metadata
from chatstore.core.simple.conversations import Conversation
from chatstore.core.simple.llama_index_file import bodies_from_llama_index

FORMAT = 1


def dump(conversations: Iterable[tuple[str, Conversation]]) -> str:
    """Return the file's text for conversations by key."""
    parts = [f"{_json(key)}:{_dump_conversation(one)}" for key, one in conversations]
    return f'{{"chatstore":{FORMAT},"conversations":{{\n' + ",\n".join(parts) + "\n}}\n"


def load(text: str) -> dict[str, Conversation]:
    """Return conversations by key.

    A damaged message raises an error only when its conversation is read, so that the others stay
    readable.

    Raises:
        CorruptStoreError: The text is not such a file.
        SchemaVersionError: A later version wrote it.

    """
    document = _parse(text)
    if isinstance(document, str):  # JSON text inside JSON text: LlamaIndex's older files
        document = _parse(document)
    if not isinstance(document, dict):
        raise CorruptStoreError("the file contains no conversations")
    version = document.get("chatstore")
    if version is None and isinstance(document.get("store"), dict):
        return {
            _known_key(key): _conversation({"messages": bodies_from_llama_index(messages)})
            for key, messages in document["store"].items()
        }
    if isinstance(version, int) and version > FORMAT:
        raise SchemaVersionError(
            f"format {version} was written by a later version; this one reads {FORMAT}"
        )
    if version != FORMAT:
        raise CorruptStoreError("the file was not written by a SimpleChatStore")
    try:
        return {
            _known_key(key): _conversation(value)
            for key, value in document["conversations"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CorruptStoreError("the file's structure is damaged") from error


def _dump_conversation(conversation: Conversation) -> str:
    record = conversation.record
    fields: dict[str, Any] = {
        "expires_at": conversation.expires_at,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }
    fields |= {"owner": record.owner, "title": record.title}
    fields |= {"metadata": load_metadata(record.metadata), "is_created": record.is_created}
    texts = [f"{_json(name)}:{_json(value)}" for name, value in fields.items() if value]
    bodies = ",\n".join([one.body for one in conversation.records])
    return "{" + ",".join([*texts, f'"messages":[\n{bodies}\n]']) + "}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _conversation(fields: Mapping[str, Any]) -> Conversation:
    record = ConversationRecord(
        _text(fields.get("owner")),
        _text(fields.get("title")),
        dump_metadata(fields.get("metadata") or {}),
        is_created=bool(fields.get("is_created")),
    )
    conversation = Conversation(
        record=record,
        created_at=_seconds(fields.get("created_at")) or 0.0,
        updated_at=_seconds(fields.get("updated_at")) or 0.0,
        expires_at=_seconds(fields.get("expires_at")),
    )
    conversation.extend(_records(fields["messages"]))
    return conversation


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("a text is not a string")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptStoreError("the file is not JSON: it is damaged or cut short") from error


def _known_key(key: str) -> str:
    try:
        return check_key(key)
    except InvalidKeyError as error:
        raise CorruptStoreError(f"the file contains an invalid key: {error}") from error


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError("a time is not a finite number")
    return seconds


def _records(messages: Any) -> list[Record]:
    if not isinstance(messages, list):
        raise TypeError("a conversation is not a list")
    return [_record(message) for message in messages]


def _record(message: Any) -> Record:
    record_id = codec.new_id()
    if isinstance(message, dict):
        record_id = str(message.setdefault("id", record_id))
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    try:
        body.encode()
    except UnicodeEncodeError:  # reading will report it; the file must still be writable
        body = json.dumps(message)
    return Record(record_id, body)
