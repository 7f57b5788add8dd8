"""``ChatStoreCheckpointStorage``: checkpoints of workflows in any store.

A checkpoint is a document. The workflow's list of checkpoints is a conversation with a message for
each: its id, and its time. The document is written first and deleted last, so a process that is
killed in between leaves a document that no list names, never a name without a document. With a TTL,
documents expire before their list, which each save prolongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from agent_framework import CheckpointID, WorkflowCheckpoint, WorkflowCheckpointException

# The framework exports these nowhere else; its own storages for databases import them here, too.
from agent_framework._workflows._checkpoint_encoding import (
    decode_checkpoint_value,
    encode_checkpoint_value,
)

from chatstore.agent_framework.named_documents import NamedDocuments
from chatstore.core import ChatMessage, ChatStore, MessageRole

_TIMESTAMP = "timestamp"
_RECENT = 100
_ADVICE = "JSON cannot hold the checkpoint: it contains NaN, or text with a lone surrogate"


class ChatStoreCheckpointStorage:
    """Keeps a document for each checkpoint; the framework's ``CheckpointStorage``.

    Values that are not JSON are pickled, as in the framework's own storages. Only allowed types are
    unpickled, but a pickle is a program: let nobody write to the database whom you do not trust.
    Methods also raise what the store's methods raise.
    """

    def __init__(
        self, store: ChatStore, *, allowed_checkpoint_types: Iterable[str] | None = None
    ) -> None:
        """Create a storage; nothing is read yet.

        Args:
            store: Where checkpoints are kept; it is not closed here.
            allowed_checkpoint_types: Types to unpickle besides Python's common types and the
                framework's, such as ``"my_app.models:MyState"``. Types that were registered with
                ``agent_framework.register_checkpoint_type`` are allowed, too.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`.

        """
        self._documents = NamedDocuments(store, "checkpoint")
        self._lists = NamedDocuments(store, "checkpoints")
        self._store = store
        self._allowed = frozenset(allowed_checkpoint_types or ())

    async def save(self, checkpoint: WorkflowCheckpoint) -> CheckpointID:
        """Store a checkpoint and return its id; it replaces one with the same id.

        Raises:
            WorkflowCheckpointException: The checkpoint could not be loaded again: a value cannot be
                pickled, or its type is not allowed.
            InvalidMessageError: JSON cannot hold the checkpoint.
            MessageTooLargeError: The checkpoint is above the store's limit.

        """
        checkpoint_id = checkpoint.checkpoint_id
        entry = ChatMessage(
            role=MessageRole.SYSTEM,
            additional_kwargs={_TIMESTAMP: _time(checkpoint.timestamp).isoformat()},
            id=checkpoint_id,
        )
        key = self._documents.key_for(checkpoint_id)
        await self._documents.put(key, self._encode(checkpoint), advice=_ADVICE)
        await self._store.async_put_message(self._lists.key_for(checkpoint.workflow_name), entry)
        return checkpoint_id

    async def load(self, checkpoint_id: CheckpointID) -> WorkflowCheckpoint:
        """Return a copy of a checkpoint.

        Raises:
            WorkflowCheckpointException: There is no checkpoint with this id, or it has a value of a
                type that is not allowed.

        """
        checkpoint = await self._find(checkpoint_id)
        if checkpoint is None:
            raise WorkflowCheckpointException(f"there is no checkpoint with the id {checkpoint_id}")
        return checkpoint

    async def list_checkpoints(self, *, workflow_name: str) -> list[WorkflowCheckpoint]:
        """Return copies of the checkpoints of a workflow, in the order in which they were saved.

        Raises:
            WorkflowCheckpointException: A checkpoint has a value of a type that is not allowed.

        """
        listed = [await self._find(item) for item in await self._ids(workflow_name)]
        # Another client may have just deleted some of them.
        return [checkpoint for checkpoint in listed if checkpoint is not None]

    async def delete(self, checkpoint_id: CheckpointID) -> bool:
        """Delete a checkpoint, and return whether there was one."""
        key = self._documents.key_for(checkpoint_id)
        fields = await self._documents.get(key)
        if fields is None:
            return False
        list_key = self._lists.key_for(fields["workflow_name"])
        await self._store.async_remove_message(list_key, checkpoint_id)
        return await self._documents.delete(key)

    async def get_latest(self, *, workflow_name: str) -> WorkflowCheckpoint | None:
        """Return a copy of the newest checkpoint of a workflow, or ``None``.

        The newest is the one with the latest timestamp among the 100 that were saved last, so the
        number of checkpoints does not matter. Of equal timestamps, the one saved last counts.

        Raises:
            WorkflowCheckpointException: The checkpoint has a value of a type that is not allowed.

        """
        key = self._lists.key_for(workflow_name)
        entries = await self._store.async_get_messages(key, last=_RECENT)
        by_time = sorted(entries, key=_entry_time)
        for entry in reversed(by_time):
            checkpoint = await self._find(entry.id or "")
            if checkpoint is not None:  # otherwise, another client has just deleted it
                return checkpoint
        return None

    async def list_checkpoint_ids(self, *, workflow_name: str) -> list[CheckpointID]:
        """Return the ids of the checkpoints of a workflow, in the order in which they were saved.

        It does not read the checkpoints, so expired ones may be among them.
        """
        return list(await self._ids(workflow_name))

    async def _ids(self, workflow_name: str) -> Sequence[CheckpointID]:
        entries = await self._store.async_get_messages(self._lists.key_for(workflow_name))
        return [entry.id for entry in entries if entry.id is not None]

    async def _find(self, checkpoint_id: CheckpointID) -> WorkflowCheckpoint | None:
        fields = await self._documents.get(self._documents.key_for(checkpoint_id))
        if fields is None:
            return None
        return WorkflowCheckpoint.from_dict(
            decode_checkpoint_value(fields, allowed_types=self._allowed)
        )

    def _encode(self, checkpoint: WorkflowCheckpoint) -> Any:
        """Return a checkpoint as JSON that `load` can read."""
        try:
            encoded = encode_checkpoint_value(checkpoint.to_dict())
            decode_checkpoint_value(encoded, allowed_types=self._allowed)
        except WorkflowCheckpointException:
            raise
        except Exception as error:  # pickling runs code of the application
            raise WorkflowCheckpointException(
                f"the checkpoint {checkpoint.checkpoint_id} cannot be pickled: "
                f"{type(error).__name__}"
            ) from error
        return encoded


def _time(timestamp: str) -> datetime:
    try:
        time = datetime.fromisoformat(timestamp)
    except ValueError as error:
        raise WorkflowCheckpointException(
            f"the timestamp {timestamp!r} of a checkpoint is not a time in ISO 8601"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _entry_time(entry: ChatMessage) -> datetime:
    return _time(str(entry.additional_kwargs[_TIMESTAMP]))
