"""``survey``: how much is stored in plain text, and which keys are still needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.backend import Backend, Oldest, Plan
from chatstore.encryption.backend import EncryptedBackend
from chatstore.encryption.envelopes import is_envelope, key_id_of
from chatstore.encryption.owners import OwnerKeysBackend

_PAGE = 100  # messages that are read at once


@dataclass
class Survey:
    """What a store holds.

    Attributes:
        conversations: The conversations.
        keys: How many messages and conversation records each key has encrypted, by its id; data
            keys of owners and their records count, too.
        plain: How many of them are stored in plain text.
        damaged: How many of them begin as a ciphertext does, and do not go on like one.

    """

    conversations: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    plain: int = 0
    damaged: int = 0


def survey(store: ChatStore) -> Survey:
    """Count what is stored in plain text, and what each key has encrypted.

    It reads everything, decrypts only what is needed to list the conversations, and writes nothing.
    A key that is not in ``keys`` may be removed from the key ring; writers must use another primary
    key already.

    Args:
        store: A store over an `EncryptedBackend` or an `OwnerKeysBackend`.

    Raises:
        InvalidArgumentError: The store's backend is neither of them.

    """
    total = Survey()
    cursor = store.run("survey", _survey_data_keys, None, total)
    while cursor is not None:
        cursor = store.run("survey", _survey_data_keys, cursor, total)
    for key in store.iter_keys():
        store.run("survey", _survey_conversation, key, total)
    return total


async def async_survey(store: ChatStore) -> Survey:
    """Like `survey`, but awaitable."""
    total = Survey()
    cursor = await store.async_run("survey", _survey_data_keys, None, total)
    while cursor is not None:
        cursor = await store.async_run("survey", _survey_data_keys, cursor, total)
    async for key in store.async_iter_keys():
        await store.async_run("survey", _survey_conversation, key, total)
    return total


def _survey_data_keys(
    backend: Backend[Any], cursor: Any | None, total: Survey
) -> Plan[Any, Any | None]:
    """Count a page of the data keys of owners, and return the cursor of the next page."""
    if not isinstance(backend, OwnerKeysBackend):
        return None
    inner = backend.data_keys.wrapped.inner
    page = yield from inner.list_keys("", _PAGE, cursor)
    for stored_key in page.keys:
        yield from _survey_all(inner, stored_key, total)
    return page.cursor


def _survey_conversation(backend: Backend[Any], key: str, total: Survey) -> Plan[Any, None]:
    if isinstance(backend, OwnerKeysBackend):
        backend = backend.conversations
    if not isinstance(backend, EncryptedBackend):
        raise InvalidArgumentError(
            "survey needs a store over an EncryptedBackend or an OwnerKeysBackend, which must be "
            "its outermost layer"
        )
    total.conversations += yield from _survey_all(backend.inner, backend.stored_key(key), total)


def _survey_all(inner: Backend[Any], stored_key: str, total: Survey) -> Plan[Any, bool]:
    """Count what a conversation has, and return whether it exists."""
    [stored] = yield from inner.read_conversations([stored_key])
    if stored is not None and stored.record.outlasts_messages:
        _count(stored.record.metadata or "", total)
    position = None
    while True:
        page = yield from inner.read_oldest(stored_key, Oldest(_PAGE, position))
        for record in page.records:
            _count(record.body, total)
        if len(page.records) < _PAGE:
            return stored is not None
        position = page.records[-1].position


def _count(text: str, total: Survey) -> None:
    key_id = key_id_of(text)
    if key_id is not None:
        total.keys[key_id] += 1
    elif is_envelope(text):
        total.damaged += 1
    else:
        total.plain += 1
