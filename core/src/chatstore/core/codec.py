"""Messages to stored text and back.

A body is JSON text in a versioned envelope: ``{"v":1,"id":…,"created_at":…,"role":…,"content":…,
"additional_kwargs":…}``. What one version wrote, every later one reads.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from chatstore.core.backend.records import Record, StoredRecord, StoredRecords
from chatstore.core.blocks import stored_fields
from chatstore.core.errors import CorruptMessageError, InvalidMessageError
from chatstore.core.foreign import describe_message
from chatstore.core.messages import (
    ChatMessage,
    MessageRole,
    check_id,
    check_time,
    refuse_unstored_fields,
)

VERSION = 1
_AT_ONCE = 256  # messages that are parsed: a processor's cache holds all copies of their text
_PORTION = 1000  # blocks that are written and read again at a time
_PREFIX = f'{{"v":{VERSION},'
_WRITTEN_HERE = {"id", "created_at"}  # written by `encode` itself, since a store may give them
# What parsing raises, too for what is not a text or nested too deep.
_DAMAGE = (ValueError, TypeError, AttributeError, RecursionError)
_serializer = ChatMessage.__pydantic_serializer__
_validator = ChatMessage.__pydantic_validator__
_list_validator = TypeAdapter(list[ChatMessage]).validator


def new_id() -> str:
    """Return a random id of 32 hex digits that begins with the time, as indexes like it."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{milliseconds:012x}{os.urandom(10).hex()}"


def encode(message: object, now: str) -> Record:
    """Return a message as it is stored; the message itself is not changed.

    Args:
        message: What to store. It gets an id where it has none.
        now: The time of writing in ISO 8601, for a message without ``created_at``.

    Raises:
        InvalidMessageError: It is no `ChatMessage`, or would not come back equal: NaN, bytes,
            tuples, keys that are no strings, lone surrogates.

    """
    if not isinstance(message, ChatMessage):
        raise InvalidMessageError(
            f"a message must be a chatstore.core.ChatMessage, not {describe_message(message)}"
        )
    try:
        identity = new_id() if message.id is None else check_id(message.id)
        created_at = now if message.created_at is None else check_time(message.created_at)
        refuse_unstored_fields(message)
        fields = f'"role":"{MessageRole(message.role).value}"'
        if message.content is not None:
            fields += f',"content":{_content_json(message.content)}'
        elif "content" in message.model_fields_set:  # OpenAI tells null from no content
            fields += ',"content":null'
        if message.additional_kwargs != {}:
            fields += f',"additional_kwargs":{_json(message.additional_kwargs, dict)}'
        head = f'"id":{_json(identity, str)},"created_at":"{created_at}",'
    except (PydanticSerializationError, ValueError, AttributeError, TypeError) as error:
        raise InvalidMessageError(f"JSON cannot hold this message: {_reason(error)}") from None
    return Record(identity, f"{_PREFIX}{head}{fields}}}", message.id is not None)


def _content_json(content: object) -> str:
    if not isinstance(content, list):
        return _json(content, str)
    # In portions, which make garbage that is freed at once.
    portions = (content[start : start + _PORTION] for start in range(0, len(content), _PORTION))
    texts = [_json([stored_fields(block) for block in portion], list) for portion in portions]
    return "[" + ",".join([text[1:-1] for text in texts]) + "]"


def _json(value: object, kind: type) -> str:
    """Return a value as JSON text.

    Raises:
        ValueError: It is not of that kind, or would not come back as it is.

    """
    text = to_json(value)
    # Messages can be changed after they were validated, so only a round trip proves anything.
    # In an object, since the depth of nesting has a limit.
    if (
        not isinstance(value, kind)
        or from_json(b'{"":' + text + b"}", allow_inf_nan=False)[""] != value
    ):
        raise ValueError(
            "it would not come back as it is: it holds something that JSON cannot hold "
            "(NaN, bytes, tuples, sets, objects, keys that are not strings)"
        )
    return text.decode()


def decode(key: str, position: int, body: str) -> ChatMessage:
    """Return a stored message.

    Raises:
        CorruptMessageError: It cannot be read, or a later version of this package wrote it.

    """
    try:
        message: ChatMessage = _validator.validate_json(_without_version(body))
    except _DAMAGE as error:
        raise CorruptMessageError(
            f"a stored message cannot be read: {_reason(error)}", key=key, position=position
        ) from error
    return message


def decode_all(key: str, records: Sequence[StoredRecord]) -> list[ChatMessage]:
    """Return stored messages, in the order given, many in one pass of the parser.

    Raises:
        CorruptMessageError: One of them cannot be read; it names the first.

    """
    try:
        return _parse_all(records)
    except _DAMAGE:
        return [decode(key, record.position, record.body) for record in records]


def _parse_all(records: Sequence[StoredRecord]) -> list[ChatMessage]:
    """Return stored messages, undisturbed by the garbage collector.

    Nothing that the parser makes can be garbage before it is done. To look for it all the same,
    among all objects of the process and again and again, took two thirds of a long read.
    """
    if not isinstance(records, StoredRecords):
        records = StoredRecords.from_rows(records)
    messages: list[ChatMessage] = []
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        for start in range(0, len(records), _AT_ONCE):
            messages += _parse(records[start : start + _AT_ONCE])
    finally:
        if is_collecting:
            gc.enable()
    return messages


def _parse(records: StoredRecords) -> list[ChatMessage]:
    start, stop = len(_PREFIX), records.body_end
    said = [text[start:stop] for text in records.texts if text.startswith(_PREFIX)]
    if len(said) == len(records):
        text = "[{" + ",{".join(said) + "]"
    else:
        text = "[" + ",".join([_without_version(record.body) for record in records]) + "]"
    messages: list[ChatMessage] = _list_validator.validate_json(text)
    if len(messages) != len(records):
        raise ValueError("a record holds another number of messages than one")
    return messages


def _without_version(body: str) -> str:
    """Return the message's own JSON."""
    if body.startswith(_PREFIX):
        return "{" + body[len(_PREFIX) :]
    envelope = json.loads(body)  # reformatted since it was written, or not ours
    if not isinstance(envelope, dict) or "v" not in envelope:
        raise ValueError("it has no version")
    version = envelope.pop("v")
    if version != VERSION:
        raise ValueError(f"its version is {version!r}, this package reads {VERSION}")
    return json.dumps(envelope)


def _reason(error: Exception) -> str:
    """Say what is wrong without repeating content."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else first["msg"]
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, (UnicodeError, PydanticSerializationError, AttributeError, TypeError)):
        return "it holds something that is not JSON (a lone surrogate, an unknown object)"
    return str(error)
