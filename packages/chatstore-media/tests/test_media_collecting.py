"""Collections beside writers and forks lose nothing, and leave nothing behind.

Time passes when a test changes the times of the files, never by waiting. A write is shorter than
the grace: no time passes during one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from media_stores import content, objects_in, photo, store_over

from chatstore.core import (
    ChatStore,
    ConversationExistsError,
    ConversationNotFoundError,
    CorruptMessageError,
    InvalidArgumentError,
)
from chatstore.core.backend import Append, Backend, Existing, Plan, WrapperBackend
from chatstore.core.layers import PrefixedBackend
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.interruptions import Interference
from chatstore.core.testing.messages import message
from chatstore.media import Collected, MediaBackend, MediaFolder, collect
from chatstore.sqlite import SQLiteChatStore

T = TypeVar("T")
DATA = content()
HOUR = 3600.0


def pass_time(root: Path) -> None:
    """Make all files older than the grace, which is a day."""
    for path in root.glob("*/**/*"):
        if path.is_file():
            past = path.stat().st_mtime - 30 * HOUR
            os.utime(path, (past, past))


def collect_twice(store: ChatStore, root: Path) -> None:
    for _ in range(2):
        pass_time(root)
        collect(store)


class Stepping(MediaBackend[Any]):
    """Calls a function before the nth step of its plans, transfers included."""

    def __init__(
        self, inner: Backend[Any], folder: MediaFolder, nth: int, interfere: Callable[[], object]
    ) -> None:
        super().__init__(inner, folder, min_bytes=100)
        self.interference = Interference(nth, interfere)

    def run(self, plan: Plan[Any, T]) -> T:
        return super().run(self.interference.during(plan))


class Place:
    """A database, a folder, and conversations before the test begins."""

    def __init__(self, root: Path, state: str) -> None:
        self.root = root
        self.backend = MemoryBackend()
        self.folder = MediaFolder(str(root))
        self.store = store_over(self.backend, self.folder)
        self.store.add_message("source", photo(content(seed=1), id="1"))
        if state != "new":  # nothing refers to the content, which is old
            self.store.add_message("old", photo(DATA))
            self.store.delete_messages("old")
            pass_time(root)
        if state in ("condemned", "doomed"):
            assert collect(self.store).condemned == 1
        if state == "doomed":
            pass_time(root)

    def stepping(self, nth: int, interfere: Callable[[], object]) -> ChatStore:
        return ChatStore(Stepping(self.backend, self.folder, nth, interfere))

    def check(self) -> None:
        """Everything can be read, also when later collections have deleted the rest."""
        for _ in range(3):
            for key in self.store.get_keys():
                assert self.store.get_messages(key)
            collect_twice(self.store, self.root)
        left = {name[:64] for name in objects_in(self.root)}
        messages = [m for key in self.store.get_keys() for m in self.store.get_messages(key)]
        assert len(left) == len({str(message.content) for message in messages})
        assert not list((self.root / "condemned").glob("*"))


def move(store: ChatStore, key: str, new_key: str) -> None:
    store.fork(key, new_key)
    store.delete_messages(key)


WRITES: dict[str, Callable[[ChatStore], object]] = {
    "append": lambda store: store.add_message("new", photo(DATA, id="a")),
    "put": lambda store: store.put_message("source", photo(DATA, id="1")),
    "fork": lambda store: move(store, "source", "branch"),
    "replace": lambda store: store.set_messages("source", [photo(DATA), photo(content(seed=2))]),
    "delete": lambda store: store.delete_messages("source"),
}


@pytest.mark.parametrize("state", ["new", "old", "condemned", "doomed"])
@pytest.mark.parametrize("name", WRITES)
def test_writes_in_the_middle_of_a_collection(name: str, state: str, tmp_path: Path) -> None:
    for nth in range(1, 9):
        place = Place(tmp_path / f"{nth}", state)
        collect(place.stepping(nth, partial(WRITES[name], place.store)))
        place.check()


@pytest.mark.parametrize("state", ["new", "old", "condemned", "doomed"])
@pytest.mark.parametrize("name", WRITES)
def test_a_collection_in_the_middle_of_a_write(name: str, state: str, tmp_path: Path) -> None:
    for nth in range(1, 6):
        place = Place(tmp_path / f"{nth}", state)
        WRITES[name](place.stepping(nth, partial(collect, place.store)))
        place.check()


def test_a_fork_moves_behind_the_collection(tmp_path: Path) -> None:
    """The reference is always somewhere, but never where the collection reads."""
    for nth in range(1, 9):
        place = Place(tmp_path / f"{nth}", "new")
        store = place.store
        store.update_conversation("source", title="z")
        move(store, "source", "z")  # read last; "a" was read already
        for interference in (partial(move, store, "z", "a"), partial(store.fork, "a", "z")):
            pass_time(place.root)
            collect(place.stepping(nth, interference))
        place.check()


def test_young_objects_are_left_alone(tmp_path: Path) -> None:
    place = Place(tmp_path, "new")
    place.store.delete_messages("source")
    assert collect(place.store) == Collected(1, 0, condemned=0, spared=0, deleted=0)


def test_condemned_objects_get_no_new_references(tmp_path: Path) -> None:
    place = Place(tmp_path, "condemned")
    place.store.add_message("new", photo(DATA, id="a"))
    assert sorted(len(name) for name in objects_in(tmp_path)) == [64, 64, 81]
    pass_time(tmp_path)
    assert collect(place.store) == Collected(3, 2, condemned=0, spared=0, deleted=1)
    assert place.store.get_messages("new") == [photo(DATA)]


@pytest.mark.parametrize(("before", "after"), [('"parts"', '"pa"'), ('"}', ""), ("{", "")])
def test_nothing_is_collected_beside_a_damaged_message(
    before: str, after: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, "new")
    records = place.backend.conversations.by_key["source"].records
    [record] = records
    assert before in record.body
    records[0] = record._replace(body=record.body.replace(before, after))
    for _ in range(3):
        pass_time(tmp_path)
        with pytest.raises(CorruptMessageError, match="nothing is collected"):
            collect(place.store)
    records[0] = record
    place.check()


def test_a_collection_spares_what_arrived_late(tmp_path: Path) -> None:
    place = Place(tmp_path, "old")
    slow = place.stepping(2, lambda: collect(place.store))  # between upload and write
    slow.add_message("new", photo(DATA, id="a"))
    assert (tmp_path / "condemned").exists()
    pass_time(tmp_path)
    assert collect(place.store) == Collected(2, 2, condemned=0, spared=1, deleted=0)
    place.check()


@pytest.mark.parametrize("collections", [1, 2])
def test_a_writer_that_was_suspended_uploads_again(
    collections: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, clock = Place(tmp_path, "old"), [0.0]
    monkeypatch.setattr("chatstore.media.backend.time.time", lambda: clock[0])

    def suspend() -> None:
        for _ in range(collections):
            pass_time(tmp_path)
            collect(place.store)
        clock[0] += 60 * HOUR

    place.stepping(2, suspend).add_message("new", photo(DATA, id="a"))
    assert not list((tmp_path / "condemned").glob("*"))
    assert place.store.get_messages("new") == [photo(DATA)]
    place.check()


class Crashing(WrapperBackend[Any]):
    """Ends the process instead of writing."""

    def append(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        os._exit(9)


def test_a_crash_between_upload_and_write(tmp_path: Path) -> None:
    root, path = tmp_path / "media", tmp_path / "chat.db"
    store = store_over(SQLiteChatStore(path).backend, MediaFolder(str(root)))
    store.add_message("k", photo(content(seed=1)))
    child = os.fork()
    if child == 0:
        crashing = store_over(Crashing(SQLiteChatStore(path).backend), MediaFolder(str(root)))
        try:
            crashing.add_message("k", photo(DATA))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    (root / "incoming" / "draft").write_bytes(b"half of")
    (root / "objects" / "notes.txt").write_text("not an object")
    assert len(objects_in(root)) == 2
    assert store.count_messages("k") == 1
    collect_twice(store, root)
    assert len(objects_in(root)) == 1
    assert not list((root / "incoming").iterdir())
    assert (root / "objects" / "notes.txt").exists()
    assert not list((root / "condemned").glob("*"))
    assert store.get_messages("k") == [photo(content(seed=1))]
    store.close()


class Clock:
    """Lets time pass between writes, never during one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._changed = threading.Condition()
        self._writing = 0
        self._is_passing = False

    def __enter__(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._is_passing, 60)
            self._writing += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._writing -= 1
            self._changed.notify_all()

    def pass_time(self) -> None:
        with self._changed:
            self._is_passing = True
            assert self._changed.wait_for(lambda: not self._writing, 60)
            pass_time(self._root)
            self._is_passing = False
            self._changed.notify_all()


ALLOWED = (ConversationExistsError, ConversationNotFoundError)


def write_at_random(store: ChatStore, clock: Clock, seed: int, done: threading.Event) -> None:
    random = Random(seed)
    for n in count():
        if done.is_set():
            return
        key, other = (f"k{random.randrange(6)}" for _ in range(2))
        data = content(seed=random.randrange(8))
        actions: list[Callable[[], object]] = [
            partial(store.add_message, key, photo(data, id=f"{seed}-{n}")),
            partial(store.add_message, key, photo(data, id=f"{seed}-{n}")),
            partial(store.put_message, key, photo(data, id=f"{seed}")),
            partial(store.fork, key, other) if key != other else partial(store.count_messages, key),
            partial(store.delete_messages, key),
        ]
        with clock, suppress(*ALLOWED):
            random.choice(actions)()
        store.get_messages(key)


def test_many_writers_forks_and_a_collector(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    store = store_over(SQLiteChatStore(tmp_path / "chat.db").backend, MediaFolder(str(root)))
    clock, done = Clock(root), threading.Event()
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write_at_random, store, clock, seed, done) for seed in range(4)]
        try:
            for _ in range(12):
                clock.pass_time()
                collect(store)
        finally:
            done.set()
    for writer in writers:
        writer.result()
    for key in store.get_keys():
        assert store.get_messages(key)
    for key in store.get_keys():
        store.delete_messages(key)
    collect_twice(store, root)
    assert objects_in(root) == {}
    store.close()


def test_messages_that_move_are_not_overlooked(tmp_path: Path) -> None:
    place = Place(tmp_path, "condemned")
    before, behind = ([message(f"{side} {n}") for n in range(120)] for side in "ab")
    place.store.add_messages("k", [*before, photo(content(seed=3)), *behind])
    pass_time(tmp_path)

    def insert() -> None:
        for n in range(3):
            place.store.add_message("k", message("x"), n)

    for nth in range(1, 9):
        assert collect(place.stepping(nth, insert)).referenced == 2


def test_other_stores_are_refused(tmp_path: Path) -> None:
    media = MediaBackend(MemoryBackend(), MediaFolder(str(tmp_path)))
    for store in (ChatStore(MemoryBackend()), ChatStore(PrefixedBackend(media, "acme"))):
        with pytest.raises(InvalidArgumentError, match="outermost"):
            collect(store)
