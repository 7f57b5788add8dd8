"""``chatstore ls``: list conversations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatstore.cli.arguments import Json, Owner, Url
from chatstore.cli.listing import conversations
from chatstore.cli.output import Column, print_json, print_rows
from chatstore.cli.stores import open_existing
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


def ls(
    url: Url = None,
    *,
    owner: Owner = None,
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="TEXT", help="Only keys that begin with this.")
    ] = "",
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="At most N conversations.")
    ] = None,
    json: Json = False,
) -> None:
    """List conversations: an owner's with the newest first, all in any order."""
    with open_existing(url) as store:
        listed = conversations(store, owner=owner, prefix=prefix, limit=limit)
        if json:
            for conversation in listed:
                print_json(record_of(conversation))
        else:
            print_rows(_COLUMNS, _rows(listed))


def record_of(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation's record as JSON."""
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
