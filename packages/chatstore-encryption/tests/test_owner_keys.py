"""Destroying an owner's data keys erases what they encrypted, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from encrypted_stores import NAME_SECRET, ring

from chatstore.core import (
    ChatStore,
    CorruptStoreError,
    InvalidArgumentError,
    StoreSetupError,
)
from chatstore.core.backend import Backend
from chatstore.core.layers import PrefixedBackend
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.messages import contents, message
from chatstore.encryption import (
    DecryptionError,
    EncryptedBackend,
    Erased,
    HashedNamesBackend,
    KeyRing,
    OwnerKeysBackend,
    Rotation,
    Survey,
    async_erase_owner,
    async_survey,
    erase_owner,
    rotate,
    survey,
)
from chatstore.encryption.data_keys import REMEMBER_SECONDS, DataKeys

CHATS, KEYS = "5:chats:", "4:keys:"


class Opened(NamedTuple):
    """A store, the backend below it, and the one with the data keys."""

    store: ChatStore
    backend: MemoryBackend
    wrapped: EncryptedBackend[Any]


def open_store(
    backend: MemoryBackend | None = None, keys: KeyRing | None = None, *, hashed: bool = False
) -> Opened:
    base = MemoryBackend() if backend is None else backend
    chats: Backend[Any] = PrefixedBackend(base, "chats")
    keyring = ring("old") if keys is None else keys
    conversations: EncryptedBackend[Any] = (
        HashedNamesBackend(chats, keyring, name_secret=NAME_SECRET)
        if hashed
        else EncryptedBackend(chats, keyring)
    )
    wrapped = EncryptedBackend(PrefixedBackend(base, "keys"), keyring)
    return Opened(ChatStore(OwnerKeysBackend(conversations, wrapped)), base, wrapped)


def fill(store: ChatStore) -> None:
    store.create_conversation("a1", owner="ann", title="of ann")
    store.add_message("a1", message("hotel", id="1"))
    store.put_message("a1", message("hotel!", id="2"))
    store.add_message("a1", message("first", id="0"), 0)
    store.create_conversation("b1", owner="bob")
    store.set_messages("b1", [message("of bob")])
    store.add_message("nobody", message("of nobody"))


def key_ids(backend: MemoryBackend, key: str) -> set[str]:
    """Return the first parts of the ids of the keys that encrypted a conversation's messages."""
    records = backend.conversations.by_key[CHATS + key].records
    return {record.body.split('"')[7].partition(":")[0] for record in records}


@pytest.mark.parametrize("hashed", [False, True])
def test_erasing_reaches_backups(hashed: bool) -> None:
    store, backend, _ = open_store(hashed=hashed)
    fill(store)
    by_key = backend.conversations.by_key
    backup = {key: one for key, one in by_key.items() if key.startswith(CHATS)}
    assert erase_owner(store, "ann") == Erased(keys=1, conversations=1)
    assert sorted(store.get_keys()) == ["b1", "nobody"]
    assert store.get_messages("a1") == []
    assert erase_owner(store, "ann") == Erased(keys=0, conversations=0)
    by_key.update(backup)
    for read in (
        lambda: store.get_messages("a1"),
        lambda: store.get_conversation("a1"),
        lambda: store.list_conversations(owner="ann"),
        lambda: store.get_message("a1", "1"),
        lambda: store.page_messages("a1"),
        lambda: store.remove_message("a1", "1"),
        lambda: list(store.iter_messages("a1", on_corrupt="skip")),
        lambda: store.add_message("a1", message("other", id="1")),
    ):
        with pytest.raises(DecryptionError, match=r"'owner:[0-9a-f]{24}' is missing") as caught:
            read()
        assert caught.value.key_id is not None
    assert contents(store.get_messages("b1")) == ["of bob"]
    assert contents(store.get_messages("nobody")) == ["of nobody"]


def test_an_owner_may_return_with_another_key() -> None:
    store, backend, _ = open_store()
    fill(store)
    erase_owner(store, "ann")
    store.create_conversation("a2", owner="ann")
    store.add_message("a2", message("again"))
    assert contents(store.get_messages("a2")) == ["again"]
    assert key_ids(backend, "a2") == {"owner"}


def test_each_key_encrypts_what_its_owner_writes() -> None:
    store, backend, _ = open_store()
    fill(store)
    assert key_ids(backend, "a1") == {"owner"}
    assert key_ids(backend, "nobody") == {"old"}
    # A fork belongs to its new owner.
    store.fork("a1", "forked", owner="bob")
    store.fork("a1", "forked for nobody", owner=None)
    erase_owner(store, "ann")
    for key in ("forked", "forked for nobody"):
        assert contents(store.get_messages(key)) == ["first", "hotel", "hotel!"]
    assert key_ids(backend, "forked for nobody") == {"old"}
    erase_owner(store, "bob")
    assert sorted(store.get_keys()) == ["forked for nobody", "nobody"]


def test_messages_keep_the_key_of_the_owner_before_until_they_are_rotated() -> None:
    for is_rotated in (False, True):
        store, _, _ = open_store()
        fill(store)
        assert store.update_conversation("a1", owner="bob").title == "of ann"
        store.add_message("a1", message("of bob"))
        assert contents(store.get_messages("a1")) == ["first", "hotel", "hotel!", "of bob"]
        if is_rotated:
            assert rotate(store) == Rotation(conversations=3, messages=6, rotated=3)
        assert erase_owner(store, "ann") == Erased(keys=1, conversations=0)
        title = store.update_conversation("a1", metadata={"x": 1}).title
        assert title == "of ann"
        if is_rotated:
            assert contents(store.get_messages("a1")) == ["first", "hotel", "hotel!", "of bob"]
        else:
            with pytest.raises(DecryptionError, match="owner:"):
                store.get_messages("a1")


def test_a_conversation_that_gets_an_owner_is_rotated() -> None:
    store, backend, _ = open_store()
    fill(store)
    store.update_conversation("nobody", owner="ann")
    assert key_ids(backend, "nobody") == {"old"}
    assert rotate(store).rotated == 1
    assert key_ids(backend, "nobody") == {"owner"}
    assert contents(store.get_messages("nobody")) == ["of nobody"]


def test_the_ring_can_be_rotated() -> None:
    """Data keys are encrypted again; what they encrypted stays as it is."""
    opened = open_store()
    fill(opened.store)
    newer = open_store(opened.backend, ring("new"))
    assert rotate(ChatStore(newer.wrapped)).rotated == 4  # two data keys, each with its record
    assert rotate(newer.store).rotated == 1  # what nobody owns
    only_new = open_store(opened.backend, KeyRing({"new": b"\x02" * 32}, primary="new"))
    assert contents(only_new.store.get_messages("a1")) == ["first", "hotel", "hotel!"]
    assert len(list(only_new.store.iter_conversations())) == 3


def test_erasing_needs_no_key() -> None:
    opened = open_store()
    fill(opened.store)
    lost = open_store(opened.backend, KeyRing({"lost": b"\x09" * 32}, primary="lost"))
    with pytest.raises(DecryptionError, match="'old' is missing"):
        lost.store.get_messages("a1")
    assert asyncio.run(async_erase_owner(lost.store, "ann")) == Erased(1, 1)
    assert sorted(opened.store.get_keys()) == ["b1", "nobody"]


def test_other_processes_notice_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    create = DataKeys.__init__
    monkeypatch.setattr(
        DataKeys, "__init__", lambda self, wrapped: create(self, wrapped, lambda: now[0])
    )
    opened = open_store()
    other = open_store(opened.backend)
    fill(opened.store)
    assert len(other.store.get_messages("a1")) == 3
    conversation = opened.backend.conversations.by_key[CHATS + "a1"]
    erase_owner(opened.store, "ann")
    opened.backend.conversations.by_key[CHATS + "a1"] = conversation
    assert len(other.store.get_messages("a1")) == 3
    now[0] += REMEMBER_SECONDS + 1
    for call in (
        lambda: other.store.get_messages("a1"),
        lambda: other.store.add_message("a1", message("x", id="1")),
    ):
        with pytest.raises(DecryptionError, match="owner:"):
            call()


class Slow(MemoryBackend):
    """A minute passes between the effect of a write and its result."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, plan: Any) -> Any:
        result = yield from plan
        self.now += REMEMBER_SECONDS + 1
        return result

    def create(self, key: str, write: Any) -> Any:
        return self.wait(super().create(key, write))

    def update(self, key: str, write: Any) -> Any:
        return self.wait(super().update(key, write))

    def remove(self, key: str, write: Any) -> Any:
        return self.wait(super().remove(key, write))


def test_writes_are_not_repeated_when_a_data_key_gets_old(monkeypatch: pytest.MonkeyPatch) -> None:
    backend, create = Slow(), DataKeys.__init__
    monkeypatch.setattr(
        DataKeys, "__init__", lambda self, wrapped: create(self, wrapped, lambda: backend.now)
    )
    store, _, _ = open_store(backend)
    fill(store)
    removed = store.delete_last_message("a1")
    assert removed is not None
    assert removed.content == "hotel!"
    assert contents(store.get_messages("a1")) == ["first", "hotel"]
    revision = store.snapshot("a1").conversation.revision  # type: ignore[union-attr]
    assert store.update_conversation("a1", title="x", expected_revision=revision).title == "x"
    assert store.fork("a1", "a2").owner == "ann"


def test_the_place_of_the_data_keys_is_set_up_and_checked() -> None:
    calls: list[str] = []

    class Maintained(MemoryBackend):
        def setup(self) -> Any:
            calls.append("setup")
            return super().setup()

        def check(self, key: str) -> Any:
            calls.append(key[: len(CHATS)])
            return super().check(key)

    store, _, _ = open_store(Maintained())
    store.setup()
    store.check()
    assert calls == ["setup", "setup", CHATS, f"{KEYS}c"]


@pytest.mark.parametrize("run", [survey, lambda store: asyncio.run(async_survey(store))])
def test_a_survey_counts_the_keys_that_data_keys_need(run: Callable[[ChatStore], Survey]) -> None:
    """Without the ring's old key, the data keys could not be read."""
    opened = open_store()
    fill(opened.store)
    for number in range(120):
        opened.store.create_conversation(f"c{number}", owner=f"owner {number}")
    newer = open_store(opened.backend, ring("new"))
    rotate(newer.store)
    result = run(newer.store)
    assert (result.conversations, result.keys["old"], result.keys["new"]) == (123, 244, 1)
    rotate(ChatStore(newer.wrapped))
    assert run(newer.store).keys["old"] == 0


def test_data_keys_must_not_expire() -> None:
    opened = open_store(MemoryBackend(ttl=60))
    with pytest.raises(StoreSetupError, match="no ttl"):
        opened.store.create_conversation("k", owner="ann")
    assert opened.backend.conversations.by_key == {}
    opened.store.add_message("k", message("without an owner"))


@pytest.mark.parametrize("content", ["00", "no hex digits"])
def test_damaged_data_keys_are_reported(content: str) -> None:
    opened = open_store()
    fill(opened.store)
    keys = ChatStore(opened.wrapped)
    for key in keys.get_keys():
        keys.put_message(key, message(content, id="key"))
    other = open_store(opened.backend)
    with pytest.raises(CorruptStoreError, match="data key 'owner:"):
        other.store.get_messages("a1")


def test_stored_data_keys_are_encrypted() -> None:
    opened = open_store()
    fill(opened.store)
    for key in ChatStore(opened.wrapped).get_keys():
        [stored] = opened.backend.conversations.by_key[KEYS + key].records
        assert stored.body.startswith('{"v":"sealed-1","key":"old"')
    assert "hotel" not in opened.backend.dump()


def test_owners_keys_are_loaded_together() -> None:
    """A page of conversations of many owners is read twice: before and behind the loading."""

    class Counting(MemoryBackend):
        reads = 0

        def read_conversations(self, keys: Any) -> Any:
            self.reads += 1
            return super().read_conversations(keys)

    backend = Counting()
    first = open_store(backend)
    for number in range(30):
        first.store.create_conversation(f"k{number}", owner=f"owner {number}")
    other, backend.reads = open_store(backend), 0
    assert len(other.store.list_conversations(limit=30).conversations) == 30
    assert backend.reads == 2


def test_wrong_backends_are_refused() -> None:
    opened = open_store()
    plain: Any = opened.backend
    for backends in ((plain, opened.wrapped), (opened.wrapped, plain)):
        with pytest.raises(InvalidArgumentError, match="two EncryptedBackends"):
            OwnerKeysBackend(*backends)
    for store in (ChatStore(opened.wrapped), ChatStore(PrefixedBackend(opened.store.backend, "a"))):
        with pytest.raises(InvalidArgumentError, match="outermost"):
            erase_owner(store, "ann")
    with pytest.raises(InvalidArgumentError, match="owner"):
        erase_owner(opened.store, "")
