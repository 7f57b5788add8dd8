"""``migrate``: copy conversations, resume after an interruption, and verify the copies."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from chatstore.core import ChatMessage, ChatStore, CorruptMessageError, InvalidArgumentError
from chatstore.core.checks import check_key, check_prefix
from chatstore.migrate.report import (
    EmptySourceError,
    MigratedConversation,
    MigrationError,
    MigrationReport,
    SkippedConversation,
)
from chatstore.migrate.sources import Source, StoreSource

_BATCH_MESSAGES = 200
_BATCH_CHARACTERS = 500_000

Progress = Callable[[MigratedConversation, int, int], None]
"""Called after each conversation with its number, counted from 1, and the total."""


def migrate(
    source: Source | ChatStore,
    store: ChatStore,
    *,
    keys: Iterable[str] | None = None,
    prefix: str = "",
    on_corrupt: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
    to_key: Callable[[str], str] = str,
) -> MigrationReport:
    """Copy conversations of a source into a store, and verify each by count and digest.

    After an interruption, run it again: messages that were copied stay, and the rest follows.
    Messages that were appended in the store since then stay behind the copied ones. The source is
    only read.

    Args:
        source: A store, or a source for another library's store.
        store: The store to copy into.
        keys: Copy only these conversations.
        prefix: Copy only conversations whose keys begin with it.
        on_corrupt: What to do about a conversation that cannot be copied, such as another
            program's list in a shared Redis: ``"raise"``, or ``"skip"`` and report it.
        progress: Called after each conversation.
        to_key: Returns the key in the store for a key of the source.

    Raises:
        EmptySourceError: The source has no conversation, or none that was selected.
        MigrationError: The store has other messages than the source under a key, or the source
            changed during the copy.
        CorruptMessageError: The source contains something that is not a message.
        InvalidKeyError: A key of the source is not a string of 1 to 255 bytes in UTF-8.
        InvalidMessageError: A message of the source cannot be written as JSON.
        InvalidArgumentError: An argument is wrong, or the source is the store itself and
            ``to_key`` was not given.

    """
    checked = _as_source(source, store, to_key)
    if on_corrupt not in ("raise", "skip"):
        raise InvalidArgumentError("on_corrupt must be 'raise' or 'skip'")
    selected = _select(checked, keys, check_prefix(prefix))
    report = MigrationReport()
    for number, key in enumerate(selected, 1):
        try:
            migrated = _migrate_one(checked, store, key, to_key(key))
        except (CorruptMessageError, InvalidArgumentError) as error:
            if on_corrupt == "raise":
                raise
            report.skipped.append(SkippedConversation(key, str(error)))
        else:
            report.append(migrated)
            if progress is not None:
                progress(migrated, number, len(selected))
    return report


def _as_source(source: Any, store: object, to_key: Callable[[str], str]) -> Source:
    if not isinstance(store, ChatStore):
        raise InvalidArgumentError(
            f"store must be a ChatStore, not {type(store).__name__}; open_store(url) returns one"
        )
    if source is store and to_key is str:
        raise InvalidArgumentError(
            "the source is the store itself; pass to_key to copy under other keys"
        )
    if isinstance(source, ChatStore):
        return StoreSource(source)
    if not hasattr(source, "keys") or not hasattr(source, "messages"):
        raise InvalidArgumentError(
            f"source must be a ChatStore or a source, not {type(source).__name__}; "
            "functions such as chatstore.migrate.langchain.from_redis return sources"
        )
    checked: Source = source
    return checked


def _select(source: Source, keys: Iterable[str] | None, prefix: str) -> list[str]:
    if isinstance(keys, str):
        raise InvalidArgumentError("keys must be a list of keys, not one string")
    present = {key for key in source.keys() if key.startswith(prefix)}  # noqa: SIM118 - a Source
    requested = present if keys is None else set(keys)
    if missing := sorted(requested - present):
        raise EmptySourceError(
            f"the source has no conversation {missing[0]!r} ({len(missing)} keys are missing)"
        )
    if not requested:
        condition = f" with the prefix {prefix!r}" if prefix else ""
        raise EmptySourceError(
            f"the source has no conversation{condition}; check its address, name and prefix"
        )
    return sorted(requested)


def _migrate_one(source: Source, store: ChatStore, key: str, target: str) -> MigratedConversation:
    # Read everything first: nothing is written of a conversation that cannot be read.
    expected, count = _digest(source.messages(check_key(key)))
    existing = store.count_messages(target)
    messages = _with_stable_ids(source.messages(key))
    position = _skip_existing(messages, store, target, existing)
    copied = 0
    for batch in _batches(messages):
        store.add_messages(target, batch)
        copied += len(batch)
    actual, _ = _digest(itertools.islice(store.iter_messages(target), count))
    if actual != expected:
        raise MigrationError(
            "the copy differs from the source, which may have changed during the copy",
            key=target,
            position=position,
        )
    return MigratedConversation(target, count, copied, expected)


def _skip_existing(
    messages: Iterator[ChatMessage], store: ChatStore, key: str, existing: int
) -> int:
    """Consume the messages that the store already has, and return their number."""
    if existing == 0:
        return 0
    for position, stored in enumerate(store.iter_messages(key)):
        message = next(messages, None)
        if message is None:
            return position  # the rest was appended in the store
        if _text(message) != _text(stored):
            raise MigrationError(
                "the store has another message at this index than the source",
                key=key,
                position=position,
            )
    return existing


def _with_stable_ids(messages: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
    """Give each message an id that does not change from run to run.

    This is its own id, or one made of its index and its content.
    """
    seen: set[str] = set()
    for position, message in enumerate(messages):
        message_id = message.id
        if message_id is None or message_id in seen:
            digest = hashlib.blake2b(_text(message).encode(), digest_size=8).hexdigest()
            message_id = f"migrated:{position}:{digest}"
        seen.add(message_id)
        yield message.model_copy(update={"id": message_id})


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
    """Return a message as JSON, without the fields that a store assigns."""
    fields = message.model_dump(mode="json", exclude={"id", "created_at"})
    return json.dumps(fields, sort_keys=True)
