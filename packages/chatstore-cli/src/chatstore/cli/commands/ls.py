"""``chatstore ls``: list conversations."""

from __future__ import annotations

from chatstore.cli.arguments import Json, Limit, Owner, Prefix, Url
from chatstore.cli.listing import conversations
from chatstore.cli.records import print_records
from chatstore.cli.stores import open_existing


def ls(
    url: Url = None,
    *,
    owner: Owner = None,
    prefix: Prefix = "",
    limit: Limit = None,
    json: Json = False,
) -> None:
    """List conversations: an owner's with the newest first, all in any order."""
    with open_existing(url) as store:
        listed = conversations(store, owner=owner, prefix=prefix, limit=limit)
        print_records(listed, json=json)
