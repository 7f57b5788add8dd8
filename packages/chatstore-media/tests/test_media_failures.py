"""What fails raises an error with a cause and a remedy, without secrets."""

from __future__ import annotations

import asyncio
import copy
import errno
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from media_stores import content, objects_in, photo, store_over

from chatstore.core import (
    ChatStore,
    ChatStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.simple import MemoryBackend
from chatstore.media import MediaBackend, MediaFolder
from chatstore.sqlite import SQLiteChatStore

MakeFolder = Callable[..., MediaFolder]
SECRETS = ("hunter2", "aHVudGVyMg")


def failure(folder: MediaFolder) -> ChatStoreError:
    """Return the error of a write, which must not have written anything."""
    store = store_over(MemoryBackend(), folder)
    with pytest.raises(ChatStoreError) as sync:
        store.add_message("k", photo(content()))
    with pytest.raises(type(sync.value)):
        asyncio.run(store.async_add_message("k", photo(content())))
    with pytest.raises(type(sync.value)):
        store.check()
    assert store.count_messages("k") == 0
    text = f"{sync.value} {sync.value.__cause__}"
    assert not [secret for secret in SECRETS if secret in text]
    return sync.value


def test_missing_buckets(s3_folder: MakeFolder, azure_folder: MakeFolder) -> None:
    for folder in (s3_folder("missing"), azure_folder("missing")):
        error = failure(folder)
        assert isinstance(error, StoreSetupError)
        assert "does not exist" in str(error)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            "s3://bucket/media",
            {
                "endpoint_url": "http://127.0.0.1:1",
                "key": "testing",
                "secret": "hunter2",
                "config_kwargs": {"retries": {"max_attempts": 0}},
            },
        ),
        (
            "abfs://container/media",
            {
                "connection_string": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey="
                "aHVudGVyMg==;BlobEndpoint=http://127.0.0.1:1/a;",
            },
        ),
    ],
)
def test_servers_that_do_not_answer(url: str, options: dict[str, Any]) -> None:
    error = failure(MediaFolder(url, storage_options=options, timeout=2))
    assert isinstance(error, StoreUnavailableError)
    assert "media folder" in str(error)


class DeniedError(Exception):
    status_code = 403


@pytest.mark.parametrize(
    ("raised", "kind", "text"),
    [
        (PermissionError(errno.EACCES, "hunter2"), StoreAccessError, "denied"),
        (DeniedError("hunter2"), StoreAccessError, "denied"),
        (OSError(errno.ENOSPC, "hunter2"), StoreFullError, "No space left on device"),
        (NotADirectoryError(errno.ENOTDIR, "hunter2"), StoreSetupError, "Not a directory"),
        (OSError(errno.EIO, "hunter2"), StoreUnavailableError, "Input/output error"),
        (ConnectionResetError("hunter2"), StoreUnavailableError, "connection was closed"),
        (RuntimeError("hunter2"), StoreUnavailableError, "RuntimeError"),
    ],
)
def test_errors_of_file_systems(
    raised: Exception,
    kind: type[ChatStoreError],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(LocalFileSystem, "info", fail)
    monkeypatch.setattr(LocalFileSystem, "cat_file", fail)
    error = failure(MediaFolder(str(tmp_path)))
    assert type(error) is kind
    assert text in str(error)


def test_urls_are_shown_without_secrets() -> None:
    folder = MediaFolder("sftp://me:hunter2@host/media?token=hunter2")
    assert folder.label == "sftp://host/media"


def test_a_file_system_without_its_package() -> None:
    error = failure(MediaFolder("sftp://me:hunter2@host/media"))  # paramiko is not installed
    assert isinstance(error, StoreSetupError)
    assert "install" in str(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: MediaFolder(7),  # type: ignore[arg-type]
        lambda path: MediaFolder(""),
        lambda path: MediaFolder("nothing://bucket"),
        lambda path: MediaFolder(path, seal=bytes),
        lambda path: MediaFolder(path, grace=0),
        lambda path: MediaFolder(path, timeout=-1),
        lambda path: MediaFolder(path, max_transfers=0),
        lambda path: store_over(MemoryBackend(), MediaFolder(path), read="all"),
        lambda path: store_over(MemoryBackend(), MediaFolder(path), url_seconds=0),
        lambda path: MediaBackend(MemoryBackend(), MediaFolder(path), min_bytes=True),
    ],
)
def test_bad_arguments_are_refused(make: Callable[[str], object], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError):
        make(str(tmp_path))


def test_uploads_are_parallel_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = MediaFolder(str(tmp_path), max_transfers=3)
    gate, lock, counts = threading.Barrier(3), threading.Lock(), [0, 0]
    write = folder.objects.write

    def slow(path: str, data: bytes) -> None:
        with lock:
            counts[0] += 1
            counts[1] = max(counts)
        gate.wait(60)  # passes only if three run at the same time
        write(path, data)
        with lock:
            counts[0] -= 1

    monkeypatch.setattr(folder.objects, "write", slow)
    store = store_over(MemoryBackend(), folder)
    store.add_messages("k", [photo(content(seed=n)) for n in range(6)])
    asyncio.run(store.async_add_messages("k", [photo(content(seed=n)) for n in range(6, 12)]))
    assert len(objects_in(tmp_path)) == 12
    assert counts[1] == 3


def delay_writes(
    folder: MediaFolder, monkeypatch: pytest.MonkeyPatch
) -> tuple[threading.Event, threading.Event]:
    """Have writes wait; return what they set when they begin, and what they wait for."""
    started, gate = threading.Event(), threading.Event()
    write = folder.objects.write

    def slow(path: str, data: bytes) -> None:
        started.set()
        gate.wait(60)
        write(path, data)

    monkeypatch.setattr(folder.objects, "write", slow)
    return started, gate


def test_a_store_that_is_closed_ends_no_transfer_of_another_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = MediaFolder(str(tmp_path), max_transfers=1)
    started, gate = delay_writes(folder, monkeypatch)
    first, second = (store_over(MemoryBackend(), folder) for _ in range(2))
    photos = [photo(content(seed=n)) for n in range(3)]
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(first.add_messages, "k", photos)
        assert started.wait(60)
        second.close()
        gate.set()
        writing.result()
    assert first.get_messages("k") == photos


def test_a_timeout_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = MediaFolder(str(tmp_path), timeout=0.05)
    gate = threading.Event()
    for name in ("find", "read"):
        monkeypatch.setattr(folder.objects, name, lambda path: gate.wait(60))
    try:
        assert isinstance(failure(folder), StoreUnavailableError)
    finally:
        gate.set()
        folder.close()


def test_a_cancelled_upload_writes_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = MediaFolder(str(tmp_path))
    started, gate = delay_writes(folder, monkeypatch)
    store = store_over(MemoryBackend(), folder)

    async def cancel() -> None:
        task = asyncio.create_task(store.async_add_message("k", photo(content())))
        await asyncio.to_thread(started.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    gate.set()
    assert store.count_messages("k") == 0
    store.add_message("k", photo(content()))
    assert store.get_messages("k") == [photo(content())]


def add_photo(store: ChatStore, name: str) -> None:
    with store:
        store.add_message("k", photo(content(), id=name))
        assert store.get_message("k", name) == photo(content())


def test_copies_in_other_processes(tmp_path: Path) -> None:
    folder = MediaFolder(str(tmp_path / "media"))
    store = store_over(SQLiteChatStore(tmp_path / "chat.db").backend, folder)
    assert copy.deepcopy(folder) is folder
    store.add_message("k", photo(content(), id="first"))
    again = pickle.loads(pickle.dumps(store))
    assert again.get_messages("k") == [photo(content())]
    again.close()
    spawn, fork = multiprocessing.get_context("spawn"), multiprocessing.get_context("fork")
    for process in (
        spawn.Process(target=add_photo, args=(store, "spawned")),
        fork.Process(target=add_photo, args=(store, "forked")),
    ):
        process.start()
        process.join(60)
        assert process.exitcode == 0
    assert store.count_messages("k") == 3
    store.close()


def test_a_fork_uses_servers_of_its_own(s3_folder: MakeFolder) -> None:
    store = store_over(MemoryBackend(), s3_folder())
    store.add_message("k", photo(content()))
    child = os.fork()
    if child == 0:
        try:
            assert store.get_messages("k") == [photo(content())]
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get_messages("k") == [photo(content())]


def test_threads_and_event_loops_share_a_store(s3_folder: MakeFolder) -> None:
    store = store_over(MemoryBackend(), s3_folder())

    def work(seed: int) -> None:
        message = photo(content(seed=seed))
        store.add_message(f"{seed}", message)
        assert asyncio.run(store.async_get_messages(f"{seed}")) == [message]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(8)))
