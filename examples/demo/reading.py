"""Conversations of a file, one after another: JSON Lines or a JSON array, in OpenAI's format."""

import json
from codecs import getincrementaldecoder
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from chatstore.core import ChatMessage, ChatStoreError, MessageRole, from_openai
from chatstore.core.checks import check_key

_READ_BYTES = 1 << 20
_ROLES = {role.value for role in MessageRole}
FORMAT = '{"key": "…", "messages": [{"role": "user", "content": "…"}, …]}; the key may be missing'


class BadFileError(Exception):
    """The file cannot be used; the message says where and why."""


class Source(NamedTuple):
    """The JSON text of a conversation, and its place in the file."""

    place: str
    text: str


class Conversation(NamedTuple):
    """A key and its messages, oldest first."""

    key: str
    messages: list[ChatMessage]


def read_batches(path: Path, size: int) -> Iterator[list[Source]]:
    """Yield the file's conversations, ``size`` at a time, without loading the whole file.

    Raises:
        BadFileError: The file cannot be read, is not UTF-8, or has no conversation.

    """
    try:
        with path.open("rb") as file:
            sources = _sources(path, file)
            batch = list(islice(sources, size))
            if not batch:
                raise BadFileError(f"{path}: it has no conversation; expected {FORMAT}")
            while batch:
                yield batch
                batch = list(islice(sources, size))
    except OSError as error:
        raise BadFileError(f"{path}: {error.strerror or type(error).__name__}") from None


def parse(source: Source) -> Conversation:
    """Return a conversation; one without a key is named after its place.

    Raises:
        BadFileError: It is not JSON, or not a conversation in OpenAI's format.

    """
    try:
        entry = json.loads(source.text)
    except json.JSONDecodeError as error:
        raise BadFileError(
            f"{source.place}: it is not JSON: {error.msg} at character {error.pos}"
        ) from None
    except RecursionError:
        raise BadFileError(f"{source.place}: it is nested too deep") from None
    if not isinstance(entry, dict) or not isinstance(entry.get("messages"), list):
        raise BadFileError(f"{source.place}: it has no list of messages; expected {FORMAT}")
    try:
        key = check_key(entry.get("key") or source.place.rpartition(", ")[2])
    except ChatStoreError as error:
        raise BadFileError(f"{source.place}: {error}") from None
    return Conversation(
        key, [_message(source, n, item) for n, item in enumerate(entry["messages"])]
    )


def _message(source: Source, index: int, item: Any) -> ChatMessage:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise BadFileError(f"{source.place}: message {index} has no role; expected {FORMAT}")
    if item["role"] not in _ROLES:
        roles = ", ".join(sorted(_ROLES))
        raise BadFileError(
            f"{source.place}: message {index} has an unknown role; known roles: {roles}"
        )
    try:
        return from_openai(item)
    except ValueError:
        message = f"{source.place}: message {index} is not valid in OpenAI's chat format"
    raise BadFileError(message)


def _sources(path: Path, file: BinaryIO) -> Iterator[Source]:
    first = file.read(3)
    file.seek(3 if first == b"\xef\xbb\xbf" else 0)  # a byte order mark
    start = file.tell()
    head = file.read(_READ_BYTES).lstrip()
    file.seek(start)
    return _array(path, file) if head.startswith(b"[") else _lines(path, file)


def _lines(path: Path, file: BinaryIO) -> Iterator[Source]:
    # Lines of bytes end at line feeds only; lines of text would also end inside JSON strings.
    for number, line in enumerate(file, start=1):
        place = f"{path}, line {number}"
        if line.strip():
            yield Source(place, _decoded(place, line))


def _decoded(place: str, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        message = f"{place}: byte {error.start + 1} is not UTF-8"
    raise BadFileError(message)


def _array(path: Path, file: BinaryIO) -> Iterator[Source]:
    """Yield the items of a JSON array, reading more of the file as needed."""
    decoder = json.JSONDecoder()
    number = 0
    chunks = _text_chunks(path, file)
    text = next(chunks, "").lstrip()[1:]
    while True:
        text = text.lstrip(" \t\r\n,") if number else text.lstrip()
        if text.startswith("]"):
            return
        try:
            _, end = decoder.raw_decode(text)
        except RecursionError:
            raise BadFileError(f"{path}, item {number + 1}: it is nested too deep") from None
        except ValueError:
            more = next(chunks, None)
            if more is None:
                raise BadFileError(
                    f"{path}, item {number + 1}: it is not JSON, or the file is cut short"
                ) from None
            # Double the text each time, so that a long item is not scanned too often.
            text += more + "".join(islice(chunks, len(text) // _READ_BYTES))
            continue
        number += 1
        yield Source(f"{path}, item {number}", text[:end])
        text = text[end:]


def _text_chunks(path: Path, file: BinaryIO) -> Iterator[str]:
    decoder = getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_READ_BYTES):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        message = f"{path}: it is not UTF-8"
    else:
        return
    raise BadFileError(message)
