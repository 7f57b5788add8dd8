"""``migrate``: copy conversations, resume after an interruption, and verify the copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from chatstore.core import (
    ChatStore,
    ConversationChangedError,
    CorruptMessageError,
    InvalidArgumentError,
    MessageConflictError,
    RevisionConflictError,
)
from chatstore.core.checks import check_prefix
from chatstore.migrate.conversation_copy import ConversationCopy
from chatstore.migrate.digests import combined
from chatstore.migrate.report import (
    EmptySourceError,
    MigratedConversation,
    MigrationError,
    MigrationReport,
    Progress,
    SkippedConversation,
)
from chatstore.migrate.sources import SizedSource, Source, StoreSource

_FAILURES = (
    ConversationChangedError,
    CorruptMessageError,
    InvalidArgumentError,
    MessageConflictError,
    MigrationError,
    RevisionConflictError,
)


def migrate(
    source: Source | ChatStore,
    store: ChatStore,
    *,
    keys: Iterable[str] | None = None,
    prefix: str = "",
    owner: str | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    overwrite: bool = False,
    verify: bool = True,
    progress: Callable[[Progress], None] | None = None,
    to_key: Callable[[str], str] = str,
) -> MigrationReport:
    """Copy conversations of a source into a store, and verify each by count and digest.

    After an interruption, run it again: messages that were copied stay, and the rest follows.
    Messages that were appended in the store since then stay behind the copied ones. The source is
    only read. A conversation that is written in the source during its copy is copied again until
    it is whole. Conversations' records are copied; ids and times of messages are kept. The times,
    revision and expiry of conversations are the store's own.

    Args:
        source: A store, or a source for another library's store.
        store: The store to copy into.
        keys: Copy only these conversations.
        prefix: Copy only conversations whose keys begin with it.
        owner: Copy only this owner's conversations; the source must be a store.
        on_error: What to do about a conversation that cannot be copied, such as another program's
            list in a shared Redis, or one that differs in the store: ``"raise"``, or ``"skip"``
            and report it.
        overwrite: Whether to replace messages and records of the store that differ from the
            source's.
        verify: Whether to compare each copy with its source.
        progress: Called after each batch of messages and after each conversation.
        to_key: Returns the key in the store for a key of the source.

    Raises:
        EmptySourceError: The source has no conversation, or none that was selected.
        MigrationError: The store has another record or other messages than the source under a key,
            or a conversation changed during each of 20 passes.
        CorruptMessageError: The source contains something that is not a message.
        InvalidKeyError: A key of the source is not a string of 1 to 255 bytes in UTF-8.
        InvalidMessageError: A message of the source cannot be written as JSON.
        InvalidArgumentError: An argument is wrong, or the source is the store itself and
            ``to_key`` was not given.

    """
    if on_error not in ("raise", "skip"):
        raise InvalidArgumentError("on_error must be 'raise' or 'skip'")
    if isinstance(keys, str):
        raise InvalidArgumentError("keys must be a list of keys, not one string")
    requested = None if keys is None else set(keys)
    if isinstance(source, ChatStore):
        checked: Source = StoreSource(source, prefix=prefix, owner=owner, keys=requested)
    else:
        checked = _check_source(source, owner)
    _check_store(source, store, to_key)
    selection = _Selection(checked, requested, prefix, is_listed_first=source is store)
    counter = _Counter(*selection.count(), progress)
    report = MigrationReport()
    for key in selection:
        try:
            counter.key = target = to_key(key)
            copy = ConversationCopy(
                checked,
                key,
                store,
                target,
                overwrite=overwrite,
                verify=verify,
                on_progress=counter.set_messages,
            )
            copied = copy.run()
        except _FAILURES as error:
            if on_error == "raise":
                raise
            report.skipped.append(SkippedConversation(key, str(error)))
        else:
            _add(report, copied)
        counter.end_conversation()
    return report


def _check_source(source: Any, owner: str | None) -> Source:
    if not hasattr(source, "keys") or not hasattr(source, "messages"):
        raise InvalidArgumentError(
            f"source must be a ChatStore or a source, not {type(source).__name__}; "
            "functions such as chatstore.migrate.langchain.from_redis return sources"
        )
    if owner is not None:
        raise InvalidArgumentError("owner selects conversations of a store, not of another source")
    checked: Source = source
    return checked


def _check_store(source: object, store: object, to_key: Callable[[str], str]) -> None:
    if not isinstance(store, ChatStore):
        raise InvalidArgumentError(
            f"store must be a ChatStore, not {type(store).__name__}; open_store(url) returns one"
        )
    if source is store and to_key is str:
        raise InvalidArgumentError(
            "the source is the store itself; pass to_key to copy under other keys"
        )


class _Selection:
    """The keys to copy; they are listed again each time, so that they need no memory."""

    def __init__(
        self, source: Source, requested: set[str] | None, prefix: str, *, is_listed_first: bool
    ) -> None:
        self._source = source
        self._requested = requested
        self._prefix = check_prefix(prefix)
        # The copies would be listed, too.
        self._listed = list(self._keys()) if is_listed_first else None

    def count(self) -> tuple[int, int | None]:
        """Return the numbers of conversations and of messages, if the source knows them.

        Raises:
            EmptySourceError: There is no conversation, or a requested one is missing.

        """
        count, messages, missing = 0, 0, set(self._requested or ())
        for key, size in self._sizes():
            count, messages = count + 1, messages + size
            missing.discard(key)
        if missing:
            raise EmptySourceError(
                f"the source has no conversation {min(missing)!r} ({len(missing)} keys are missing)"
            )
        if not count:
            condition = f" with the prefix {self._prefix!r}" if self._prefix else ""
            raise EmptySourceError(
                f"the source has no conversation{condition}; check its address, name and prefix"
            )
        return count, messages if isinstance(self._source, SizedSource) else None

    def __iter__(self) -> Iterator[str]:
        return self._keys() if self._listed is None else iter(self._listed)

    def _keys(self) -> Iterator[str]:
        return filter(self._is_selected, self._source.keys())

    def _sizes(self) -> Iterator[tuple[str, int]]:
        source = self._source
        if not isinstance(source, SizedSource):
            return ((key, 0) for key in self)
        return ((key, size) for key, size in source.sizes() if self._is_selected(key))

    def _is_selected(self, key: str) -> bool:
        return key.startswith(self._prefix) and (self._requested is None or key in self._requested)


class _Counter:
    """Counts what was copied, and calls the caller's function."""

    def __init__(
        self,
        total: int,
        total_messages: int | None,
        function: Callable[[Progress], None] | None,
    ) -> None:
        self.key = ""
        self._total = total
        self._total_messages = total_messages
        self._function = function
        self._conversations = 0
        self._messages = 0  # of earlier conversations
        self._current = 0

    def set_messages(self, number: int) -> None:
        """Take the number of messages of the current conversation that are in the store."""
        self._current = number
        self._call()

    def end_conversation(self) -> None:
        """Begin the next conversation."""
        self._conversations += 1
        self._messages += self._current
        self._current = 0
        self._call()

    def _call(self) -> None:
        if self._function is None:
            return
        total = max(self._total, self._conversations)  # new ones may be listed later
        messages = self._messages + self._current
        self._function(
            Progress(self._conversations, total, messages, self._total_messages, self.key)
        )


def _add(report: MigrationReport, copied: MigratedConversation | None) -> None:
    if copied is None:
        return  # deleted in the source since it was listed, or without messages
    report.conversations += 1
    report.messages += copied.messages
    report.copied += copied.copied
    if copied.digest is not None:
        report.digest = combined(report.digest, copied.digest)
