"""``rotate``: encrypt everything with the primary key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from chatstore.core import ChatStore, InvalidArgumentError, RevisionConflictError
from chatstore.core.backend import Backend, Newest, Oldest, Plan, Put, Record, StoredRecord, Update
from chatstore.core.codec import decode
from chatstore.encryption.backend import EncryptedBackend
from chatstore.encryption.data_keys import with_data_keys
from chatstore.encryption.envelopes import is_envelope, key_id_of
from chatstore.encryption.owners import OwnerKeysBackend

_PAGE = 100  # messages that are read at once


@dataclass
class Rotation:
    """What a rotation has done.

    Attributes:
        conversations: The conversations that were read.
        messages: The messages that were read.
        rotated: The messages and records that were encrypted again.
        plain: Those of them that were stored in plain text before.

    """

    conversations: int = 0
    messages: int = 0
    rotated: int = 0
    plain: int = 0


def rotate(
    store: ChatStore, *, progress: Callable[[str, Rotation], object] | None = None
) -> Rotation:
    """Encrypt with the primary key everything that is encrypted with another key, or not at all.

    Other programs may read and write while it runs. If interrupted, call it again: what is
    done is only read. Each message takes two requests; as other writes, they change the
    revision and ``updated_at``, and begin the ttl again.

    Args:
        store: A store over an `EncryptedBackend`.
        progress: Called after each conversation, with its key and what was done until then.

    Raises:
        InvalidArgumentError: The store's backend is not an `EncryptedBackend`.
        DecryptionError: A key is missing or wrong.
        CorruptMessageError: A message cannot be read.

    """
    total = Rotation()
    for key in store.iter_keys():
        store.run("rotate", _rotate_conversation, key, total)
        if progress is not None:
            progress(key, total)
    return total


async def async_rotate(
    store: ChatStore, *, progress: Callable[[str, Rotation], object] | None = None
) -> Rotation:
    """Like `rotate`, but awaitable."""
    total = Rotation()
    async for key in store.async_iter_keys():
        await store.async_run("rotate", _rotate_conversation, key, total)
        if progress is not None:
            progress(key, total)
    return total


def _rotate_conversation(backend: Backend[Any], key: str, total: Rotation) -> Plan[Any, None]:
    if isinstance(backend, OwnerKeysBackend):
        backend = yield from backend.encryption_of(key)
    if not isinstance(backend, EncryptedBackend):
        raise InvalidArgumentError(
            "rotate needs a store over an EncryptedBackend or an OwnerKeysBackend, which must be "
            "its outermost layer"
        )
    yield from _rotate_all(backend, key, total)


def _rotate_all(backend: EncryptedBackend[Any], key: str, total: Rotation) -> Plan[Any, None]:
    total.conversations += 1
    yield from with_data_keys(backend.keys, lambda: _rotate_record(backend, key, total))
    position = None
    while True:
        page = yield from backend.inner.read_oldest(
            backend.stored_key(key), Oldest(_PAGE, position)
        )
        for record in page.records:
            total.messages += 1
            if _is_outdated(backend, key, record.body):
                rotate_one = partial(_rotate_message, backend, key, record, total)
                yield from with_data_keys(backend.keys, rotate_one)
        if len(page.records) < _PAGE:
            return
        position = page.records[-1].position


def _rotate_message(
    backend: EncryptedBackend[Any], key: str, record: StoredRecord, total: Rotation
) -> Plan[Any, None]:
    """Encrypt a message again, unless somebody changes or removes it first."""
    while True:  # ends: each repetition follows another writer's successful change
        page = yield from backend.inner.read_newest(
            backend.stored_key(key), Newest(1, record.position + 1, with_conversation=True)
        )
        if page.conversation is None or list(page.records) != [record]:
            return
        body = backend.original_body(key, record.body)
        message_id = decode(key, record.position, body).id or ""
        put = Put(Record(message_id, body), expected_revision=page.conversation.revision)
        try:
            yield from backend.put(key, put)
        except RevisionConflictError:
            continue
        total.rotated += 1
        total.plain += not is_envelope(record.body)
        return


def _rotate_record(backend: EncryptedBackend[Any], key: str, total: Rotation) -> Plan[Any, None]:
    while True:  # ends, as above
        [stored] = yield from backend.inner.read_conversations([backend.stored_key(key)])
        if stored is None or not stored.record.outlasts_messages:
            return
        text = stored.record.metadata or ""
        is_done = is_envelope(text) and not _is_outdated(backend, key, text)
        if is_done:
            return
        record = backend.original_record(key, stored.record)
        if (yield from backend.update(key, Update(record, record))) is not None:
            total.rotated += 1
            total.plain += not is_envelope(text)
            return


def _is_outdated(backend: EncryptedBackend[Any], key: str, text: str) -> bool:
    return key_id_of(text) != backend.keys.primary(key)
