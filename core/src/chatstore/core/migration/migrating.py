"""``migrate``: copies conversations, goes on after a stop, and compares what came out."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from chatstore.core.checks import check_key, check_prefix
from chatstore.core.errors import ChatStoreError, CorruptMessageError, InvalidArgumentError
from chatstore.core.messages import ChatMessage
from chatstore.core.migration.source import Source, StoreSource
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


class Skipped(NamedTuple):
    """A conversation that was not copied.

    Attributes:
        key: Its key in the source.
        reason: Why, in a sentence without content.

    """

    key: str
    reason: str


class MigrationReport(list[Migrated]):
    """The conversations that are in the store now, in the order of their keys.

    Attributes:
        skipped: Those that could not be copied; empty unless ``on_corrupt="skip"`` was given.

    """

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.skipped: list[Skipped] = []


class EmptySourceError(ChatStoreError):
    """The source holds no conversation, or none was selected."""


Progress = Callable[[Migrated, int, int], None]
"""Called after each conversation, with its number, from 1, and the number of all."""


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

    Run it again after a stop: what was copied stays, and the rest follows. Messages that were
    appended in the store since then are left where they are. The source is only read.

    Args:
        source: What to copy: a store, or a source for another library's store.
        store: Where to.
        keys: Only these conversations.
        prefix: Only conversations whose keys start with it.
        on_corrupt: What to do about a conversation that the store cannot take, such as a list of
            another program in a shared Redis: ``"raise"``, or ``"skip"`` and report it.
        progress: Called after each conversation.
        to_key: Returns the key in the store for a key of the source.

    Raises:
        EmptySourceError: There is nothing to copy.
        MigrationError: The store has other messages than the source under a key.
        CorruptMessageError: The source holds something that is not a message.
        InvalidKeyError: A key of the source is not a key of a store.
        InvalidMessageError: A message cannot be stored as it is.
        InvalidArgumentError: An argument is wrong, or the source is the store itself.

    """
    chosen = _as_source(source, store, to_key)
    if on_corrupt not in ("raise", "skip"):
        raise InvalidArgumentError("on_corrupt must be 'raise' or 'skip'")
    selected = _select(chosen, keys, check_prefix(prefix))
    report = MigrationReport()
    for number, key in enumerate(selected, 1):
        try:
            done = _migrate_one(chosen, store, key, to_key(key))
        except (CorruptMessageError, InvalidArgumentError) as error:
            if on_corrupt == "raise":
                raise
            report.skipped.append(Skipped(key, str(error)))
        else:
            report.append(done)
            if progress is not None:
                progress(done, number, len(selected))
    return report


def _as_source(source: object, store: object, to_key: Callable[[str], str]) -> Source:
    if not isinstance(store, ChatStore):
        raise InvalidArgumentError(
            f"store must be a ChatStore, not {type(store).__name__}; see open_store(url)"
        )
    if source is store and to_key is str:
        raise InvalidArgumentError(
            "the source is the store itself; to_key must change the keys then"
        )
    if isinstance(source, ChatStore):
        return StoreSource(source)
    if not hasattr(source, "keys") or not hasattr(source, "messages"):
        raise InvalidArgumentError(
            f"source must be a store or a source, not {type(source).__name__}; "
            "from_redis(client) and the like return sources"
        )
    chosen: Any = source
    return chosen  # type: ignore[no-any-return]


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
        among = f" with the prefix {prefix!r}" if prefix else ""
        raise EmptySourceError(
            f"the source has no conversation{among}; check its address, name and prefix"
        )
    return sorted(requested)


def _migrate_one(source: Source, store: ChatStore, key: str, target: str) -> Migrated:
    # Read as a whole first: of a conversation that cannot be read, nothing is written.
    expected, count = _digest(source.messages(check_key(key)))
    held = store.count_messages(target)
    messages = _identified(source.messages(key))
    present = _compare(messages, store, target, held)
    copied = 0
    for batch in _batches(messages):
        store.add_messages(target, batch)
        copied += len(batch)
    result, _ = _digest(itertools.islice(store.iter_messages(target), count))
    if result != expected:
        raise MigrationError(
            "the copy differs from the source, which may have changed during the copy",
            key=target,
            position=present,
        )
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
            raise MigrationError(
                "the store holds another message here than the source", key=key, position=position
            )
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
    fields = message.model_dump(mode="json", exclude={"id", "created_at"})
    return json.dumps(fields, sort_keys=True)
