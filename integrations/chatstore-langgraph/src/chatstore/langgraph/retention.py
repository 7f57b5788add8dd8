"""Removes checkpoints, and the chunks that nothing uses any more.

Both take effect in steps, while runs go on:

1. The conversation of checkpoints is replaced by those that stay, with the name of a new
   generation. From then on, a checkpoint that was prepared before is refused, and prepared again.
2. Chunks are removed that no checkpoint uses, unless their ids begin with the new generation. A
   checkpoint of the new generation uses only its parent's chunks and new ones, so what is removed
   here can never be used again. If a chunk is added in between, this step is repeated.

A process that ends between the steps leaves unused chunks, which the next removal removes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias, cast

from langgraph.checkpoint.serde.base import SerializerProtocol

from chatstore.core import (
    ChatMessage,
    RevisionConflictError,
    Snapshot,
    StoreUnavailableError,
)
from chatstore.langgraph.chunks import Chunk, Reference
from chatstore.langgraph.packing import fields_of
from chatstore.langgraph.plans import Plan, call
from chatstore.langgraph.records import (
    GENERATION_ID,
    Namespace,
    Record,
    Write,
    generation_message,
)
from chatstore.langgraph.threads import list_namespaces
from chatstore.langgraph.walk import is_record, is_write
from chatstore.langgraph.writing import new_generation

_ATTEMPTS = 20  # runs write to the thread at the same time

Choice: TypeAlias = Callable[[Sequence[Record]], set[str]]
"""Gets the checkpoints of a namespace, oldest first; returns the ids of those that stay."""

_COUNTERS = "counters_since_delta_snapshot"  # LangGraph's metadata name the delta channels


def keep_newest(count: int | None, max_age: timedelta | None) -> Choice:
    """Choose the newest checkpoints, and of them those that are not too old.

    The newest one always stays, since the thread continues from it.
    """

    def choose(records: Sequence[Record]) -> set[str]:
        newest = records if count is None else records[-count:]
        oldest = None if max_age is None else datetime.now(timezone.utc) - max_age
        selected = {record.checkpoint_id for record in newest if not _is_older(record, oldest)}
        return selected | {record.checkpoint_id for record in records[-1:]}

    return choose


def not_of_runs(run_ids: Sequence[str], serde: SerializerProtocol) -> Choice:
    """Choose the checkpoints that other runs created."""

    def choose(records: Sequence[Record]) -> set[str]:
        return {
            record.checkpoint_id
            for record in records
            if record.load_metadata(serde).get("run_id") not in run_ids
        }

    return choose


def remove(namespace: Namespace, choose: Choice, serde: SerializerProtocol) -> Plan[None]:
    """Remove the checkpoints of a namespace that a choice leaves out.

    Ancestors that delta channels of other checkpoints are rebuilt from stay.
    """
    for _ in range(_ATTEMPTS):
        snapshot: Snapshot = yield from call("snapshot", namespace.steps_key)
        records = [Record.from_message(m) for m in snapshot.messages if is_record(m)]
        selected = choose(records)
        selected |= _ancestors_of_deltas(records, selected, serde)
        if snapshot.conversation is None or len(selected) == len(records):
            return
        generation = new_generation()
        # Also if no checkpoint stays: the generation refuses those that were prepared before.
        messages = [m for m in snapshot.messages if _checkpoint_id(m) in selected]
        try:
            yield from call(
                "set_messages",
                namespace.steps_key,
                [generation_message(generation), *messages],
                expected_revision=snapshot.conversation.revision,
            )
        except RevisionConflictError:
            continue
        yield from _remove_chunks(namespace, generation)
        return
    raise _busy()


def delete_thread(name: str, thread_id: str) -> Plan[None]:
    """Delete all conversations of a thread, and at the end the list of them."""
    namespaces = yield from list_namespaces(name, thread_id)
    for namespace in namespaces:
        yield from call("delete_messages", namespace.steps_key)
        yield from call("delete_messages", namespace.chunks_key)
    yield from call("delete_messages", Namespace(name, thread_id, "").thread_key)


def _remove_chunks(namespace: Namespace, generation: str) -> Plan[None]:
    for _ in range(_ATTEMPTS):
        chunks: Snapshot = yield from call("snapshot", namespace.chunks_key)
        if chunks.conversation is None:
            return
        steps = yield from call("get_messages", namespace.steps_key)
        if not _is_current(steps, generation):
            return  # another removal took over, or the thread was deleted
        used = _used_chunks(steps, chunks.messages)
        selected = [
            message
            for message in chunks.messages
            if message.id in used or str(message.id).startswith(f"{generation}.")
        ]
        if len(selected) == len(chunks.messages):
            return
        try:
            yield from call(
                "set_messages",
                namespace.chunks_key,
                selected,
                expected_revision=chunks.conversation.revision,
            )
        except RevisionConflictError:
            continue
        return
    raise _busy()


def _is_current(steps: Sequence[ChatMessage], generation: str) -> bool:
    return any(
        message.id == GENERATION_ID and fields_of(message)["generation"] == generation
        for message in steps
    )


def _used_chunks(steps: Sequence[ChatMessage], chunks: Sequence[ChatMessage]) -> set[str]:
    parents = {str(message.id): Chunk.from_message(message).parent for message in chunks}
    used: set[str] = set()
    for message in steps:
        entries = Record.from_message(message).entries.values() if is_record(message) else ()
        for entry in entries:
            chunk_id = entry.chunk if isinstance(entry, Reference) else None
            while chunk_id is not None and chunk_id not in used:
                used.add(chunk_id)
                chunk_id = parents.get(chunk_id)
    return used


def _ancestors_of_deltas(
    records: Sequence[Record], selected: set[str], serde: SerializerProtocol
) -> set[str]:
    """Return the checkpoints from which delta channels of the selected ones are rebuilt."""
    by_id = {record.checkpoint_id: record for record in records}
    ancestors: set[str] = set()
    for record in records:
        if record.checkpoint_id not in selected:
            continue
        missing = _delta_channels(record, serde) - record.entries.keys()
        parent = by_id.get(record.parent or "")
        while missing and parent is not None:
            ancestors.add(parent.checkpoint_id)
            missing -= parent.entries.keys()
            parent = by_id.get(parent.parent or "")
    return ancestors


def _delta_channels(record: Record, serde: SerializerProtocol) -> set[str]:
    metadata = cast(dict[str, Any], record.load_metadata(serde))
    counters = metadata.get(_COUNTERS)
    if not counters:
        return set()
    return set(counters) & record.load_versions(serde).keys()


def _checkpoint_id(message: ChatMessage) -> str | None:
    if is_record(message):
        return Record.from_message(message).checkpoint_id
    return Write.from_message(message).checkpoint_id if is_write(message) else None


def _is_older(record: Record, oldest: datetime | None) -> bool:
    return oldest is not None and record.created_at is not None and record.created_at < oldest


def _busy() -> StoreUnavailableError:
    return StoreUnavailableError(
        f"runs wrote to the thread during {_ATTEMPTS} attempts to remove checkpoints; try again"
    )
