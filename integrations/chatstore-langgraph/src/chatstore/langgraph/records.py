"""Checkpoints and pending writes as messages.

The conversation of a namespace holds its checkpoints, and behind each of them, with others between,
the writes of the tasks that follow it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    CheckpointMetadata,
    PendingWrite,
    writes_sort_key,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from chatstore.core import ChatMessage
from chatstore.core.keys import join_key
from chatstore.langgraph.chunks import Entry, entry_from_json, entry_to_json
from chatstore.langgraph.packing import fields_of, pack, to_message, unpack

GENERATION_ID = "generation"
"""The id of the message with the name of the current generation."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """The conversations of a namespace of a thread.

    Attributes:
        name: The name that all keys of a saver begin with.
        thread_id: The thread.
        checkpoint_ns: LangGraph's name of the namespace: empty, or the path of a subgraph.

    """

    name: str
    thread_id: str
    checkpoint_ns: str

    @property
    def thread_key(self) -> str:
        """The conversation that lists the thread's namespaces."""
        return join_key(self.name, f"thread {self.thread_id}")

    @property
    def steps_key(self) -> str:
        """The conversation of checkpoints and writes."""
        return join_key(self.name, f"thread {self.thread_id}", f"steps {self.checkpoint_ns}")

    @property
    def chunks_key(self) -> str:
        """The conversation of chunks."""
        return join_key(self.name, f"thread {self.thread_id}", f"chunks {self.checkpoint_ns}")


@dataclass(frozen=True, slots=True)
class Record:
    """A checkpoint as it is stored.

    Attributes:
        checkpoint_id: The checkpoint's id.
        parent: The id of the checkpoint before it.
        generation: The generation in which it was written.
        checkpoint: The checkpoint without its values, packed.
        metadata: The metadata, packed.
        entries: The values of the channels.
        created_at: When it was stored.

    """

    checkpoint_id: str
    parent: str | None
    generation: str
    checkpoint: str
    metadata: str
    entries: Mapping[str, Entry]
    created_at: datetime | None = None

    @classmethod
    def from_message(cls, message: ChatMessage) -> Record:
        """Return the checkpoint that a message keeps."""
        fields = fields_of(message)
        entries = {name: entry_from_json(value) for name, value in fields["entries"].items()}
        return cls(**{**fields, "entries": entries}, created_at=message.created_at)

    def to_message(self) -> ChatMessage:
        """Return the message that keeps this checkpoint."""
        fields = {
            "checkpoint_id": self.checkpoint_id,
            "parent": self.parent,
            "generation": self.generation,
            "checkpoint": self.checkpoint,
            "metadata": self.metadata,
            "entries": {name: entry_to_json(entry) for name, entry in self.entries.items()},
        }
        return to_message(record_id(self.checkpoint_id), fields)

    def load_checkpoint(self, serde: SerializerProtocol) -> dict[str, Any]:
        """Return the checkpoint without its values."""
        checkpoint: dict[str, Any] = serde.loads_typed(unpack(self.checkpoint))
        return checkpoint

    def load_versions(self, serde: SerializerProtocol) -> ChannelVersions:
        """Return the versions of the channels."""
        versions: ChannelVersions = self.load_checkpoint(serde)["channel_versions"]
        return versions

    def load_metadata(self, serde: SerializerProtocol) -> CheckpointMetadata:
        """Return the metadata."""
        metadata: CheckpointMetadata = serde.loads_typed(unpack(self.metadata))
        return metadata


@dataclass(frozen=True, slots=True)
class Write:
    """A pending write as it is stored."""

    checkpoint_id: str
    task_id: str
    index: int
    channel: str
    task_path: str
    value: str

    @classmethod
    def from_message(cls, message: ChatMessage) -> Write:
        """Return the write that a message keeps."""
        return cls(**fields_of(message))

    def to_message(self) -> ChatMessage:
        """Return the message that keeps this write."""
        names = (self.checkpoint_id, f"task {self.task_id}", str(self.index))
        return to_message(join_key("write", *names), asdict(self))

    def load(self, serde: SerializerProtocol) -> PendingWrite:
        """Return the write as LangGraph expects it."""
        return self.task_id, self.channel, serde.loads_typed(unpack(self.value))


def record_id(checkpoint_id: str) -> str:
    """Return the id of the message of a checkpoint."""
    return join_key("checkpoint", checkpoint_id)


def generation_message(generation: str) -> ChatMessage:
    """Return the message with the name of the generation.

    Each checkpoint is added together with it. If it has changed, nothing is added.
    """
    return to_message(GENERATION_ID, {"generation": generation})


def to_writes(
    serde: SerializerProtocol,
    checkpoint_id: str,
    writes: Sequence[tuple[str, Any]],
    task_id: str,
    task_path: str,
) -> list[Write]:
    """Return the writes of a task; special channels have negative indexes."""
    return [
        Write(
            checkpoint_id=checkpoint_id,
            task_id=task_id,
            index=WRITES_IDX_MAP.get(channel, index),
            channel=channel,
            task_path=task_path,
            value=pack(serde.dumps_typed(value)),
        )
        for index, (channel, value) in enumerate(writes)
    ]


def sort_writes(writes: Sequence[Write]) -> list[Write]:
    """Return writes in the order in which LangGraph applies them."""
    return sorted(writes, key=lambda w: writes_sort_key(w.task_path, w.task_id, w.index))
