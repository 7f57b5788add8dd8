"""Reads checkpoints: one of them, a list, and the history of delta channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    Checkpoint,
    CheckpointTuple,
    DeltaChannelHistory,
    PendingWrite,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from chatstore.core import Conversation, ConversationChangedError, CorruptStoreError
from chatstore.langgraph.chunk_reader import ChunkReader, MissingChunkError
from chatstore.langgraph.chunks import Entry, load_entry
from chatstore.langgraph.plans import Plan, call
from chatstore.langgraph.records import Namespace, Record, record_id
from chatstore.langgraph.threads import ThreadList, list_namespaces
from chatstore.langgraph.walk import Step, Walk, changed_thread

_ATTEMPTS = 3  # the thread may be pruned while it is read
_LIST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint that was read, with its chunks."""

    namespace: Namespace
    step: Step
    chunks: ChunkReader

    def to_tuple(self, serde: SerializerProtocol) -> CheckpointTuple:
        """Return the checkpoint as LangGraph expects it."""
        record = self.step.record
        values = {
            channel: load_entry(serde, entry, self.chunks.chunks)
            for channel, entry in record.entries.items()
        }
        checkpoint = {**record.load_checkpoint(serde), "channel_values": values}
        parent = record.parent
        return CheckpointTuple(
            config=to_config(self.namespace, record.checkpoint_id),
            checkpoint=cast(Checkpoint, checkpoint),
            metadata=record.load_metadata(serde),
            parent_config=None if parent is None else to_config(self.namespace, parent),
            pending_writes=[write.load(serde) for write in self.step.writes],
        )


def to_config(namespace: Namespace, checkpoint_id: str) -> RunnableConfig:
    """Return the config of a checkpoint."""
    return {
        "configurable": {
            "thread_id": namespace.thread_id,
            "checkpoint_ns": namespace.checkpoint_ns,
            "checkpoint_id": checkpoint_id,
        }
    }


def read(namespace: Namespace, checkpoint_id: str | None) -> Plan[Found | None]:
    """Read a checkpoint, by default the newest; ``None`` if it does not exist.

    Raises:
        ConversationChangedError: The thread was pruned again and again while it was read.
        CorruptStoreError: A chunk of the checkpoint is missing.

    """
    for _ in range(_ATTEMPTS):
        with suppress(ConversationChangedError):
            step = yield from Walk(namespace.steps_key).find(checkpoint_id)
            if step is None:
                return None
            chunks = ChunkReader(namespace.chunks_key)
            entries = step.record.entries.values()
            is_complete = yield from _read_chunks(namespace, step.record, entries, chunks)
            return Found(namespace, step, chunks) if is_complete else None
    raise changed_thread()


def _missing_chunk() -> CorruptStoreError:
    return CorruptStoreError(
        "a checkpoint names a chunk that does not exist, since the thread was deleted while a run "
        "used it; delete the thread again"
    )


def _read_chunks(
    namespace: Namespace, record: Record, entries: Iterable[Entry], chunks: ChunkReader
) -> Plan[bool]:
    """Read the chunks of some values of a checkpoint; return ``False`` if the thread expired.

    Raises:
        ConversationChangedError: The checkpoint was removed or replaced after it was read.
        CorruptStoreError: A chunk of the checkpoint is missing.

    """
    try:
        yield from chunks.read(entries)
    except MissingChunkError:
        pass
    else:
        return True
    message = yield from call("get_message", namespace.steps_key, record_id(record.checkpoint_id))
    if message is None or Record.from_message(message) != record:
        raise changed_thread()
    if (yield from _is_expired(namespace)):
        return False
    raise _missing_chunk()


def _is_expired(namespace: Namespace) -> Plan[bool]:
    """Return whether the chunks expired, which happens a little before the checkpoints do."""
    steps: Conversation | None = yield from call("get_conversation", namespace.steps_key)
    if steps is None:
        return True
    chunks = yield from call("get_conversation", namespace.chunks_key)
    return steps.expires_at is not None and chunks is None


@dataclass(frozen=True, slots=True)
class Query:
    """What to list.

    Attributes:
        thread_id: The thread; ``None``: all threads.
        checkpoint_ns: The namespace; ``None``: all of them.
        checkpoint_id: The only checkpoint to list.
        before: Only checkpoints whose ids are smaller.
        metadata: Only checkpoints with equal values in their metadata.
        limit: How many checkpoints to list at most.

    """

    thread_id: str | None = None
    checkpoint_ns: str | None = None
    checkpoint_id: str | None = None
    before: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None

    def matches(self, record: Record, serde: SerializerProtocol) -> bool:
        """Return whether a checkpoint is to be listed."""
        if self.checkpoint_id is not None and record.checkpoint_id != self.checkpoint_id:
            return False
        if self.before is not None and record.checkpoint_id >= self.before:
            return False
        if not self.metadata:
            return True
        metadata = cast(dict[str, Any], record.load_metadata(serde))
        return all(metadata.get(name) == value for name, value in self.metadata.items())


class Listing:
    """Lists checkpoints, the newest of each namespace first."""

    def __init__(self, name: str, query: Query, serde: SerializerProtocol) -> None:
        """List what matches a query."""
        self._name = name
        self._query = query
        self._serde = serde
        self._count = 0
        self._threads = ThreadList(name) if query.thread_id is None else None
        self._thread_ids: list[str] = [] if query.thread_id is None else [query.thread_id]
        self._namespaces: list[Namespace] = []
        self._current: tuple[Namespace, Walk, ChunkReader] | None = None

    def next(self) -> Plan[Found | None]:
        """Return the next checkpoint; ``None`` at the end."""
        if self._query.limit is not None and self._count >= self._query.limit:
            return None
        while self._current or (yield from self._next_namespace()):
            assert self._current is not None
            namespace, walk, chunks = self._current
            step = yield from walk.next()
            if step is None:
                self._current = None
            elif self._query.matches(step.record, self._serde):
                entries = step.record.entries.values()
                is_complete = yield from _read_chunks(namespace, step.record, entries, chunks)
                if not is_complete or self._query.checkpoint_id is not None:
                    self._current = None  # its namespace has no other one
                if is_complete:
                    self._count += 1
                    return Found(namespace, step, chunks)
        return None

    def _next_namespace(self) -> Plan[bool]:
        while not self._namespaces:
            if not self._thread_ids and self._threads:
                self._thread_ids = yield from self._threads.next_page()
            if not self._thread_ids:
                return False
            self._namespaces = yield from self._namespaces_of(self._thread_ids.pop(0))
        namespace = self._namespaces.pop(0)
        walk = Walk(namespace.steps_key, first_page=_LIST_PAGE)
        self._current = namespace, walk, ChunkReader(namespace.chunks_key)
        return True

    def _namespaces_of(self, thread_id: str) -> Plan[list[Namespace]]:
        if self._query.checkpoint_ns is not None:
            return [Namespace(self._name, thread_id, self._query.checkpoint_ns)]
        return (yield from list_namespaces(self._name, thread_id))


def read_history(
    namespace: Namespace,
    checkpoint_id: str | None,
    channels: Sequence[str],
    serde: SerializerProtocol,
) -> Plan[dict[str, DeltaChannelHistory]]:
    """Return the writes to delta channels since the nearest ancestors with values.

    An ancestor is stored before its descendants, so one walk meets all of them in their order.

    Raises:
        ConversationChangedError: The thread was pruned or deleted while it was read.
        CorruptStoreError: A chunk of an ancestor is missing.

    """
    walk = Walk(namespace.steps_key, first_page=_LIST_PAGE)
    chunks = ChunkReader(namespace.chunks_key)
    collected: dict[str, list[PendingWrite]] = {channel: [] for channel in channels}
    seeds: dict[str, Any] = {}
    target = yield from walk.find(checkpoint_id)
    parent = target.record.parent if target else None
    while parent is not None and len(seeds) < len(collected):
        step = yield from walk.find(parent)
        if step is None:
            break
        for write in reversed(step.writes):
            if write.channel in collected and write.channel not in seeds:
                collected[write.channel].append(write.load(serde))
        for channel in _seeded(step.record, collected, seeds):
            entry = step.record.entries[channel]
            if not (yield from _read_chunks(namespace, step.record, [entry], chunks)):
                return {channel: {"writes": []} for channel in channels}
            seeds[channel] = load_entry(serde, entry, chunks.chunks)
        parent = step.record.parent
    return {channel: _history(collected[channel], channel, seeds) for channel in channels}


def _seeded(
    record: Record, collected: Mapping[str, object], seeds: Mapping[str, object]
) -> Iterator[str]:
    return (name for name in collected if name in record.entries and name not in seeds)


def _history(
    newest_first: list[PendingWrite], channel: str, seeds: Mapping[str, Any]
) -> DeltaChannelHistory:
    history: DeltaChannelHistory = {"writes": newest_first[::-1]}
    if channel in seeds:
        history["seed"] = seeds[channel]
    return history
