"""Encoding of messages as stored text, and decoding.

A body is a JSON object with a version: ``{"v":1,"id":…,"created_at":…,"role":…,"content":…,
"additional_kwargs":…,"metadata":…}``, without the last two if they are empty. Every version of this
package reads what earlier versions wrote.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
_PARSE_BATCH = 256  # messages; all copies of their text fit in a processor's cache
_RANDOM_BYTES = 10  # in a new id
_BLOCK_BATCH = 1000  # blocks that are encoded at a time
_PREFIX = f'{{"v":{VERSION},'
# Parsing raises these, also for values that are not text and for JSON that is nested too deeply.
_DAMAGE = (ValueError, TypeError, AttributeError, RecursionError)
_serializer = ChatMessage.__pydantic_serializer__
_validator = ChatMessage.__pydantic_validator__
_list_validator = TypeAdapter(list[ChatMessage]).validator


def new_id() -> str:
    """Return a random id of 32 hex digits; it begins with the time, which keeps indexes compact."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(_RANDOM_BYTES).hex()}"


def _new_ids(count: int) -> Iterator[str]:
    """Return ids as `new_id` does; one call of the system is faster than one for each."""
    prefix = f"{time.time_ns() // 1_000_000:012x}"
    digits = os.urandom(_RANDOM_BYTES * count).hex()
    width = 2 * _RANDOM_BYTES
    return (prefix + digits[start : start + width] for start in range(0, len(digits), width))


def encode_all(messages: Sequence[object], now: str) -> list[Record]:
    """Return messages as records, in the same order; see `encode`."""
    if len(messages) == 1:
        return [_encode(messages[0], now, new_id)]
    ids = _new_ids(len(messages))
    with _paused_collection():
        return [_encode(message, now, ids.__next__) for message in messages]


def encode(message: object, now: str) -> Record:
    """Return a message as a record, without changing it.

    Args:
        message: The message. Without an id, the record gets a new one.
        now: The time of writing in ISO 8601, for a message without ``created_at``.

    Raises:
        InvalidMessageError: `message` is not a `ChatMessage`, or the message that would be read
            back would not equal it: NaN, bytes, tuples, keys that are not strings, lone surrogates.

    """
    return _encode(message, now, new_id)


def _encode(message: object, now: str, id_source: Callable[[], str]) -> Record:
    if not isinstance(message, ChatMessage):
        raise InvalidMessageError(
            f"a message must be a chatstore.core.ChatMessage, not {describe_message(message)}"
        )
    try:
        message_id = id_source() if message.id is None else check_id(message.id)
        created_at = now if message.created_at is None else check_time(message.created_at)
        refuse_unstored_fields(message)
        role = message.role if type(message.role) is MessageRole else MessageRole(message.role)
        fields = f'"role":"{role.value}"'
        if message.content is not None:
            fields += f',"content":{_content_json(message.content)}'
        elif "content" in message.model_fields_set:  # OpenAI tells null from no content
            fields += ',"content":null'
        if message.additional_kwargs != {}:
            fields += f',"additional_kwargs":{_json(message.additional_kwargs, dict)}'
        if message.metadata != {}:
            fields += f',"metadata":{_json(message.metadata, dict)}'
        head = f'"id":{_text_json(message_id)},"created_at":"{created_at}",'
    except (PydanticSerializationError, ValueError, AttributeError, TypeError) as error:
        raise InvalidMessageError(f"JSON cannot represent this message: {_reason(error)}") from None
    return Record(message_id, f"{_PREFIX}{head}{fields}}}", message.id is not None)


def _content_json(content: object) -> str:
    if not isinstance(content, list):
        return _text_json(content)
    # In batches, whose copies are freed at once.
    starts = range(0, len(content), _BLOCK_BATCH)
    batches = (content[start : start + _BLOCK_BATCH] for start in starts)
    texts = [_json([stored_fields(block) for block in batch], list) for batch in batches]
    return "[" + ",".join([text[1:-1] for text in texts]) + "]"


def _text_json(value: object) -> str:
    """Return a string as JSON text; raises as `_json` does."""
    if type(value) is not str:
        return _json(value, str)
    return to_json(value).decode()  # refuses lone surrogates, which alone prevent a round trip


def _json(value: object, kind: type) -> str:
    """Return a value as JSON text.

    Raises:
        ValueError: The value is not of that type, or would not be read back unchanged.

    """
    text = to_json(value)
    # Messages can be changed after validation, so only a round trip proves that they are JSON.
    # It is made inside of an object, since the parser limits the depth of nesting.
    if (
        not isinstance(value, kind)
        or from_json(b'{"":' + text + b"}", allow_inf_nan=False)[""] != value
    ):
        raise ValueError(
            "it would not be read back unchanged: it contains something that JSON cannot represent "
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
    """Return stored messages, in the same order.

    Raises:
        CorruptMessageError: A message cannot be read; the error names the first one.

    """
    try:
        return _parse_all(records)
    except _DAMAGE:
        return [decode(key, record.position, record.body) for record in records]


def _parse_all(records: Sequence[StoredRecord]) -> list[ChatMessage]:
    if not isinstance(records, StoredRecords):
        records = StoredRecords.from_rows(records)
    messages: list[ChatMessage] = []
    with _paused_collection():
        for start in range(0, len(records), _PARSE_BATCH):
            messages += _parse(records[start : start + _PARSE_BATCH])
    return messages


@contextmanager
def _paused_collection() -> Iterator[None]:
    """Pause the garbage collector.

    Encoding and parsing create many objects, but no garbage before they end: collections took a
    quarter of a large write and two thirds of a long read.
    """
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_collecting:
            gc.enable()


def _parse(records: StoredRecords) -> list[ChatMessage]:
    start, stop = len(_PREFIX), records.body_end
    bodies = [text[start:stop] for text in records.texts if text.startswith(_PREFIX)]
    if len(bodies) == len(records):
        text = "[{" + ",{".join(bodies) + "]"
    else:
        text = "[" + ",".join([_without_version(record.body) for record in records]) + "]"
    messages: list[ChatMessage] = _list_validator.validate_json(text)
    if len(messages) != len(records):
        raise ValueError("a record does not contain exactly one message")
    return messages


def _without_version(body: str) -> str:
    """Return the message's JSON without the version."""
    if body.startswith(_PREFIX):
        return "{" + body[len(_PREFIX) :]
    envelope = json.loads(body)  # reformatted since it was written, or foreign
    if not isinstance(envelope, dict) or "v" not in envelope:
        raise ValueError("it has no version")
    version = envelope.pop("v")
    if version != VERSION:
        raise ValueError(f"its version is {version!r}, this package reads {VERSION}")
    return json.dumps(envelope)


def _reason(error: Exception) -> str:
    """Return what is wrong without quoting content."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else first["msg"]
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, (UnicodeError, PydanticSerializationError, AttributeError, TypeError)):
        return "it contains something that is not JSON (a lone surrogate, an unknown object)"
    return str(error)
