"""Stores checkpoints and writes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.serde.base import SerializerProtocol

from chatstore.core import (
    ChatMessage,
    Conversation,
    MessageConflictError,
    RevisionConflictError,
    StoreUnavailableError,
)
from chatstore.langgraph.chunk_reader import ChunkReader, MissingChunkError
from chatstore.langgraph.chunks import ChunkWriter, Entry, Items, Reference
from chatstore.langgraph.packing import fields_of, pack
from chatstore.langgraph.plans import Plan, call
from chatstore.langgraph.recent import Recent
from chatstore.langgraph.records import (
    GENERATION_ID,
    Namespace,
    Record,
    Write,
    generation_message,
    record_id,
)
from chatstore.langgraph.threads import register

_ATTEMPTS = 10  # others prune the thread, or put the same checkpoint, in between
_RECENT = 1024
_INPUT = "__start__"  # LangGraph's channel for the input of a run, which the first step consumes


@dataclass(frozen=True, slots=True)
class State:
    """What the next checkpoint needs to know of its parent."""

    generation: str
    versions: ChannelVersions = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewCheckpoint:
    """A checkpoint to store, with the names of the channels that changed."""

    checkpoint: Checkpoint
    metadata: CheckpointMetadata
    parent: str | None
    changed: frozenset[str]

    @property
    def checkpoint_id(self) -> str:
        """The checkpoint's id."""
        return self.checkpoint["id"]


class StepWriter:
    """Stores checkpoints and writes; remembers recent checkpoints, so as not to read them."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._states: Recent[tuple[str, str], State] = Recent(_RECENT)
        self._waiting: Recent[tuple[str, str], dict[tuple[str, int], Write]] = Recent(_RECENT)
        self._lock = Lock()

    def remember(self, namespace: Namespace, record: Record, serde: SerializerProtocol) -> None:
        """Remember a checkpoint that was read: a run that continues it will write the next one."""
        state = State(record.generation, record.load_versions(serde), record.entries)
        self._states.set((namespace.steps_key, record.checkpoint_id), state)

    def put(
        self, namespace: Namespace, new: NewCheckpoint, serde: SerializerProtocol
    ) -> Plan[None]:
        """Store a checkpoint: its new chunks first, so that it never names a missing one."""
        known = yield from self._state(namespace, new.parent, serde)
        if known is None:  # the first checkpoint of the namespace
            yield from register(namespace.name, namespace.thread_id, [namespace.checkpoint_ns])
            known = State(new_generation())
        for _ in range(_ATTEMPTS):
            writer = ChunkWriter(serde, known.generation)
            entries = yield from _entries(namespace, new, known, writer, serde)
            if writer.messages:
                yield from call(
                    "add_messages", namespace.chunks_key, list(writer.messages.values())
                )
            record = _to_record(new, known.generation, entries, serde)
            waiting = self._waiting.get((namespace.steps_key, new.checkpoint_id)) or {}
            generation = yield from _add(namespace, record, list(waiting.values()))
            if generation is None:
                state = State(known.generation, new.checkpoint["channel_versions"], entries)
                yield from self._finish(namespace, record, state, waiting)
                return
            known = yield from _read_state(namespace, new.parent, serde)
            known = replace(known or State(generation), generation=generation)
        raise StoreUnavailableError(
            f"the thread was pruned {_ATTEMPTS} times while one checkpoint was stored; try again"
        )

    def put_writes(
        self, namespace: Namespace, checkpoint_id: str, writes: list[Write]
    ) -> Plan[None]:
        """Store writes, or keep them until their checkpoint is stored.

        A run may finish a task while it still stores the checkpoint before it. Without that
        checkpoint, nothing reads the writes.
        """
        name = namespace.steps_key, checkpoint_id
        if self._states.get(name) is None:
            message = yield from call("get_message", namespace.steps_key, record_id(checkpoint_id))
            with self._lock:
                if message is None and self._states.get(name) is None:
                    self._waiting.set(name, _merged(self._waiting.get(name) or {}, writes))
                    return
        yield from _add_writes(namespace, writes)

    def _finish(
        self,
        namespace: Namespace,
        record: Record,
        state: State,
        stored: Mapping[tuple[str, int], Write],
    ) -> Plan[None]:
        name = namespace.steps_key, record.checkpoint_id
        with self._lock:
            self._states.set(name, state)
            waiting = self._waiting.pop(name) or {}
        later = [write for key, write in waiting.items() if stored.get(key) is not write]
        if later:
            yield from _add_writes(namespace, later)

    def _state(
        self, namespace: Namespace, parent: str | None, serde: SerializerProtocol
    ) -> Plan[State | None]:
        state = self._states.get((namespace.steps_key, parent or ""))
        if state is None:
            state = yield from _read_state(namespace, parent, serde)
        return state


def new_generation() -> str:
    """Return a new, unique name of a generation."""
    return secrets.token_hex(8)


def _read_state(
    namespace: Namespace, parent: str | None, serde: SerializerProtocol
) -> Plan[State | None]:
    """Return what the next checkpoint needs of a parent; ``None`` if it does not exist."""
    if parent is None:
        return None
    message = yield from call("get_message", namespace.steps_key, record_id(parent))
    if message is None:
        return None
    record = Record.from_message(message)
    return State(record.generation, record.load_versions(serde), record.entries)


def _entries(
    namespace: Namespace,
    new: NewCheckpoint,
    known: State,
    writer: ChunkWriter,
    serde: SerializerProtocol,
) -> Plan[dict[str, Entry]]:
    entries: dict[str, Entry] = {}
    versions = new.checkpoint["channel_versions"]
    for channel, value in new.checkpoint["channel_values"].items():
        before = known.entries.get(channel)
        version = versions.get(channel)
        is_same = channel not in new.changed and version == known.versions.get(channel)
        if before is not None and is_same:
            entries[channel] = before
        elif type(value) is list:
            items = Items(serde, value)
            base = yield from _base(namespace, items, before)
            entries[channel] = writer.add_list(items, base)
        else:
            entries[channel] = writer.add_value(value, is_used_once=channel == _INPUT)
    return entries


def _base(namespace: Namespace, items: Items, before: Entry | None) -> Plan[Reference | None]:
    """Return the longest beginning of a list that is stored already.

    Only a list whose earlier items changed needs a request: it reads the chunks of the list before.
    """
    if not isinstance(before, Reference) or not before.is_list:
        return None
    if items.begin_with(before):
        return before
    reader = ChunkReader(namespace.chunks_key)
    try:
        yield from reader.read([before])
    except MissingChunkError:
        return None  # it was pruned, so this list is stored as a new one
    chunk_id: str | None = before.chunk
    while chunk_id is not None:
        chunk = reader.chunks[chunk_id]
        if items.begin_with(chunk):
            return Reference(chunk_id, chunk.digest, chunk.length, chunk.depth, is_list=True)
        chunk_id = chunk.parent
    return None


def _to_record(
    new: NewCheckpoint, generation: str, entries: Mapping[str, Entry], serde: SerializerProtocol
) -> Record:
    checkpoint: dict[str, Any] = {**new.checkpoint}
    del checkpoint["channel_values"]
    return Record(
        checkpoint_id=new.checkpoint_id,
        parent=new.parent,
        generation=generation,
        checkpoint=pack(serde.dumps_typed(checkpoint)),
        metadata=pack(serde.dumps_typed(new.metadata)),
        entries=entries,
    )


def _add(namespace: Namespace, record: Record, writes: Sequence[Write]) -> Plan[str | None]:
    """Add a checkpoint and its first writes, if its generation is the current one.

    Otherwise, return the current generation.
    """
    message = record.to_message()
    guard = generation_message(record.generation)
    behind = [write.to_message() for write in writes]
    for _ in range(_ATTEMPTS):
        try:
            yield from call("add_messages", namespace.steps_key, [guard, message, *behind])
        except MessageConflictError:
            pass
        else:
            return None
        conversation: Conversation | None = yield from call("get_conversation", namespace.steps_key)
        current = yield from call("get_message", namespace.steps_key, GENERATION_ID)
        if conversation is None or current is None:
            continue  # the thread was deleted between these calls
        generation = str(fields_of(current)["generation"])
        if generation != record.generation:
            return generation
        try:  # the checkpoint exists with other content: the new one replaces it
            yield from call(
                "put_message",
                namespace.steps_key,
                message,
                expected_revision=conversation.revision,
            )
        except RevisionConflictError:
            continue
        yield from _add_writes(namespace, writes)
        return None
    raise StoreUnavailableError(
        f"the thread changed {_ATTEMPTS} times while one checkpoint was stored; try again"
    )


def _add_writes(namespace: Namespace, writes: Sequence[Write]) -> Plan[None]:
    """Add writes that do not exist; those with negative indexes replace existing ones."""
    added = [write.to_message() for write in writes if write.index >= 0]
    if added:
        try:
            yield from call("add_messages", namespace.steps_key, added)
        except MessageConflictError:  # a task was run again and wrote something else
            yield from _add_missing(namespace, added)
    for write in writes:
        if write.index < 0:
            yield from call("put_message", namespace.steps_key, write.to_message())


def _merged(
    waiting: Mapping[tuple[str, int], Write], writes: Sequence[Write]
) -> dict[tuple[str, int], Write]:
    """Add writes as the store does: those with negative indexes replace earlier ones."""
    merged = dict(waiting)
    for write in writes:
        key = write.task_id, write.index
        if write.index < 0 or key not in merged:
            merged[key] = write
    return merged


def _add_missing(namespace: Namespace, messages: Sequence[ChatMessage]) -> Plan[None]:
    for message in messages:
        with suppress(MessageConflictError):  # the first write of a task and index counts
            yield from call("add_message", namespace.steps_key, message)
