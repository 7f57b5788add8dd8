"""``ChatStoreSaver``: LangGraph's checkpoints in any store."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from chatstore.core import ChatStore, ChatStoreError, InvalidArgumentError
from chatstore.core.checks import check_count, check_owner
from chatstore.core.store import check_store
from chatstore.langgraph import retention
from chatstore.langgraph.copying import copy_thread
from chatstore.langgraph.lifetimes import Lifetimes
from chatstore.langgraph.plans import Plan, async_run, run
from chatstore.langgraph.reading import Found, Listing, Query, read, read_history, to_config
from chatstore.langgraph.records import Namespace, to_writes
from chatstore.langgraph.threads import ThreadList, list_namespaces
from chatstore.langgraph.writing import NewCheckpoint, StepWriter

_logger = logging.getLogger("chatstore")
_CLEANING_STEPS = 50  # a run removes old checkpoints after this number of steps of a thread


class ChatStoreSaver(BaseCheckpointSaver[int]):
    """Keeps the checkpoints of LangGraph's threads in a store, sync and async.

    A checkpoint writes what is new: lists that grow, such as messages, are chains of chunks that
    checkpoints share. One saver may be used by threads, by event loops, and by both.

    Every method that does I/O may raise `chatstore.core.ChatStoreError`.
    """

    def __init__(
        self,
        store: ChatStore,
        *,
        name: str = "langgraph",
        keep: int | None = None,
        max_age: timedelta | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        """Keep checkpoints in a store; nothing is sent before the first call.

        Args:
            store: Such as ``chatstore.core.open_store(url)`` returns; it is not closed.
            name: What the keys of all conversations begin with, and the owner of the threads. Two
                savers with different names share nothing.
            keep: How many of the newest checkpoints to keep in each namespace of a thread. By
                default, all.
            max_age: How long to keep checkpoints; the newest one stays. By default, no limit. A run
                applies both limits every 50 steps; `clean` applies them at once.
            serde: Serializes values; by default LangGraph's ``JsonPlusSerializer``.

        Raises:
            InvalidArgumentError: ``store`` is not a store, ``name`` is not a string of 1 to 255
                bytes in UTF-8, ``keep`` is not a positive integer, or ``max_age`` is not a positive
                ``timedelta``.

        """
        super().__init__(serde=serde)
        self._store = check_store(store)
        self._name = check_owner(name)
        self._keep = None if keep is None else check_count(keep, "keep", least=1)
        self._max_age = _check_age(max_age)
        self._writer = StepWriter()
        self._lifetimes = Lifetimes()

    # ------------------------------------------------------------------ one checkpoint

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that a config names, or the newest one of its namespace.

        Raises:
            CorruptStoreError: A part of the checkpoint is missing.

        """
        return self._to_tuple(run(self._store, self._read(config)))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Like `get_tuple`, but awaitable."""
        return self._to_tuple(await async_run(self._store, self._read(config)))

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint behind the one that the config names; return its config."""
        return run(self._store, self._put(config, checkpoint, metadata, new_versions))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Like `put`, but awaitable."""
        return await async_run(self._store, self._put(config, checkpoint, metadata, new_versions))

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store the writes of a task, each once; errors, interrupts and resumes are replaced."""
        run(self._store, self._put_writes(config, writes, task_id, task_path))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Like `put_writes`, but awaitable."""
        await async_run(self._store, self._put_writes(config, writes, task_id, task_path))

    # ------------------------------------------------------------------ several checkpoints

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the name of the interface
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Iterate over checkpoints, the newest of each namespace first.

        Args:
            config: The thread, and optionally its namespace and checkpoint; ``None``: all threads,
                one after the other.
            filter: Only checkpoints with these values in their metadata.
            before: Only checkpoints that are older than the one this config names.
            limit: How many to return at most.

        Raises:
            ConversationChangedError: The thread was pruned or deleted while it was read.
            CorruptStoreError: A part of a checkpoint is missing.

        """
        listing = self._listing(config, filter, before, limit)
        while result := run(self._store, listing.next()):
            yield result.to_tuple(self.serde)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the name of the interface
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Like `list`, for ``async for``."""
        listing = self._listing(config, filter, before, limit)
        while result := await async_run(self._store, listing.next()):
            yield result.to_tuple(self.serde)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from; one walk reads all of it."""
        return run(self._store, self._history(config, channels))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Like `get_delta_channel_history`, but awaitable."""
        return await async_run(self._store, self._history(config, channels))

    # ------------------------------------------------------------------ threads

    def delete_thread(self, thread_id: str) -> None:
        """Delete everything of a thread. No run may use the thread while this deletes it."""
        run(self._store, retention.delete_thread(self._name, str(thread_id)))

    async def adelete_thread(self, thread_id: str) -> None:
        """Like `delete_thread`, but awaitable."""
        await async_run(self._store, retention.delete_thread(self._name, str(thread_id)))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of runs, in all threads; this reads all threads.

        Those that delta channels of other checkpoints are rebuilt from stay.
        """
        run(self._store, self._delete_for_runs(run_ids))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Like `delete_for_runs`, but awaitable."""
        await async_run(self._store, self._delete_for_runs(run_ids))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints of a thread to a new thread.

        Raises:
            ConversationChangedError: The newest checkpoint was removed during the copy: delete the
                new thread, then copy again.
            ConversationExistsError: The new thread has checkpoints, or an earlier copy to it did
                not finish: delete it, then copy again.
            InvalidArgumentError: Both threads are the same.

        """
        source, target = str(source_thread_id), str(target_thread_id)
        run(self._store, copy_thread(self._name, source, target))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Like `copy_thread`, but awaitable."""
        source, target = str(source_thread_id), str(target_thread_id)
        await async_run(self._store, copy_thread(self._name, source, target))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Remove the checkpoints of threads except the newest of each namespace.

        What delta channels of the newest are rebuilt from stays, too.

        Args:
            thread_ids: The threads.
            strategy: ``"keep_latest"``, or ``"delete"`` to delete the threads.

        Raises:
            InvalidArgumentError: The strategy is unknown.

        """
        run(self._store, self._prune(thread_ids, strategy))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Like `prune`, but awaitable."""
        await async_run(self._store, self._prune(thread_ids, strategy))

    def clean(self, thread_ids: Sequence[str] | None = None) -> None:
        """Apply ``keep`` and ``max_age`` now, to some threads or to all.

        Runs apply them to their own threads; this reaches threads that nobody uses any more.
        """
        run(self._store, self._clean(thread_ids))

    async def aclean(self, thread_ids: Sequence[str] | None = None) -> None:
        """Like `clean`, but awaitable."""
        await async_run(self._store, self._clean(thread_ids))

    # ------------------------------------------------------------------ plans

    def _read(self, config: RunnableConfig) -> Plan[Found | None]:
        namespace = self._namespace(config)
        result = yield from read(namespace, get_checkpoint_id(config))
        if result:
            self._writer.remember(namespace, result.step.record, self.serde)
        return result

    def _put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> Plan[RunnableConfig]:
        namespace = self._namespace(config)
        new = NewCheckpoint(
            checkpoint=checkpoint,
            metadata=get_checkpoint_metadata(config, metadata),
            parent=get_checkpoint_id(config),
            changed=frozenset(new_versions),
        )
        yield from self._writer.put(namespace, new, self.serde)
        yield from self._lifetimes.extend(namespace)
        if metadata.get("step", 0) % _CLEANING_STEPS == _CLEANING_STEPS - 1:
            yield from self._clean_after_put(namespace)
        return to_config(namespace, new.checkpoint_id)

    def _put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str,
    ) -> Plan[None]:
        checkpoint_id = get_checkpoint_id(config)
        if checkpoint_id is None:
            raise InvalidArgumentError(
                "the config of put_writes must name a checkpoint: pass what put returned"
            )
        rows = to_writes(self.serde, checkpoint_id, writes, task_id, task_path)
        return self._writer.put_writes(self._namespace(config), checkpoint_id, rows)

    def _history(
        self, config: RunnableConfig, channels: Sequence[str]
    ) -> Plan[dict[str, DeltaChannelHistory]]:
        namespace, checkpoint_id = self._namespace(config), get_checkpoint_id(config)
        return read_history(namespace, checkpoint_id, channels, self.serde)

    def _delete_for_runs(self, run_ids: Sequence[str]) -> Plan[None]:
        if run_ids:
            yield from self._remove(None, retention.not_of_runs(run_ids, self.serde))

    def _prune(self, thread_ids: Sequence[str], strategy: str) -> Plan[None]:
        if strategy == "keep_latest":
            yield from self._remove(thread_ids, retention.keep_newest(1, None))
        elif strategy == "delete":
            for thread_id in thread_ids:
                yield from retention.delete_thread(self._name, str(thread_id))
        else:
            raise InvalidArgumentError(
                f"unknown strategy {strategy!r}; known strategies: 'keep_latest', 'delete'"
            )

    def _clean(self, thread_ids: Sequence[str] | None) -> Plan[None]:
        if self._has_limits:
            yield from self._remove(thread_ids, self._choice())

    def _clean_after_put(self, namespace: Namespace) -> Plan[None]:
        if not self._has_limits:
            return
        try:
            yield from retention.remove(namespace, self._choice(), self.serde)
        except ChatStoreError as error:
            # The checkpoint is stored, so the run goes on.
            _logger.warning("old checkpoints were not removed, a later step does it: %s", error)

    def _remove(self, thread_ids: Sequence[str] | None, choose: retention.Choice) -> Plan[None]:
        threads = ThreadList(self._name) if thread_ids is None else None
        ids = (yield from threads.next_page()) if threads else list(map(str, thread_ids or ()))
        while ids:
            for thread_id in ids:
                namespaces = yield from list_namespaces(self._name, thread_id)
                for namespace in namespaces:
                    yield from retention.remove(namespace, choose, self.serde)
            ids = (yield from threads.next_page()) if threads else []

    @property
    def _has_limits(self) -> bool:
        return self._keep is not None or self._max_age is not None

    def _choice(self) -> retention.Choice:
        return retention.keep_newest(self._keep, self._max_age)

    def _listing(
        self,
        config: RunnableConfig | None,
        metadata: dict[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> Listing:
        configurable = {} if config is None else config.get("configurable") or {}
        query = Query(
            thread_id=None if config is None else self._namespace(config).thread_id,
            checkpoint_ns=configurable.get("checkpoint_ns"),
            checkpoint_id=configurable.get("checkpoint_id"),
            before=None if before is None else get_checkpoint_id(before),
            metadata=metadata or {},
            limit=limit,
        )
        return Listing(self._name, query, self.serde)

    def _namespace(self, config: RunnableConfig) -> Namespace:
        configurable = config.get("configurable") or {}
        if "thread_id" not in configurable:
            raise InvalidArgumentError(
                "the config names no thread: pass {'configurable': {'thread_id': ...}}"
            )
        checkpoint_ns = configurable.get("checkpoint_ns") or ""
        return Namespace(self._name, str(configurable["thread_id"]), checkpoint_ns)

    def _to_tuple(self, result: Found | None) -> CheckpointTuple | None:
        return result.to_tuple(self.serde) if result else None


def _check_age(max_age: object) -> timedelta | None:
    if max_age is None or (isinstance(max_age, timedelta) and max_age > timedelta()):
        return max_age
    raise InvalidArgumentError(f"max_age must be a positive timedelta, not {max_age!r}")
