"""Layers and messages for tests."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

from chatstore.core import ChatMessage, ChatStore
from chatstore.core.backend import Backend, Record
from chatstore.core.layers import MappingBackend
from chatstore.media import MediaBackend, MediaFolder

HOUR = 3600.0


class MessagesAsMedia(MappingBackend[Any]):
    """Stores messages as media of other messages, for tests of a layer below: every nth one."""

    def __init__(self, inner: Backend[Any], nth: int = 1) -> None:
        super().__init__(inner)
        self.nth = nth

    def stored_message(self, key: str, record: Record) -> Record:
        if crc32(record.id.encode()) % self.nth:
            return record
        document = {"type": "document", "data": b64encode(record.body.encode()).decode()}
        fields = {"v": 1, "id": record.id, "role": "user", "content": [document]}
        return record._replace(body=json.dumps(fields))

    def original_body(self, key: str, body: str) -> str:
        if not body.startswith('{"v": 1, '):  # with spaces
            return body
        return b64decode(json.loads(body)["content"][0]["data"]).decode()


def media_of_everything(backend: Backend[Any], folder: MediaFolder) -> Backend[Any]:
    return MessagesAsMedia(MediaBackend(backend, folder, min_bytes=1))


def content(size: int = 1000, seed: int = 0) -> bytes:
    return Random(seed).randbytes(size)


def base64_of(data: bytes) -> str:
    return b64encode(data).decode()


def photo(data: bytes, id: str | None = None, text: str = "Look:") -> ChatMessage:  # noqa: A002
    blocks = [
        {"type": "text", "text": text},
        {"type": "image", "data": base64_of(data), "media_type": "image/png"},
    ]
    return ChatMessage(role="user", content=blocks, id=id)


def objects_in(folder: Path) -> dict[str, Path]:
    """Return the objects in a folder on a disk, by name."""
    return {path.name: path for path in (folder / "objects").glob("*/*")}


def store_over(backend: Backend[Any], folder: MediaFolder, **options: Any) -> ChatStore:
    return ChatStore(MediaBackend(backend, folder, min_bytes=100, **options))


Opener = Callable[[], ChatStore]
