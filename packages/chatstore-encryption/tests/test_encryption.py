"""What is stored is encrypted, belongs to its place, and is never skipped."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from encrypted_stores import KEYS, encrypted, hashed, ring, store_of

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    CorruptMessageError,
    CorruptStoreError,
    InvalidArgumentError,
    MessageConflictError,
    MessageTooLargeError,
)
from chatstore.core.backend import StoredRecord
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.messages import contents, message
from chatstore.encryption import (
    DecryptionError,
    EncryptedBackend,
    HashedNamesBackend,
    KeyRing,
)

SECRETS = ["swordfish", "Lisbon", "invoice"]


def fill(store: ChatStore) -> None:
    store.create_conversation("key-1", owner="owner-1", title="Lisbon", metadata={"m": "invoice"})
    store.add_message("key-1", message("swordfish", id="a", additional_kwargs={"k": "invoice"}))
    store.put_message("key-1", message("swordfish!", id="b"))
    store.update_conversation("key-1", title="Lisbon!", metadata={"n": "invoice"})
    store.fork("key-1", "key-2")
    store.set_messages("key-3", [message("swordfish")])


def bodies(backend: MemoryBackend, key: str) -> list[StoredRecord]:
    return backend.conversations.by_key[key].records


def change(backend: MemoryBackend, key: str, index: int, body: str) -> None:
    records = bodies(backend, key)
    records[index] = records[index]._replace(body=body)


def test_nothing_readable_is_stored() -> None:
    backend = MemoryBackend()
    fill(store_of(backend))
    stored = backend.dump()
    assert not [secret for secret in SECRETS if secret in stored]
    assert '"key-1"' in stored
    assert "owner-1" in stored


def test_names_are_not_stored_where_they_are_hashed() -> None:
    backend = MemoryBackend()
    store = ChatStore(hashed(backend))
    fill(store)
    stored = backend.dump()
    assert not [
        text for text in [*SECRETS, "key-", "owner"] if text in stored.replace('"owner":', "")
    ]
    assert sorted(store.get_keys("key-")) == ["key-1", "key-2", "key-3"]
    assert store.get_keys("key-3") == ["key-3"]
    listed = store.list_conversations(owner="owner-1").conversations
    assert {(one.key, one.owner) for one in listed} == {("key-1", "owner-1"), ("key-2", "owner-1")}


def test_other_secrets_make_other_names() -> None:
    backend = MemoryBackend()
    ChatStore(hashed(backend)).add_message("k", message("a"))
    other = ChatStore(HashedNamesBackend(backend, ring(), name_secret=b"\x04" * 16))
    assert other.get_messages("k") == []
    ChatStore(hashed(backend)).create_conversation("empty")
    assert sorted(ChatStore(hashed(backend)).get_keys()) == ["empty", "k"]


def swap_conversations(backend: MemoryBackend) -> None:
    change(backend, "key-1", 0, bodies(backend, "key-3")[0].body)


def swap_forks(backend: MemoryBackend) -> None:
    """Both have the same id."""
    change(backend, "key-1", 0, bodies(backend, "key-2")[0].body)


def rename(backend: MemoryBackend) -> None:
    change(backend, "key-1", 0, bodies(backend, "key-1")[0].body.replace('"a"', '"b"'))


def claim_another_key(backend: MemoryBackend) -> None:
    change(backend, "key-1", 0, bodies(backend, "key-1")[0].body.replace('"new"', '"old"'))


def store_plain(backend: MemoryBackend) -> None:
    ChatStore(backend).put_message("key-1", message("plain", id="a"))


def exchange_data(backend: MemoryBackend) -> None:
    """Each ciphertext under the other id of the same conversation."""
    envelopes = [json.loads(record.body) for record in bodies(backend, "key-1")]
    envelopes[0]["data"], envelopes[1]["data"] = envelopes[1]["data"], envelopes[0]["data"]
    for index, fields in enumerate(envelopes):
        change(backend, "key-1", index, json.dumps(fields, separators=(",", ":")))


def store_record_as_message(backend: MemoryBackend) -> None:
    record = backend.conversations.by_key["key-1"].record
    change(backend, "key-1", 0, str(record.metadata))


def flip(place: int) -> Callable[[MemoryBackend], None]:
    def flip_bit(backend: MemoryBackend) -> None:
        fields = json.loads(bodies(backend, "key-1")[0].body)
        data = bytearray(b64decode(fields["data"]))
        data[place] ^= 1
        fields["data"] = b64encode(data).decode()
        change(backend, "key-1", 0, json.dumps(fields, separators=(",", ":")))

    return flip_bit


def cut(length: int) -> Callable[[MemoryBackend], None]:
    def cut_data(backend: MemoryBackend) -> None:
        fields = json.loads(bodies(backend, "key-1")[0].body)
        fields["data"] = b64encode(b64decode(fields["data"])[:length]).decode()
        change(backend, "key-1", 0, json.dumps(fields, separators=(",", ":")))

    return cut_data


ATTACKS: list[Callable[[MemoryBackend], None]] = [
    swap_conversations, swap_forks, rename, claim_another_key, store_plain,
    exchange_data, store_record_as_message,
    flip(0), flip(11), flip(12), flip(-1), flip(-17), cut(0), cut(12), cut(27), cut(40),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_or_moved_raises_in_every_read(
    attack: Callable[[MemoryBackend], None],
) -> None:
    backend = MemoryBackend()
    store = store_of(backend)
    fill(store)
    attack(backend)
    memory = ChatMemoryBuffer(1000, store, "key-1", tokenizer_fn=str.split)
    reads: list[Callable[[], Any]] = [
        lambda: store.get_messages("key-1"), lambda: store.get_messages("key-1", last=2),
        lambda: list(store.iter_messages("key-1", on_corrupt="skip")),
        lambda: store.page_messages("key-1"), lambda: store.snapshot("key-1"), memory.get,
        lambda: store.delete_message("key-1", 0, force=True), lambda: store.fork("key-1", "new"),
    ]  # fmt: skip
    for read in reads:
        with pytest.raises(DecryptionError):
            read()
    assert store.count_messages("key-1") == 2
    store.delete_messages("key-1")
    assert store.count_messages("key-1") == 0


@pytest.mark.parametrize("part", [slice(None, -1), slice(None, 30), slice(1, None)])
def test_an_envelope_without_its_ends_is_a_damaged_message(part: slice) -> None:
    backend = MemoryBackend()
    store = store_of(backend)
    fill(store)
    change(backend, "key-1", 0, bodies(backend, "key-1")[0].body[part])
    with pytest.raises(CorruptMessageError):
        store.get_messages("key-1")
    assert [one.id for one in store.iter_messages("key-1", on_corrupt="skip")] == ["b"]


def test_the_id_of_a_key_is_not_that_of_a_data_key() -> None:
    with pytest.raises(InvalidArgumentError, match="owner:"):
        KeyRing({"owner:1": os.urandom(32)}, primary="owner:1")


def test_a_swapped_message_raises_where_it_is_read_by_its_id() -> None:
    """Reads in order cannot tell swapped messages from messages in another order."""
    backend = MemoryBackend()
    store = store_of(backend)
    fill(store)
    first, second = (record.body for record in bodies(backend, "key-1"))
    change(backend, "key-1", 0, second)
    change(backend, "key-1", 1, first)
    assert [one.id for one in store.get_messages("key-1")] == ["b", "a"]
    for read in (
        lambda: store.get_message("key-1", "a"),
        lambda: store.remove_message("key-1", "b"),
        lambda: store.page_messages("key-1", before="b"),
    ):
        with pytest.raises(DecryptionError, match="belongs to another message") as caught:
            read()
        assert caught.value.key_id == "new"


def test_a_message_that_was_copied_over_another_one_raises() -> None:
    backend = MemoryBackend()
    store = store_of(backend)
    fill(store)
    change(backend, "key-1", 0, bodies(backend, "key-1")[1].body)
    reads: list[Callable[[], Any]] = [
        lambda: store.get_messages("key-1"), lambda: store.get_messages("key-1", last=2),
        lambda: list(store.iter_messages("key-1", on_corrupt="skip")),
        lambda: store.get_message("key-1", "a"), lambda: store.fork("key-1", "new"),
        ChatMemoryBuffer(1000, store, "key-1", tokenizer_fn=str.split).get,
    ]  # fmt: skip
    for read in reads:
        with pytest.raises(DecryptionError, match=r"copied over|belongs to another"):
            read()


@pytest.mark.parametrize("newer", ["k2", "k11"])
def test_an_older_version_that_was_copied_over_another_message_raises(newer: str) -> None:
    """Its key has another id, which may begin with the id of the newer key, or the reverse."""
    backend, keys = MemoryBackend(), {"k1": KEYS["old"], newer: KEYS["new"]}
    older, store = (
        ChatStore(EncryptedBackend(backend, KeyRing(keys, primary=key_id)))
        for key_id in ("k1", newer)
    )
    older.add_messages("k", [message("x", id="a"), message("y", id="b")])
    replayed = bodies(backend, "k")[1].body
    store.put_message("k", message("z", id="b"))
    change(backend, "k", 0, replayed)
    with pytest.raises(DecryptionError, match="copied over"):
        store.get_messages("k")


def test_an_older_version_in_the_same_place_is_not_detected() -> None:
    """As documented: replays need a record of versions outside of the database."""
    backend = MemoryBackend()
    store = store_of(backend)
    store.put_message("k", message("old", id="a"))
    replayed = bodies(backend, "k")[0].body
    store.put_message("k", message("new", id="a"))
    change(backend, "k", 0, replayed)
    assert contents(store.get_messages("k")) == ["old"]


@pytest.mark.parametrize(
    "changes", [{"owner": "thief"}, {"owner": None}, {"metadata": None, "title": None}]
)
def test_a_conversation_cannot_be_given_away(changes: dict[str, Any]) -> None:
    """Its owner is part of what is encrypted, and its record cannot be left out."""
    for layer in (encrypted, hashed):
        backend = MemoryBackend()
        store = ChatStore(layer(backend))
        fill(store)
        stored_key = store.backend.stored_key("key-1")  # type: ignore[attr-defined]
        conversation = backend.conversations.by_key[stored_key]
        conversation.record = conversation.record._replace(**changes)
        with pytest.raises(DecryptionError):
            store.get_conversation("key-1")
        with pytest.raises(DecryptionError):
            store.update_conversation("key-1", title="x")


@pytest.mark.parametrize(
    "text", ['{"v":"sealed-1",', '{"v":"sealed-1","key":1,"id":"","data":""}', "", "{", "7",
]
)  # fmt: skip
def test_damaged_texts_raise_what_damaged_texts_raise_elsewhere(text: str) -> None:
    backend = MemoryBackend()
    store = store_of(backend)
    fill(store)
    change(backend, "key-1", 0, text)
    with pytest.raises(CorruptMessageError):
        store.get_messages("key-1")
    assert contents(store.iter_messages("key-1", on_corrupt="skip")) == ["swordfish!"]
    assert store.delete_message("key-1", 0, force=True) is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"metadata": '{"v":"sealed-1",'}, CorruptStoreError),
        ({"metadata": None, "title": "plain"}, DecryptionError),
        ({"metadata": '{"plain":1}'}, DecryptionError),
    ],
)
def test_damaged_records_raise(changes: dict[str, Any], error: type[Exception]) -> None:
    backend = MemoryBackend()
    store = store_of(backend)
    fill(store)
    conversation = backend.conversations.by_key["key-1"]
    conversation.record = conversation.record._replace(**changes)
    for call in (
        lambda: store.get_conversation("key-1"),
        lambda: store.list_conversations(owner="owner-1"),
        lambda: store.update_conversation("key-1", title="x"),
    ):
        with pytest.raises(error):
            call()


def test_records_belong_to_their_conversation() -> None:
    backend = MemoryBackend()
    store = store_of(backend)
    fill(store)
    by_key = backend.conversations.by_key
    by_key["key-2"].record = by_key["key-1"].record
    with pytest.raises(DecryptionError):
        store.get_conversation("key-2")


def test_a_missing_or_wrong_key_is_named() -> None:
    backend = MemoryBackend()
    fill(store_of(backend, "old"))
    missing = ChatStore(EncryptedBackend(backend, KeyRing({"new": KEYS["new"]}, primary="new")))
    with pytest.raises(DecryptionError, match="'old' is missing") as error:
        missing.get_messages("key-1")
    assert error.value.key_id == "old"
    wrong = ChatStore(EncryptedBackend(backend, KeyRing({"old": KEYS["new"]}, primary="old")))
    with pytest.raises(DecryptionError, match="not encrypted with the key 'old'"):
        wrong.get_messages("key-1")
    assert not [text for text in SECRETS if text in str(error.value)]


def test_the_same_message_again_is_the_same() -> None:
    store = store_of(MemoryBackend())
    for _ in range(2):
        store.add_message("k", message("x", id="a"))
    with pytest.raises(MessageConflictError):
        store.add_message("k", message("y", id="a"))
    assert contents(store.get_messages("k")) == ["x"]


def test_sizes_allow_for_the_envelope() -> None:
    class Limited(MemoryBackend):
        max_message_bytes = 100_000

    backend = Limited()
    store = store_of(backend)
    assert store.max_message_bytes is not None
    store.add_message("k" * 255, message("x" * (store.max_message_bytes - 400), id="ü" * 127))
    stored = bodies(backend, "k" * 255)[0].body
    assert 96_000 < len(stored.encode()) <= 100_000
    with pytest.raises(MessageTooLargeError):
        store.add_message("k", message("x" * store.max_message_bytes))


def test_keys_from_a_function_are_loaded_once_and_can_be_destroyed() -> None:
    calls: list[str] = []
    keys = {"ann": b"\x01" * 32, "bob": b"\x02" * 32}

    def load(key_id: str) -> bytes:
        calls.append(key_id)
        return keys[key_id]

    keyring = KeyRing(load, primary=lambda key: key.partition("/")[0])
    store = ChatStore(EncryptedBackend(MemoryBackend(), keyring))
    for key in ("ann/1", "bob/1", "ann/2"):
        store.add_message(key, message(f"of {key}"))
    assert calls == ["ann", "bob"]
    del keys["ann"]
    keyring.forget("ann")
    with pytest.raises(DecryptionError, match="destroyed"):
        store.get_messages("ann/1")
    with pytest.raises(DecryptionError, match="destroyed"):
        store.add_message("ann/3", message("x"))
    assert contents(store.get_messages("bob/1")) == ["of bob/1"]


def test_a_key_service_that_does_not_answer_is_not_taken_for_the_database() -> None:
    def load(key_id: str) -> bytes:
        raise ConnectionError("swordfish")

    store = ChatStore(EncryptedBackend(MemoryBackend(), KeyRing(load, primary="a")))
    with pytest.raises(DecryptionError, match=r"'a' cannot be loaded.*ConnectionError") as caught:
        store.add_message("k", message("x"))
    assert caught.value.key_id == "a"
    assert "swordfish" not in f"{caught.value} {caught.value.__cause__}"
    assert store.get_keys() == []


@pytest.mark.parametrize(
    ("keys", "primary"),
    [
        ({"a": b"short"}, "a"), ({"a": "x" * 32}, "a"), ({"a": b"x" * 32}, "b"), ({}, "a"),
        ({'a"': b"x" * 32}, 'a"'), ({"": b"x" * 32}, ""), ({7: b"x" * 32}, "a"),
    ],
)  # fmt: skip
def test_bad_keys_are_refused(keys: Any, primary: str) -> None:
    with pytest.raises(InvalidArgumentError):
        KeyRing(keys, primary=primary)


@pytest.mark.parametrize("secret", [b"short", "x" * 32, None])
def test_bad_name_secrets_are_refused(secret: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="name_secret"):
        HashedNamesBackend(MemoryBackend(), ring(), name_secret=secret)


def test_bad_results_of_functions_are_refused() -> None:
    for keyring in (
        KeyRing(lambda _: b"short", primary="a"),
        KeyRing(KEYS, primary=lambda _: None),  # type: ignore[arg-type, return-value]
    ):
        store = ChatStore(EncryptedBackend(MemoryBackend(), keyring))
        with pytest.raises(InvalidArgumentError):
            store.add_message("k", ChatMessage(role="user", content="x"))
        assert store.get_keys() == []
