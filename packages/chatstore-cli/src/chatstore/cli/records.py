"""Records of conversations, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chatstore.cli.output import Column, print_json, print_rows
from chatstore.cli.times import local_time

if TYPE_CHECKING:
    from chatstore.core import Conversation

_COLUMNS = (
    Column("updated", width=16, style="dim"),
    Column("messages", width=8, justify="right"),
    Column("owner", ratio=1, style="cyan"),
    Column("key", ratio=2, style="bold"),
    Column("title", ratio=2),
)


def print_records(listed: Iterable[Conversation], *, json: bool) -> None:
    """Print records as they arrive."""
    if json:
        for conversation in listed:
            print_json(_to_json(conversation))
    else:
        print_rows(_COLUMNS, _rows(listed))


def _to_json(conversation: Conversation) -> dict[str, Any]:
    expires = conversation.expires_at
    return {
        "key": conversation.key,
        "owner": conversation.owner,
        "title": conversation.title,
        "metadata": conversation.metadata,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "expires_at": None if expires is None else expires.isoformat(),
        "messages": conversation.length,
        "revision": conversation.revision,
    }


def _rows(listed: Iterable[Conversation]) -> Iterator[tuple[str, ...]]:
    for item in listed:
        yield (
            local_time(item.updated_at),
            f"{item.length:,}",
            item.owner or "",
            item.key,
            item.title or "",
        )
