"""Reads the checkpoints of a namespace with their writes, the newest first."""

from __future__ import annotations

from dataclasses import dataclass

from chatstore.core import ChatMessage, ConversationChangedError, MessageNotFoundError, MessagePage
from chatstore.langgraph.plans import Plan, call
from chatstore.langgraph.records import Record, Write, sort_writes

FIRST_PAGE = 16
"""Messages to read at first: enough for the newest checkpoint with the writes of a few tasks."""

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Step:
    """A checkpoint with its writes, in the order in which LangGraph applies them."""

    record: Record
    writes: list[Write]


class Walk:
    """Reads the checkpoints of one conversation, a page at a time.

    Writes are stored behind their checkpoint, so when a checkpoint is reached, all of its writes
    have been read.
    """

    def __init__(self, key: str, first_page: int = FIRST_PAGE) -> None:
        """Begin at the newest message of the conversation."""
        self._key = key
        self._limit = first_page
        self._oldest: str | None = None
        self._has_more = True
        self._messages: list[ChatMessage] = []
        self._writes: dict[str, list[Write]] = {}

    def next(self) -> Plan[Step | None]:
        """Return the next older checkpoint; ``None`` at the end.

        Raises:
            ConversationChangedError: The thread was pruned or deleted while it was read.

        """
        while True:
            while self._messages:
                message = self._messages.pop()
                if is_write(message):
                    write = Write.from_message(message)
                    self._writes.setdefault(write.checkpoint_id, []).append(write)
                elif is_record(message):
                    record = Record.from_message(message)
                    writes = self._writes.pop(record.checkpoint_id, [])
                    return Step(record, sort_writes(writes))
            if not self._has_more:
                return None
            yield from self._read_page()

    def find(self, checkpoint_id: str | None) -> Plan[Step | None]:
        """Return the checkpoint with an id, or the next one; ``None`` at the end."""
        while step := (yield from self.next()):
            if checkpoint_id is None or step.record.checkpoint_id == checkpoint_id:
                return step
        return None

    def _read_page(self) -> Plan[None]:
        try:
            page: MessagePage = yield from call(
                "page_messages", self._key, limit=self._limit, before=self._oldest
            )
        except MessageNotFoundError:
            raise changed_thread() from None
        self._limit = _PAGE
        self._messages = page.messages
        self._has_more = page.has_more
        if page.messages:
            self._oldest = page.messages[0].id


def changed_thread() -> ConversationChangedError:
    """Return the error of a reader whose next checkpoint was removed."""
    return ConversationChangedError(
        "the thread was pruned or deleted while its checkpoints were read; read them again"
    )


def is_record(message: ChatMessage) -> bool:
    """Return whether a message is a checkpoint."""
    return str(message.id).startswith("checkpoint/")


def is_write(message: ChatMessage) -> bool:
    """Return whether a message is a write."""
    return str(message.id).startswith("write/")
