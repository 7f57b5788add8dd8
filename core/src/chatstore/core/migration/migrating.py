"""``migrate``: copies conversations, goes on after a stop, and compares what came out."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from chatstore.core.errors import ChatStoreError
from chatstore.core.messages import ChatMessage
from chatstore.core.migration.source import Source
from chatstore.core.store import ChatStore

_BATCH_MESSAGES = 200
_BATCH_CHARACTERS = 500_000


class MigrationError(ChatStoreError):
    """The store holds something else under a key of the source; nothing was overwritten.

    Attributes:
        key: The conversation.
        position: The first message that differs, from 0.

    """

    def __init__(self, message: str, *, key: str, position: int) -> None:
        """Name the place."""
        super().__init__(f"conversation {key!r}, message {position}: {message}")
        self.key = key
        self.position = position


class Migrated(NamedTuple):
    """What became of one conversation.

    Attributes:
        key: Its key.
        messages: How many messages the source and, verified, the store have.
        copied: How many of them this run copied; the others were there.
        digest: BLAKE2b over all messages of the source and, verified, of the store.

    """

    key: str
    messages: int
    copied: int
    digest: str


Progress = Callable[[Migrated, int, int], None]
"""Called after each conversation, with its number, from 1, and the number of all."""


def migrate(
    source: Source,
    store: ChatStore,
    *,
    progress: Progress | None = None,
    to_key: Callable[[str], str] = str,
) -> list[Migrated]:
    """Copy every conversation of a source into a store, and verify each by count and digest.

    Run it again after a stop: what was copied stays, and the rest follows. Messages that somebody
    appended in the store since are left where they are. The source is only read.

    Args:
        source: What to copy.
        store: Where to.
        progress: Called after each conversation.
        to_key: Returns the key in the store for a key of the source.

    Raises:
        MigrationError: The store has other messages than the source under a key.
        CorruptMessageError: The source holds something that is no message.
        InvalidMessageError: A message cannot be stored as it is.

    """
    keys = sorted(source.keys())
    done = []
    for number, key in enumerate(keys, 1):
        done.append(_migrate_one(source, store, key, to_key(key)))
        if progress is not None:
            progress(done[-1], number, len(keys))
    return done


def _migrate_one(source: Source, store: ChatStore, key: str, target: str) -> Migrated:
    held = store.count_messages(target)
    messages = _identified(source.messages(key))
    present = _compare(messages, store, target, held)
    copied = 0
    for batch in _batches(messages):
        store.add_messages(target, batch)
        copied += len(batch)
    expected, count = _digest(source.messages(key))
    found, _ = _digest(itertools.islice(store.iter_messages(target), count))
    if found != expected:
        message = "the copy differs from the source, which may have changed meanwhile"
        raise MigrationError(message, key=target, position=present)
    return Migrated(target, count, copied, expected)


def _compare(messages: Iterator[ChatMessage], store: ChatStore, key: str, held: int) -> int:
    """Take from the source what the store holds already; return how many messages that were."""
    if held == 0:
        return 0
    for position, ours in enumerate(store.iter_messages(key)):
        theirs = next(messages, None)
        if theirs is None:
            return position  # the conversation went on in the store
        if _text(theirs) != _text(ours):
            message = "the store holds another message here than the source"
            raise MigrationError(message, key=key, position=position)
    return held


def _identified(messages: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
    """Give each message an id that it gets again in the next run: its own, or one of its place."""
    seen = set()
    for position, message in enumerate(messages):
        identity = message.id
        if identity is None or identity in seen:
            digest = hashlib.blake2b(_text(message).encode(), digest_size=8).hexdigest()
            identity = f"migrated:{position}:{digest}"
        seen.add(identity)
        yield message.model_copy(update={"id": identity})


def _batches(messages: Iterator[ChatMessage]) -> Iterator[list[ChatMessage]]:
    batch: list[ChatMessage] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += len(_text(message))
        if len(batch) == _BATCH_MESSAGES or size > _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _digest(messages: Iterable[ChatMessage]) -> tuple[str, int]:
    digest, count = hashlib.blake2b(digest_size=20), 0
    for message in messages:
        digest.update(_text(message).encode() + b"\n")
        count += 1
    return digest.hexdigest(), count


def _text(message: ChatMessage) -> str:
    """Return what a message says, without what a store gives it."""
    said = message.model_dump(mode="json", exclude={"id", "created_at"})
    return json.dumps(said, sort_keys=True)
