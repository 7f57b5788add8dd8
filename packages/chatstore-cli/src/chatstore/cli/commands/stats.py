"""``chatstore stats``: count what a store has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chatstore.cli.arguments import Json, Owner, Prefix, Url
from chatstore.cli.listing import conversations
from chatstore.cli.output import print_json, print_text
from chatstore.cli.progress import progress
from chatstore.cli.stores import open_existing
from chatstore.cli.times import local_time

if TYPE_CHECKING:
    from chatstore.core import Conversation

_TOP = 5


def stats(url: Url = None, *, owner: Owner = None, prefix: Prefix = "", json: Json = False) -> None:
    """Count conversations, messages and owners; reads all records, but no messages."""
    with open_existing(url) as store, progress("Counting", "conversations") as advance:
        numbers = Numbers()
        for conversation in conversations(store, owner=owner, prefix=prefix):
            numbers.add(conversation)
            advance(1)
        server = store.server
    if json:
        print_json({"store": server, **numbers.to_json()})
    else:
        _print(server, numbers)


@dataclass
class Numbers:
    """What is counted."""

    conversations: int = 0
    messages: int = 0
    without_owner: int = 0
    expiring: int = 0
    owners: Counter[str] = field(default_factory=Counter)
    longest: Conversation | None = None
    oldest: datetime | None = None
    newest: datetime | None = None

    def add(self, conversation: Conversation) -> None:
        """Count a conversation."""
        self.conversations += 1
        self.messages += conversation.length
        self.expiring += conversation.expires_at is not None
        if conversation.owner is None:
            self.without_owner += 1
        else:
            self.owners[conversation.owner] += 1
        if self.longest is None or conversation.length > self.longest.length:
            self.longest = conversation
        self.oldest = min(self.oldest or conversation.created_at, conversation.created_at)
        self.newest = max(self.newest or conversation.updated_at, conversation.updated_at)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON."""
        longest = self.longest
        return {
            "conversations": self.conversations,
            "messages": self.messages,
            "owners": len(self.owners),
            "without_owner": self.without_owner,
            "expiring": self.expiring,
            "longest": longest and {"key": longest.key, "messages": longest.length},
            "oldest_created_at": self.oldest and self.oldest.isoformat(),
            "newest_updated_at": self.newest and self.newest.isoformat(),
            "largest_owners": [
                {"owner": owner, "conversations": count}
                for owner, count in self.owners.most_common(_TOP)
            ],
        }


def _print(server: str, numbers: Numbers) -> None:
    rows: list[tuple[str, str]] = [
        ("store", server),
        ("conversations", f"{numbers.conversations:,}"),
        ("messages", f"{numbers.messages:,}"),
        ("owners", f"{len(numbers.owners):,}"),
        ("without owner", f"{numbers.without_owner:,}"),
        ("expiring", f"{numbers.expiring:,}"),
    ]
    if numbers.longest and numbers.oldest and numbers.newest:
        mean = numbers.messages / numbers.conversations
        rows += [
            ("mean length", f"{mean:,.1f} messages"),
            ("longest", f"{numbers.longest.key} ({numbers.longest.length:,})"),
            ("oldest", f"created {local_time(numbers.oldest)}"),
            ("newest", f"updated {local_time(numbers.newest)}"),
        ]
    rows += _owners(numbers.owners.most_common(_TOP))
    for name, value in rows:
        print_text((f"{name:<15}", "bold"), value)


def _owners(largest: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    names = ["largest owners", *[""] * _TOP]
    return [
        (name, f"{owner} ({count:,})") for name, (owner, count) in zip(names, largest, strict=False)
    ]
