"""``EncryptedBackend``: messages and records are encrypted before they reach the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from typing_extensions import Self

from chatstore.core import codec
from chatstore.core.backend import Backend, ConversationRecord, Record
from chatstore.core.errors import CorruptMessageError, CorruptStoreError
from chatstore.core.layers import MappingBackend
from chatstore.encryption.envelopes import (
    MESSAGE,
    RECORD,
    Sealer,
    check_ids,
    is_envelope,
    key_id_of,
)
from chatstore.encryption.errors import DecryptionError
from chatstore.encryption.keys import Keys
from chatstore.encryption.sealed_records import SealedRecord, dump_record, load_record

C = TypeVar("C")

# Bytes of an envelope besides its text: the ids of the key and of the message, and the
# conversation's key where it is hashed; JSON may escape each byte of the latter two with six.
_OVERHEAD = 4096


class EncryptedBackend(MappingBackend[C]):
    """Encrypts messages, titles and metadata with AES-256-GCM; keys and owners stay readable.

    A ciphertext belongs to its conversation and its message: if it is moved to another one, it
    cannot be decrypted. Not detected are an older version of the same message in its place, and
    messages that were removed or put into another order.

    Ids of messages, their number, times and approximate sizes stay readable, too. Messages that a
    caller sends again are recognized: they are compared after decryption.

    Attributes:
        keys: The keys.
        allows_plain: Whether what was stored without encryption is read, too.

    """

    def __init__(self, inner: Backend[C], keys: Keys, *, allow_plain: bool = False) -> None:
        """Wrap a backend, such as the ``backend`` of any store.

        Args:
            inner: Stores what is encrypted.
            keys: The keys, a `KeyRing`.
            allow_plain: Whether what was stored without encryption is read, too: for the time
                until ``rotate`` has encrypted it. Otherwise it raises `DecryptionError`, so that
                nobody can put plain text in the place of what was encrypted.

        """
        super().__init__(inner)
        self.keys = keys
        self.allows_plain = allow_plain
        limit = inner.max_message_bytes
        # Base64 takes four bytes for three.
        self.max_message_bytes = None if limit is None else (limit - _OVERHEAD) * 3 // 4

    def with_keys(self, keys: Keys) -> Self:
        """Return the same backend with other keys."""
        other = object.__new__(type(self))  # a copy of a backend is the backend itself
        vars(other).update(vars(self))
        other.keys = keys
        return other

    # ------------------------------------------------------------------ messages

    def stored_message(self, key: str, record: Record) -> Record:
        """Return the record with an envelope as its body."""
        text = self.message_text(key, record.body)
        sealer = Sealer(self.keys, MESSAGE, self.stored_key(key))
        body = sealer.seal(self.keys.primary(key), record.id, text)
        return Record(record.id, body, record.has_caller_id)

    def original_body(self, key: str, body: str) -> str:
        """Return the plain body.

        Raises:
            DecryptionError: It cannot be decrypted, or is plain text that is not allowed.

        """
        return self._open(key, Sealer(self.keys, MESSAGE, self.stored_key(key)), body)

    def check_bodies(self, key: str, bodies: Sequence[str]) -> None:  # noqa: ARG002 - as in the base class
        """Refuse bodies of one page that have the same id.

        Raises:
            DecryptionError: One of them was copied over another one.

        """
        check_ids(bodies)
        self.keys.prepare(bodies)

    def original_bodies(self, key: str, bodies: Sequence[str]) -> list[str]:
        """Return plain bodies.

        Raises:
            DecryptionError: As above.

        """
        opened = Sealer(self.keys, MESSAGE, self.stored_key(key)).open_all(bodies)
        return [
            self._unopened(key, body) if text is None else self.body_of(key, text)
            for body, text in zip(bodies, opened, strict=True)
        ]

    def original_body_of(self, key: str, message_id: str, body: str) -> str:
        """Return the plain body of a message that was read by its id.

        Raises:
            DecryptionError: As above, or it has the ciphertext of another message.

        """
        sealer = Sealer(self.keys, MESSAGE, self.stored_key(key))
        return self._open(key, sealer, body, message_id)

    def _open(self, key: str, sealer: Sealer, body: str, message_id: str | None = None) -> str:
        text = sealer.open(body, message_id)
        return self._unopened(key, body) if text is None else self.body_of(key, text)

    def _unopened(self, key: str, body: str) -> str:
        """Return a body that is not an envelope, or a damaged one: reading it says so."""
        return body if is_envelope(body) else self._unencrypted_body(key, body)

    def message_text(self, key: str, body: str) -> str:  # noqa: ARG002 - for subclasses
        """Return the text to encrypt for a message."""
        return body

    def body_of(self, key: str, text: str) -> str:  # noqa: ARG002 - for subclasses
        """Return the body that `message_text` was given."""
        return text

    # ------------------------------------------------------------------ conversation records

    def stored_record(self, key: str, record: ConversationRecord) -> ConversationRecord:
        """Return the record with an envelope as its metadata, and without a title."""
        stored = super().stored_record(key, record)
        if not record.outlasts_messages:
            return stored
        sealer = Sealer(self.keys, RECORD, self.stored_key(key))
        sealed = sealer.seal(self.keys.primary(key), "", dump_record(key, record))
        return stored._replace(title=None, metadata=sealed)

    def check_records(self, records: Sequence[ConversationRecord]) -> None:
        """Let the keys look at the envelopes."""
        self.keys.prepare([record.metadata for record in records if record.metadata is not None])

    def original_record(self, key: str, record: ConversationRecord) -> ConversationRecord:
        """Return the plain record.

        Raises:
            DecryptionError: It cannot be decrypted, is plain text that is not allowed, or the
                conversation was given to another owner without the key.
            CorruptStoreError: It is damaged.

        """
        if record.metadata is None or not is_envelope(record.metadata):
            if record.outlasts_messages:
                self._check_plain("a conversation's record")
            return super().original_record(key, record)
        sealed = self.open_record(self.stored_key(key), record.metadata)
        owner = None if sealed.owner is None else self.stored_owner(sealed.owner)
        if owner != record.owner:
            raise DecryptionError(
                "the owner of a conversation was changed without its key",
                key_id_of(record.metadata),
            )
        return record._replace(owner=sealed.owner, title=sealed.title, metadata=sealed.metadata)

    def open_record(self, stored_key: str, text: str) -> SealedRecord:
        """Return the record of an envelope.

        Raises:
            DecryptionError: It cannot be decrypted.
            CorruptStoreError: It is damaged.

        """
        opened = Sealer(self.keys, RECORD, stored_key).open(text)
        if opened is None:
            raise CorruptStoreError("the record of a conversation cannot be read")
        return load_record(opened)

    # ------------------------------------------------------------------ plain text

    def _unencrypted_body(self, key: str, body: str) -> str:
        try:
            codec.decode(key, -1, body)
        except CorruptMessageError:
            return body  # damaged, as above
        self._check_plain("a message")
        return body

    def _check_plain(self, what: str) -> None:
        if not self.allows_plain:
            raise DecryptionError(
                f"{what} is stored in plain text: if it was stored before encryption was used, "
                "pass allow_plain=True, and encrypt it with rotate"
            )
