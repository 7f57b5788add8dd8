"""``RedactedBackend``: a function sees everything before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.conversations import ConversationRecord, StoredConversation
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.records import Existing, Record
from chatstore.core.backend.writes import Update
from chatstore.core.checks import check_size, check_title
from chatstore.core.errors import ChatStoreError, InvalidArgumentError, InvalidMessageError
from chatstore.core.layers.mapping import MappingBackend
from chatstore.core.messages import ChatMessage
from chatstore.core.metadata import dump_metadata, load_metadata

C = TypeVar("C")

RedactMessage = Callable[[ChatMessage], ChatMessage]
RedactRecord = Callable[[str | None, dict[str, Any]], tuple[str | None, Mapping[str, Any]]]


class RedactedBackend(MappingBackend[C]):
    """Stores what a function returns for each message, and refuses what it refuses.

    The function gets a copy of the message, with its metadata, and returns it or another message.
    To refuse a message, it raises `InvalidMessageError`, or any other `ChatStoreError`. It must
    return the same for the same message: then a message that is written again is the same one.
    It also gets what it returned before when a conversation is forked, and must leave that as it
    is. Ids, owners and keys are not changed.
    """

    restores_bodies = False

    def __init__(
        self,
        inner: Backend[C],
        redact: RedactMessage,
        *,
        redact_record: RedactRecord | None = None,
    ) -> None:
        """Wrap a backend, such as the ``backend`` of any store.

        Args:
            inner: Stores what ``redact`` returns.
            redact: Takes a message and returns what to store.
            redact_record: Takes the title and the metadata of a conversation, and returns both.
                It also gets what it returned before, whenever a record is changed, and must leave
                that as it is. ``None``: they are stored as they are.

        """
        super().__init__(inner)
        self._redact = redact
        self._redact_record = redact_record

    def stored_message(self, key: str, record: Record) -> Record:
        """Return the record of the redacted message.

        Raises:
            InvalidMessageError: ``redact`` did not return a message, returned another id, or
                raised an error that is not a `ChatStoreError`.
            MessageTooLargeError: What it returned is too large.

        """
        message = codec.decode(key, -1, record.body)
        try:
            redacted = self._redact(message)
        except ChatStoreError:
            raise
        except Exception as error:  # otherwise it would look like one of the database
            raise InvalidMessageError(
                f"redact raised {type(error).__name__}, so the message was not stored; "
                "correct the function"
            ) from error
        if not isinstance(redacted, ChatMessage):
            raise InvalidMessageError(
                f"redact must return a ChatMessage, not {type(redacted).__name__}"
            )
        if redacted.id not in (None, record.id):
            raise InvalidMessageError("redact must not change the id of a message")
        same_id = redacted.model_copy(update={"id": record.id})
        body = codec.encode(same_id, datetime.now(timezone.utc).isoformat()).body
        check_size(body, self.max_message_bytes)
        return Record(record.id, body, record.has_caller_id)

    def original_existing(self, key: str, existing: Existing, record: Record | None) -> str:
        """Return the body of ``record`` if it would be stored as the existing message is."""
        body = self.original_body(key, existing.body)
        if record is not None:
            again = self.stored_message(key, record).body
            if codec.decode(key, -1, again) == codec.decode(key, -1, body):
                return record.body
        return body

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`; what is stored is what was read."""
        after = self.stored_record(key, write.after)
        return self.inner.update(key, Update(write.before, after, write.expected_revision))

    def stored_record(self, key: str, record: ConversationRecord) -> ConversationRecord:
        """Return the record with the redacted title and metadata.

        Raises:
            InvalidArgumentError: ``redact_record`` did not return a title and metadata, or raised
                an error that is not a `ChatStoreError`.

        """
        if self._redact_record is None:
            return super().stored_record(key, record)
        shown = load_metadata(record.metadata)
        try:
            result = self._redact_record(record.title, shown)
        except ChatStoreError:
            raise
        except Exception as error:  # as above
            raise InvalidArgumentError(
                f"redact_record raised {type(error).__name__}, so nothing was stored; "
                "correct the function"
            ) from error
        if not isinstance(result, tuple) or len(result) != 2:
            raise InvalidArgumentError("redact_record must return a title and metadata")
        title, metadata = check_title(result[0]), dump_metadata(result[1])
        return super().stored_record(key, record._replace(title=title, metadata=metadata))
