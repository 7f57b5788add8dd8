"""The file of ``SimpleChatStore``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import (
    ChatMessage,
    ConversationChangedError,
    CorruptMessageError,
    CorruptStoreError,
    DriverError,
    InvalidArgumentError,
    SchemaVersionError,
    SimpleChatStore,
    StoreAccessError,
)
from chatstore.core.simple import MemoryBackend
from chatstore.core.simple.json_file import BoundFile
from chatstore.core.simple.temporary_files import temporary_file
from chatstore.core.testing.messages import message


def test_a_round_trip_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "chat.json"
    store = SimpleChatStore.from_persist_path(path)
    assert store.get_keys() == []
    call = {"tool_calls": [{"id": "1", "n": 2**60, "x": 0.1, "none": None}]}
    messages = [
        message("é\0😀", id="first"),
        ChatMessage(role="assistant", content=None, additional_kwargs=call),
        message(""),
    ]
    store.add_messages("a/\n\0", messages)
    store.persist()
    again = SimpleChatStore.from_persist_path(persist_path=str(path))
    assert again.get_messages("a/\n\0") == messages
    before, after = store.get_messages("a/\n\0"), again.get_messages("a/\n\0")
    assert [(m.id, m.created_at) for m in before] == [(m.id, m.created_at) for m in after]
    again.add_message("a/\n\0", messages[0])  # its id is still known
    assert again.count_messages("a/\n\0") == 3
    assert SimpleChatStore.parse_raw(again.json()).get_messages("a/\n\0") == messages
    assert [file.name for file in path.parent.iterdir()] == ["chat.json"]


def test_expiry_is_kept(tmp_path: Path) -> None:
    path, now = tmp_path / "chat.json", [1000.0]
    store = SimpleChatStore(ttl=10, clock=lambda: now[0])
    store.add_message("a", message("x"))
    store.persist(path)
    again = SimpleChatStore.from_persist_path(path, clock=lambda: now[0])
    assert again.count_messages("a") == 1
    now[0] += 10
    assert again.count_messages("a") == 0


def test_a_store_without_a_file_needs_a_path() -> None:
    store: Any = SimpleChatStore()
    with pytest.raises(InvalidArgumentError):
        store.persist()
    for path in ("", 1, "a\0b"):
        with pytest.raises(InvalidArgumentError):
            store.persist(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b'{"chatstore":1,"conversations":{"a":{"expires_at":null,"mess',
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"some":"document"}',
        b'{"chatstore":1}',
        b'{"chatstore":1,"conversations":[]}',
        b'{"chatstore":1,"conversations":{"":{"expires_at":null,"messages":[]}}}',
        b'{"chatstore":1,"conversations":{"a":{"expires_at":"soon","messages":[]}}}',
        b'{"chatstore":1,"conversations":{"a":{"expires_at":NaN,"messages":[]}}}',
        b'{"chatstore":1,"conversations":{"a":{"expires_at":null,"messages":{}}}}',
        b"[" * 200_000,
    ],
)
def test_a_file_that_is_not_a_store_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(content)
    with pytest.raises(CorruptStoreError):
        SimpleChatStore.from_persist_path(path)
    assert path.read_bytes() == content


def test_a_file_of_a_later_version_is_refused() -> None:
    with pytest.raises(SchemaVersionError, match="2"):
        SimpleChatStore.parse_raw('{"chatstore":2,"conversations":{}}')


def test_one_corrupt_message_leaves_the_others_readable(tmp_path: Path) -> None:
    store = SimpleChatStore()
    store.add_message("good", message("x"))
    document = json.loads(store.json())
    for i, damaged in enumerate(({"v": 1, "role": "nobody"}, 7, {"v": 1, "role": "\ud800"})):
        document["conversations"][f"bad {i}"] = {"expires_at": None, "messages": [damaged]}
    again = SimpleChatStore.parse_raw(json.dumps(document))
    assert again.get_messages("good") == [message("x")]
    again.persist(tmp_path / "chat.json")
    once_more = SimpleChatStore.from_persist_path(tmp_path / "chat.json")
    for i in range(3):
        with pytest.raises(CorruptMessageError):
            once_more.get_messages(f"bad {i}")


def test_a_file_changed_by_another_program_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    one, two = (SimpleChatStore.from_persist_path(path) for _ in range(2))
    one.add_message("a", message("one"))
    one.persist()
    two.add_message("a", message("two"))
    with pytest.raises(ConversationChangedError):
        two.persist()
    assert SimpleChatStore.from_persist_path(path).get_messages("a") == [message("one")]
    one.add_message("a", message("more"))
    one.persist()
    path.unlink()
    with pytest.raises(ConversationChangedError):
        one.persist()


def test_a_link_is_followed_and_the_mode_is_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "chat.json", tmp_path / "link.json"
    SimpleChatStore().persist(path)
    path.chmod(0o640)
    link.symlink_to(path)
    store = SimpleChatStore.from_persist_path(link)
    store.add_message("a", message("x"))
    store.persist()
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert SimpleChatStore.from_persist_path(path).count_messages("a") == 1


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(StoreAccessError) as caught:
        SimpleChatStore.from_persist_path(tmp_path)
    assert isinstance(caught.value.__cause__, DriverError)
    with pytest.raises(StoreAccessError):
        SimpleChatStore().persist(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["new/folder/chat.json", "chat.json"])
def test_check_of_a_file_that_can_be_written(tmp_path: Path, place: str) -> None:
    store = SimpleChatStore.from_persist_path(tmp_path / place)
    store.check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file/chat.json", "folder", "/proc/chat.json"])
def test_check_of_a_file_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    """Of a folder that is a file, of a file that is a folder, and where nobody can write."""
    (tmp_path / "file").touch()
    store = SimpleChatStore.from_persist_path(tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    backend = store.backend
    assert isinstance(backend, MemoryBackend)
    backend.file = BoundFile(tmp_path / place, None, is_read=False)
    with pytest.raises(StoreAccessError, match="check: "):
        store.check()
    with pytest.raises(StoreAccessError):
        store.persist()


def test_check_of_a_file_that_another_program_changed(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    store = SimpleChatStore.from_persist_path(path)
    path.touch()
    with pytest.raises(ConversationChangedError, match="check: "):
        store.check()


FULL_DISK = """
import resource, signal, sys
from chatstore.core import ChatMessage, SimpleChatStore, StoreFullError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = SimpleChatStore.from_persist_path(sys.argv[1])
store.add_message("a", ChatMessage(role="user", content="x" * 100_000))
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
try:
    store.persist()
except StoreFullError as error:
    print("full", error.__cause__)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    store = SimpleChatStore()
    store.add_message("a", message("old"))
    store.persist(path)
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("full builtins.OSError\n", "")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["chat.json"]


def test_a_file_of_llama_index_is_read() -> None:
    text = {"block_type": "text", "text": "What is this?"}
    image = {"block_type": "image", "image": "aGk=", "image_mimetype": "image/png", "url": None}
    call = {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}
    document = {
        "store": {
            "a": [
                {"role": "user", "additional_kwargs": {}, "blocks": [text]},
                {"role": "assistant", "additional_kwargs": call, "blocks": []},
                {"role": "user", "additional_kwargs": {}, "blocks": [text, image]},
                {"role": "user", "additional_kwargs": {}, "content": "older"},
            ]
        },
        "class_name": "SimpleChatStore",
    }
    for form in (json.dumps(document), json.dumps(json.dumps(document))):
        store = SimpleChatStore.parse_raw(form)
        first, second, third, fourth = store.get_messages("a")
        assert first == message("What is this?")
        assert second == ChatMessage(role="assistant", content=None, additional_kwargs=call)
        blocks = third.model_dump(exclude_unset=True)["content"]
        assert [block["type"] for block in blocks] == ["text", "image"]
        assert blocks[1]["data"] == "aGk="
        assert blocks[1]["media_type"] == "image/png"
        assert fourth == message("older")
        assert len({m.id for m in store.get_messages("a")}) == 4
        store.add_message("a", message("new"))
        assert SimpleChatStore.parse_raw(store.json()).get_messages("a")[-1] == message("new")


KILLED_WRITER = """
import sys
from chatstore.core import ChatMessage, SimpleChatStore
store = SimpleChatStore()
store.set_messages("k", [ChatMessage(role="user", content="x" * 100_000)] * 20)
print("ready", flush=True)
while True:
    store.persist(sys.argv[1])
"""


def test_killed_writers_leave_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    left: list[str] = []
    for number in range(100):
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED_WRITER, str(path)], stdout=subprocess.PIPE
        )
        with writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(number % 10 / 500)
            writer.kill()
        left = [file.name for file in tmp_path.iterdir() if file != path]
        if left and path.exists():
            break
    assert left, "no writer was killed in the middle of a write"
    store = SimpleChatStore.from_persist_path(path)
    assert store.count_messages("k") == 20
    store.persist()
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_of_a_living_writer_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    with temporary_file(path) as (_, name):
        SimpleChatStore().persist(path)
        assert name.exists()
    assert list(tmp_path.iterdir()) == [path]
