"""Messages in another format's form, kept as the payload of a message.

Long texts that the message's own fields hold too are stored once: the payload refers to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import to_json

from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.messages import PAYLOADS_KEY, ChatMessage

_REFERENCE = "chatstore.text"
_MIN_LENGTH = 64  # characters; a reference takes about 30
_DATA_URL_HEAD = 200  # characters before the data of a data URL, at most


def keep_original(common: ChatMessage, name: str, original: Any) -> ChatMessage:
    """Return a message with its form in another format.

    Args:
        common: The message in the fields that all formats share.
        name: The format's name.
        original: The form, as JSON.

    Raises:
        ValueError: The form is not JSON.

    """
    numbers: dict[str, int] = {}
    for number, text in enumerate(_long_texts(common)):
        numbers.setdefault(text, number)
    is_unpacked = _has_reference(original)
    payload = {"whole": original} if is_unpacked else {"packed": _pack(original, numbers)}
    to_json(payload)  # refuses lone surrogates
    return attach_payload(common, name, payload)


def original_of(message: ChatMessage, name: str) -> Any | None:
    """Return the form that `keep_original` kept, or ``None`` if the message has changed since."""
    payload = payload_for(message, name)
    if not isinstance(payload, dict):
        return None
    if "packed" not in payload:
        return payload.get("whole")
    try:
        return _unpack(payload["packed"], list(_long_texts(message)))
    except (IndexError, TypeError, ValueError):
        return None  # another program wrote it


def without_originals(message: ChatMessage) -> ChatMessage:
    """Return a message without payloads."""
    kwargs = {n: value for n, value in message.additional_kwargs.items() if n != PAYLOADS_KEY}
    return message.model_copy(update={"additional_kwargs": kwargs})


def without_metadata(original: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form without metadata that are kept as the message's."""
    is_kept = isinstance(original.get("metadata"), dict) and original["metadata"]
    return {name: value for name, value in original.items() if name != "metadata" or not is_kept}


def _long_texts(message: ChatMessage) -> Iterator[str]:
    """Yield the long texts of a message's fields, always in the same order."""
    content = message.model_dump(include={"content"})["content"]
    kwargs = {n: value for n, value in message.additional_kwargs.items() if n != PAYLOADS_KEY}
    stack: list[Any] = [kwargs, content]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            if len(value) >= _MIN_LENGTH:
                yield value
        elif isinstance(value, dict):
            stack += [value[field] for field in sorted(value)]
        elif isinstance(value, list):
            stack += value


def _has_reference(value: Any) -> bool:
    if isinstance(value, dict):
        return _REFERENCE in value or any(map(_has_reference, value.values()))
    return isinstance(value, list) and any(map(_has_reference, value))


def _pack(value: Any, numbers: dict[str, int]) -> Any:
    if isinstance(value, dict):
        return {name: _pack(field, numbers) for name, field in value.items()}
    if isinstance(value, list):
        return [_pack(item, numbers) for item in value]
    if not isinstance(value, str) or len(value) < _MIN_LENGTH:
        return value
    if value in numbers:
        return {_REFERENCE: [numbers[value], ""]}
    head, comma, data = value[:_DATA_URL_HEAD].partition(";base64,")
    if comma and head.startswith("data:"):
        start = len(head) + len(comma)
        data = value[start:]
        if data in numbers:
            return {_REFERENCE: [numbers[data], value[:start]]}
    return value


def _unpack(value: Any, texts: list[str]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_REFERENCE}:
            number, head = value[_REFERENCE]
            return str(head) + texts[number]
        return {name: _unpack(field, texts) for name, field in value.items()}
    if isinstance(value, list):
        return [_unpack(item, texts) for item in value]
    return value
