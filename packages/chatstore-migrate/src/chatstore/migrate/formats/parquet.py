"""Parquet: a row for each message, for analyses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from pydantic_core import to_json

from chatstore.core import ChatMessage
from chatstore.migrate.portable import PortableConversation

_ROWS = 5_000  # of a row group
_GROUP_CHARACTERS = 16_000_000  # a group of long messages has fewer rows


def write_parquet(conversations: Iterable[PortableConversation], file: BinaryIO) -> None:
    """Write a row for each message; a conversation without messages has one row, without message.

    A row group at a time is in memory: 5,000 messages, or fewer long ones.

    Raises:
        ImportError: pyarrow is not installed.

    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("pyarrow is missing: pip install 'chatstore-migrate[parquet]'") from error

    time = pa.timestamp("us", tz="UTC")
    types = {
        "key": pa.string(),
        "owner": pa.string(),
        "title": pa.string(),
        "conversation_metadata": pa.string(),
        "conversation_created_at": time,
        "conversation_updated_at": time,
        "index": pa.int64(),
        "id": pa.string(),
        "created_at": time,
        "role": pa.string(),
        "text": pa.string(),
        "content": pa.string(),
        "additional_kwargs": pa.string(),
        "metadata": pa.string(),
    }
    schema = pa.schema(types)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _groups(_rows(conversations)):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _rows(conversations: Iterable[PortableConversation]) -> Iterator[dict[str, Any]]:
    for conversation in conversations:
        record = conversation.record
        common = {
            "key": conversation.key,
            "owner": record.fields.owner,
            "title": record.fields.title,
            "conversation_metadata": _json(record.fields.metadata),
            "conversation_created_at": record.created_at,
            "conversation_updated_at": record.updated_at,
        }
        is_empty = True
        for index, message in enumerate(conversation.messages):
            is_empty = False
            yield {**common, "index": index, **_fields(message)}
        if is_empty:
            yield common


def _fields(message: ChatMessage) -> dict[str, Any]:
    content = message.model_dump(mode="json", include={"content"}, exclude_none=True)
    return {
        "id": message.id,
        "created_at": message.created_at,
        "role": message.role.value,
        "text": message.text,
        "content": _json(content.get("content")),
        "additional_kwargs": _json(message.additional_kwargs),
        "metadata": _json(message.metadata),
    }


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row.get("content") or "") + len(row.get("additional_kwargs") or "")
        if len(group) == _ROWS or size > _GROUP_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _json(value: Any) -> str:
    return to_json(value).decode()
