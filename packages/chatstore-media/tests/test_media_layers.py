"""Media with other layers, and on databases with connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from media_stores import content, media_of_everything, objects_in, photo, store_over

from chatstore.core import ChatMessage, ChatStore, InvalidArgumentError, MessageTooLargeError
from chatstore.core.backend import run
from chatstore.core.layers import PrefixedBackend
from chatstore.core.memory import ChatMemoryBuffer
from chatstore.core.operations import add_message
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.contract.forks import Forks
from chatstore.core.testing.contract.idempotency import Idempotency
from chatstore.core.testing.contract.insert_delete import InsertDelete
from chatstore.core.testing.contract.messages_by_id import MessagesById
from chatstore.core.testing.contract.modes import MixedCaller
from chatstore.core.testing.contract.writers import Writers
from chatstore.core.testing.harness import ContractHarness
from chatstore.encryption import EncryptedBackend, KeyRing
from chatstore.media import DamagedMediaError, MediaBackend, MediaFolder
from chatstore.redis import RedisChatStore
from chatstore.sqlite import SQLiteChatStore

KEYS = KeyRing({"k": b"\x01" * 32}, primary="k")
DATA = content(2000)


def test_encryption_below_with_sealed_objects(tmp_path: Path) -> None:
    database, fernet = MemoryBackend(), Fernet(Fernet.generate_key())
    folder = MediaFolder(str(tmp_path), seal=fernet.encrypt, unseal=fernet.decrypt)
    store = store_over(EncryptedBackend(database, KEYS), folder)
    for _ in range(2):
        store.add_message("k", photo(DATA, id="a"))
    assert store.get_messages("k") == [photo(DATA)]
    [path] = objects_in(tmp_path).values()
    assert DATA[:50] not in path.read_bytes()
    assert path.name not in database.dump()
    other = Fernet(Fernet.generate_key())
    wrong = MediaFolder(str(tmp_path), seal=other.encrypt, unseal=other.decrypt)
    with pytest.raises(DamagedMediaError, match="check the key"):
        store_over(EncryptedBackend(database, KEYS), wrong).get_messages("k")
    with pytest.raises(InvalidArgumentError, match="sealed"):
        store_over(database, folder, read="urls")


def test_encryption_above_keeps_media_in_messages(tmp_path: Path) -> None:
    media = MediaBackend(MemoryBackend(), MediaFolder(str(tmp_path)), min_bytes=100)
    store = ChatStore(EncryptedBackend(media, KEYS))
    store.add_message("k", photo(DATA))
    assert store.get_messages("k") == [photo(DATA)]
    assert objects_in(tmp_path) == {}


def test_tenants_share_objects(tmp_path: Path) -> None:
    media = MediaBackend(MemoryBackend(), MediaFolder(str(tmp_path)), min_bytes=100)
    for tenant in ("a", "b"):
        store = ChatStore(PrefixedBackend(media, tenant))
        store.add_message("k", photo(DATA))
        assert store.get_messages("k") == [photo(DATA)]
    assert len(objects_in(tmp_path)) == 1


def test_other_drivers_run_transfers(tmp_path: Path) -> None:
    """A driver may treat a transfer as any other step."""
    database = MemoryBackend()
    media = MediaBackend(database, MediaFolder(str(tmp_path)), min_bytes=100)
    run(add_message(media, "k", photo(DATA)), database.conversations)
    assert ChatStore(media).get_messages("k") == [photo(DATA)]
    assert len(objects_in(tmp_path)) == 1


def test_the_limit_does_not_count_media(tmp_path: Path) -> None:
    class Limited(MemoryBackend):
        max_message_bytes = 10_000

    store = store_over(Limited(), MediaFolder(str(tmp_path)))
    store.add_message("k", photo(content(1_000_000)))
    with pytest.raises(MessageTooLargeError, match="10000 bytes"):
        store.add_message("k", photo(content(1_000_000), text="x" * 10_000))
    assert store.count_messages("k") == 1
    assert len(objects_in(tmp_path)) == 1


def test_windows_are_the_same(tmp_path: Path) -> None:
    windows: list[list[str]] = []
    for store in (
        ChatStore(MemoryBackend()),
        store_over(database := MemoryBackend(), folder := MediaFolder(str(tmp_path))),
        store_over(database, folder, read="references"),
    ):
        if len(windows) < 2:
            for n in range(30):
                store.add_message("k", photo(content(5000, n), text="word " * 20))
                store.add_message("k", ChatMessage(role="assistant", content="I see."))
        window = ChatMemoryBuffer(3000, store, "k", tokenizer_fn=str.split).get()
        windows.append([message.text for message in window])
    assert windows[0] == windows[1] == windows[2]
    assert 2 < len(windows[0]) < 60


class SharedHarness(ContractHarness):
    """SQLite, or Redis, with every message as a medium."""

    def __init__(self, opener: Callable[[], ChatStore], root: Path) -> None:
        self.layer = partial(media_of_everything, folder=MediaFolder(str(root)))
        self.opener_of_database = opener

    def open(self, **options: Any) -> ChatStore:
        return ChatStore(self.layer(self.opener_of_database().backend))

    def corrupt(self, key: str, index: int) -> None:
        raise NotImplementedError  # the chosen parts of the contract damage nothing


class TestDatabases(Forks, Idempotency, InsertDelete, MessagesById, Writers):
    @pytest.fixture
    def call(self) -> Iterator[MixedCaller]:
        caller = MixedCaller()
        yield caller
        caller.close()

    @pytest.fixture(params=["sqlite", "redis"])
    def harness(self, request: pytest.FixtureRequest, tmp_path: Path) -> SharedHarness:
        if request.param == "sqlite":
            return SharedHarness(partial(SQLiteChatStore, tmp_path / "chat.db"), tmp_path / "media")
        server = request.getfixturevalue("redis_server")
        url = f"redis://127.0.0.1:{server.port}/0?namespace={uuid4().hex}"
        return SharedHarness(partial(RedisChatStore, url), tmp_path / "media")
