"""The status of an answer, in its message's metadata."""

from __future__ import annotations

from chatstore.core import ChatMessage

STATUS = "status"
INCOMPLETE_REASON = "incomplete_reason"

IN_PROGRESS = "in_progress"
COMPLETED = "completed"
INCOMPLETE = "incomplete"
STATUSES = (IN_PROGRESS, COMPLETED, INCOMPLETE)


def with_status(message: ChatMessage, status: str, reason: str | None = None) -> ChatMessage:
    """Return an answer with a status in its metadata.

    Args:
        message: The answer.
        status: One of `STATUSES`.
        reason: Why it is incomplete.

    """
    metadata = {**message.metadata, STATUS: status}
    if reason is not None:
        metadata[INCOMPLETE_REASON] = reason
    return message.model_copy(update={"metadata": metadata})
