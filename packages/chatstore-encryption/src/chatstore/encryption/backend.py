"""``EncryptedBackend``: messages and records are encrypted before they reach the database."""

from __future__ import annotations

from typing import TypeVar

from chatstore.core import codec
from chatstore.core.backend import Backend, ConversationRecord, Record
from chatstore.core.errors import CorruptMessageError, CorruptStoreError
from chatstore.core.layers import MappingBackend
from chatstore.encryption.envelopes import is_envelope, open_envelope, parse, seal
from chatstore.encryption.errors import DecryptionError
from chatstore.encryption.keys import KeyRing
from chatstore.encryption.sealed_records import SealedRecord, dump_record, load_record

C = TypeVar("C")

_MESSAGE = "message"
_RECORD = "record"
_OVERHEAD = 1024  # bytes of an envelope besides its data: ids and punctuation


class EncryptedBackend(MappingBackend[C]):
    """Encrypts messages, titles and metadata with AES-256-GCM; keys and owners stay readable.

    A ciphertext belongs to its conversation and its message: if it is moved to another one, it
    cannot be decrypted. Not detected are an older version of the same message in its place, and
    messages that were removed or put into another order.

    Ids of messages, their number, times and approximate sizes stay readable, too. Messages that a
    caller sends again are recognized: they are compared after decryption.
    """

    def __init__(self, inner: Backend[C], keys: KeyRing, *, allow_plain: bool = False) -> None:
        """Wrap a backend, such as the ``backend`` of any store.

        Args:
            inner: Stores what is encrypted.
            keys: The keys.
            allow_plain: Whether what was stored without encryption is read, too: for the time
                until ``rotate`` has encrypted it. Otherwise it raises `DecryptionError`, so that
                nobody can put plain text in the place of what was encrypted.

        """
        super().__init__(inner)
        self.keys = keys
        self._allow_plain = allow_plain
        limit = inner.max_message_bytes
        # Base64 takes four bytes for three.
        self.max_message_bytes = None if limit is None else (limit - _OVERHEAD) * 3 // 4

    def stored_message(self, key: str, record: Record) -> Record:
        """Return the record with an envelope as its body."""
        place = (_MESSAGE, self.stored_key(key), record.id)
        text = self.message_text(key, record.body)
        body = seal(self.keys, self.keys.primary(key), place, text)
        return Record(record.id, body, record.has_caller_id)

    def original_body(self, key: str, body: str) -> str:
        """Return the plain body.

        Raises:
            DecryptionError: It cannot be decrypted, or is plain text that is not allowed.

        """
        if not is_envelope(body):
            return self._unencrypted_body(key, body)
        envelope = parse(body)
        if envelope is None:
            return body  # damaged: reading it as a message says so
        text = open_envelope(self.keys, envelope, _MESSAGE, self.stored_key(key))
        return self.body_of(text)

    def stored_record(self, key: str, record: ConversationRecord) -> ConversationRecord:
        """Return the record with an envelope as its metadata, and without a title."""
        stored = super().stored_record(key, record)
        if not record.outlasts_messages:
            return stored
        place = (_RECORD, self.stored_key(key), "")
        sealed = seal(self.keys, self.keys.primary(key), place, dump_record(key, record))
        return stored._replace(title=None, metadata=sealed)

    def original_record(self, key: str, record: ConversationRecord) -> ConversationRecord:
        """Return the plain record.

        Raises:
            DecryptionError: It cannot be decrypted, or is plain text that is not allowed.
            CorruptStoreError: It is damaged.

        """
        if record.metadata is None or not is_envelope(record.metadata):
            if record.title is not None or record.metadata is not None:
                self._check_plain("a conversation's record")
            return super().original_record(key, record)
        sealed = self.open_record(self.stored_key(key), record.metadata)
        return record._replace(owner=sealed.owner, title=sealed.title, metadata=sealed.metadata)

    def open_record(self, stored_key: str, text: str) -> SealedRecord:
        """Return the record of an envelope.

        Raises:
            DecryptionError: It cannot be decrypted.
            CorruptStoreError: It is damaged.

        """
        envelope = parse(text)
        if envelope is None:
            raise CorruptStoreError("the record of a conversation cannot be read")
        return load_record(open_envelope(self.keys, envelope, _RECORD, stored_key))

    def message_text(self, key: str, body: str) -> str:  # noqa: ARG002 - for subclasses
        """Return the text to encrypt for a message."""
        return body

    def body_of(self, text: str) -> str:
        """Return the body that `message_text` was given."""
        return text

    def _unencrypted_body(self, key: str, body: str) -> str:
        try:
            codec.decode(key, -1, body)
        except CorruptMessageError:
            return body  # damaged, as above
        self._check_plain("a message")
        return body

    def _check_plain(self, what: str) -> None:
        if not self._allow_plain:
            raise DecryptionError(
                f"{what} is stored in plain text: if it was stored before encryption was used, "
                "pass allow_plain=True, and encrypt it with rotate"
            )
