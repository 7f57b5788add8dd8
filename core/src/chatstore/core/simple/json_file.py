"""The JSON file of ``SimpleChatStore``: its format, and its atomic replacement."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from chatstore.core import codec
from chatstore.core.backend.records import Record
from chatstore.core.checks import check_key
from chatstore.core.errors import (
    ChatStoreError,
    ConversationChangedError,
    CorruptStoreError,
    DriverError,
    InvalidArgumentError,
    InvalidKeyError,
    SchemaVersionError,
    StoreAccessError,
    StoreFullError,
)
from chatstore.core.simple.llama_index_file import bodies_from_llama_index
from chatstore.core.simple.temporary_files import temporary_file

FORMAT = 1
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BoundFile(NamedTuple):
    """A file and its state when it was last read or written.

    Attributes:
        path: The absolute path.
        signature: Inode, size and time of change; ``None``: the file did not exist.
        is_read: The signature is known.

    """

    path: Path
    signature: tuple[int, int, int] | None
    is_read: bool


def check_path(path: object) -> Path:
    """Return an absolute path, which a later change of the working directory does not affect.

    Raises:
        InvalidArgumentError: `path` is not a path, is empty, or contains NUL.

    """
    if not isinstance(path, (str, PathLike)) or not str(path) or "\0" in str(path):
        raise InvalidArgumentError("a path must be a non-empty string or path object without NUL")
    return Path(os.path.realpath(path))  # links are followed, not replaced


def read(path: Path) -> tuple[BoundFile, str | None]:
    """Return the state of the file and its text (``None``: the file does not exist)."""
    with _translated_errors(path):
        try:
            signature = _signature(path)
            text = path.read_bytes()
        except FileNotFoundError:
            return BoundFile(path, None, is_read=True), None
    try:
        return BoundFile(path, signature, is_read=True), text.decode()
    except UnicodeDecodeError as error:
        raise CorruptStoreError(f"{path} is not UTF-8") from error


def write(file: BoundFile, text: str) -> BoundFile:
    """Replace the file atomically: readers see the old text or the new one."""
    path = file.path
    with _translated_errors(path):
        if file.is_read and _signature(path) != file.signature:
            raise ConversationChangedError(
                f"{path} was changed by another program since it was read; nothing was written "
                "(several writers need a database, such as SQLite)"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path) as (descriptor, name):
            with open(descriptor, "wb", closefd=False) as temporary:
                temporary.write(text.encode())
                temporary.flush()
                os.fsync(descriptor)
            if path.exists():
                shutil.copymode(path, name)
            name.replace(path)
            _sync_folder(path.parent)
        return BoundFile(path, _signature(path), is_read=True)


def _sync_folder(folder: Path) -> None:
    """Make the replacement survive a power loss; Windows cannot open folders and needs no sync."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def dump(conversations: Mapping[str, tuple[float | None, list[str]]]) -> str:
    """Return the file's text for conversations by key: expiry and bodies, which are JSON text."""
    parts = []
    for key, (expires_at, bodies) in conversations.items():
        name, expiry = json.dumps(key, ensure_ascii=False), json.dumps(expires_at)
        joined = ",\n".join(bodies)
        parts.append(f'{name}:{{"expires_at":{expiry},"messages":[\n{joined}\n]}}')
    return f'{{"chatstore":{FORMAT},"conversations":{{\n' + ",\n".join(parts) + "\n}}\n"


def load(text: str) -> dict[str, tuple[float | None, list[Record]]]:
    """Return expiry and records by key.

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
            _known_key(key): (None, _records(bodies_from_llama_index(messages)))
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
            _known_key(key): (_expiry(value["expires_at"]), _records(value["messages"]))
            for key, value in document["conversations"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CorruptStoreError("the file's structure is damaged") from error


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


def _expiry(value: Any) -> float | None:
    if value is None:
        return None
    expires_at = float(value)
    if not math.isfinite(expires_at):
        raise ValueError("a time of expiry is not a finite number")
    return expires_at


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


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        kind: type[ChatStoreError] = StoreFullError if error.errno in _FULL else StoreAccessError
        raise kind(f"{path}: {reason}") from DriverError.of(error)
