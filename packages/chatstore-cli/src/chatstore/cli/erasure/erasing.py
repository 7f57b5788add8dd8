"""Erasing an owner's conversations, and proving that none is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from chatstore.cli.erasure.journal import Entry, Journal
from chatstore.cli.erasure.receipt import FORMAT
from chatstore.core import ConversationChangedError, RevisionConflictError
from chatstore.migrate import RecordFields
from chatstore.migrate.digests import ConversationDigest, canonical_text

if TYPE_CHECKING:
    from chatstore.core import ChatStore, Conversation, CorruptMessageError


def erase_all(
    store: ChatStore, owner: str, journal: Journal, on_erased: Callable[[int], None]
) -> dict[str, Any]:
    """Erase all conversations of an owner, also those that appear during the run.

    Args:
        store: The store.
        owner: Whose conversations.
        journal: Notes each conversation before it is deleted.
        on_erased: Called with 1 after each conversation.

    Returns:
        The body of the receipt.

    """
    while True:
        listed = list(store.iter_conversations(owner=owner))
        for conversation in listed:
            if _erase(store, owner, conversation.key, journal):
                on_erased(1)
        present = [] if listed else _present(store, journal.keys)
        if not listed and all(conversation.owner != owner for conversation in present):
            break
    store.purge_expired()  # expired conversations are invisible, but may still be stored
    verified_at = now()
    erased = journal.erased(verified_at, present)
    return {
        "format": FORMAT,
        "owner": owner,
        "store": store.server,
        "started_at": journal.started_at,
        "verified_at": verified_at,
        "conversations": len(erased),
        "messages": sum(entry["messages"] for entry in erased),
        "remaining": 0,
        "erased": erased,
    }


def now() -> str:
    """Return the time, in UTC, as text."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _erase(store: ChatStore, owner: str, key: str, journal: Journal) -> bool:
    """Erase a conversation; one that changes before it is deleted is read and noted again.

    Returns:
        ``False``: it does not exist, or has another owner now.

    """
    while True:
        conversation = store.get_conversation(key)
        if conversation is None or conversation.owner != owner:
            return False
        try:
            entry = _entry(store, conversation)
            journal.add(entry)
            store.delete_messages(key, expected_revision=conversation.revision)
        except (ConversationChangedError, RevisionConflictError):
            continue
        journal.note_erased(entry, now())
        return True


def _entry(store: ChatStore, conversation: Conversation) -> Entry:
    """Read a conversation; if it changes while it is read, its deletion is refused."""
    damaged: list[int] = []

    def skip(error: CorruptMessageError) -> None:
        damaged.append(error.position)

    fields = RecordFields(conversation.owner, conversation.title, conversation.metadata)
    digest = ConversationDigest(conversation.key, fields)
    for message in store.iter_messages(conversation.key, on_corrupt=skip):
        digest.add(canonical_text(message))
    return Entry(
        key=conversation.key,
        revision=conversation.revision,
        messages=conversation.length,
        damaged=len(damaged),
        sha256=digest.hexdigest(),
        created_at=conversation.created_at.isoformat(),
        updated_at=conversation.updated_at.isoformat(),
    )


def _present(store: ChatStore, keys: list[str]) -> list[Conversation]:
    """Return the conversations that have the keys now, whatever lists say."""
    return [one for one in map(store.get_conversation, keys) if one is not None]
