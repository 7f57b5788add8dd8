"""Stores with media in a folder keep the contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from media_stores import MessagesAsMedia, media_of_everything

from chatstore.core import ChatStore
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing import ContractHarness, MixedContract
from chatstore.core.testing.contract.modes import Caller
from chatstore.media import MediaFolder


class MediaHarness(ContractHarness):
    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self, folder: Path) -> None:
        self.folder = MediaFolder(str(folder))
        self.newest = MemoryBackend()

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        self.newest = MemoryBackend(ttl=ttl, clock=clock or time.time)
        return ChatStore(media_of_everything(self.newest, self.folder))

    def corrupt(self, key: str, index: int) -> None:
        records = self.newest.conversations.by_key[key].records
        records[index] = records[index]._replace(body='{"v":"media-1","parts":[')

    def stored(self) -> int:
        by_key = self.newest.conversations.by_key
        return sum(1 + len(one.records) for one in by_key.values())


class TestMedia(MixedContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> MediaHarness:
        return MediaHarness(tmp_path)

    def test_writers_that_compact(self, store: ChatStore, call: Caller) -> None:
        """Compact messages without media: each client gives up if others write again and again."""
        backend = store.backend
        assert isinstance(backend, MessagesAsMedia)
        super().test_writers_that_compact(ChatStore(backend.inner), call)
