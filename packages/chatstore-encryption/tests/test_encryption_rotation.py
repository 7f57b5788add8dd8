"""Rotation encrypts everything again, resumes, and does not disturb writers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from encrypted_stores import hashed, ring, store_of

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.backend import Backend, Plan, WrapperBackend, run
from chatstore.core.layers import PrefixedBackend
from chatstore.core.simple import Conversations, MemoryBackend
from chatstore.core.testing.interruptions import Interference
from chatstore.core.testing.messages import contents, message
from chatstore.encryption import (
    EncryptedBackend,
    KeyRing,
    Rotation,
    Survey,
    async_rotate,
    async_survey,
    rotate,
    survey,
)

T = TypeVar("T")


def fill(store: ChatStore, conversations: int = 3) -> None:
    for n in range(conversations):
        store.create_conversation(f"k{n}", owner="ann", title=f"title {n}")
        store.add_messages(f"k{n}", [message(str(m), id=str(m)) for m in range(4)])
    store.set_messages("plain key", [message("x")])


def all_of(store: ChatStore) -> list[Any]:
    all_contents = [contents(store.get_messages(key)) for key in sorted(store.get_keys())]
    records = sorted((one.key, one.owner, one.title) for one in store.iter_conversations())
    return [all_contents, records]


@pytest.mark.parametrize("run", [rotate, lambda store: asyncio.run(async_rotate(store))])
def test_everything_is_encrypted_again(run: Callable[[ChatStore], Rotation]) -> None:
    backend = MemoryBackend()
    fill(store_of(backend, "old"))
    before = all_of(store_of(backend, "old"))
    done = run(store_of(backend))
    assert done == Rotation(conversations=4, messages=13, rotated=16, plain=0)
    assert '\\"key\\":\\"old\\"' not in backend.dump()
    assert all_of(store_of(backend)) == before
    assert run(store_of(backend)) == Rotation(conversations=4, messages=13)


def test_plain_text_is_encrypted() -> None:
    backend = MemoryBackend()
    fill(ChatStore(backend))
    before = all_of(ChatStore(backend))
    store = store_of(backend, allow_plain=True)
    store.add_message("k0", message("sealed"))
    assert contents(store.get_messages("k0")) == ["0", "1", "2", "3", "sealed"]
    store.delete_last_message("k0")
    assert rotate(store) == Rotation(conversations=4, messages=13, rotated=16, plain=16)
    assert "title" not in backend.dump().replace('"title":', "")
    assert all_of(store_of(backend)) == before


@pytest.mark.parametrize("run", [survey, lambda store: asyncio.run(async_survey(store))])
def test_a_survey_counts_keys_and_plain_text(run: Callable[[ChatStore], Survey]) -> None:
    backend = MemoryBackend()
    fill(ChatStore(backend), conversations=2)
    store = store_of(backend, "old", allow_plain=True)
    store.set_messages("k0", [message(str(number)) for number in range(250)])
    store_of(backend, allow_plain=True).add_message("k1", message("x"))
    records = backend.conversations.by_key["k1"].records
    records[1] = records[1]._replace(body='{"v":"sealed-1","key":"new"')
    before = backend.dump()
    # Two records and five messages are plain; k1 also has a damaged one.
    assert run(store) == Survey(3, Counter(old=250, new=1), plain=6, damaged=1)
    assert backend.dump() == before
    rotated = store_of(backend, allow_plain=True)
    rotated.delete_messages("k1")
    rotate(rotated)
    assert run(rotated) == Survey(2, Counter(new=252))
    with pytest.raises(InvalidArgumentError, match="outermost"):
        run(ChatStore(backend))


def test_hashed_names_can_be_rotated() -> None:
    backend = MemoryBackend()
    store = ChatStore(hashed(backend))
    fill(store)
    assert rotate(store).rotated == 0


def test_it_resumes_and_reports() -> None:
    backend = MemoryBackend()
    fill(store_of(backend, "old"))

    def stop(key: str, done: Rotation) -> None:
        assert done.conversations == 1
        raise KeyboardInterrupt(key)

    with pytest.raises(KeyboardInterrupt):
        rotate(store_of(backend), progress=stop)
    assert all_of(store_of(backend)) == all_of(store_of(backend, "old"))
    assert rotate(store_of(backend)).rotated == 11


class Stepping(EncryptedBackend[Conversations]):
    """Calls a function before the nth step of its plans."""

    def __init__(
        self,
        inner: Backend[Conversations],
        keys: KeyRing,
        nth: int,
        interfere: Callable[[], object],
    ) -> None:
        super().__init__(inner, keys)
        self.interference = Interference(nth, interfere)

    def run(self, plan: Plan[Conversations, T]) -> T:
        return super().run(self.interference.during(plan))


CHANGES: dict[str, tuple[Callable[[ChatStore], object], list[str], str]] = {
    "append": (lambda s: s.add_message("k", message("new")), ["0", "1", "2", "new"], "t"),
    "put": (lambda s: s.put_message("k", message("new", id="1")), ["0", "new", "2"], "t"),
    "remove": (lambda s: s.remove_message("k", "1"), ["0", "2"], "t"),
    "delete": (lambda s: s.delete_messages("k"), [], ""),
    "rename": (lambda s: s.update_conversation("k", title="new"), ["0", "1", "2"], "new"),
}


@pytest.mark.parametrize("nth", range(1, 20))
@pytest.mark.parametrize("name", CHANGES)
def test_writers_are_not_disturbed(nth: int, name: str) -> None:
    change, expected, title = CHANGES[name]
    backend, writer_done = MemoryBackend(), []
    old, writer = store_of(backend, "old"), store_of(backend)
    old.create_conversation("k", title="t")
    old.add_messages("k", [message(str(m), id=str(m)) for m in range(3)])

    def interfere() -> None:
        # Between two steps, when the backend's lock is held by this thread's plan.
        writer_done.append(change(ChatStore(EncryptedBackend(Unlocked(backend), ring()))))

    rotate(ChatStore(Stepping(backend, ring(), nth, interfere)))
    if not writer_done:
        change(writer)
    assert contents(writer.get_messages("k")) == expected
    result = writer.get_conversation("k")
    assert (result.title if result else "") == title
    assert '\\"old\\"' not in backend.dump()


class Unlocked(WrapperBackend[Conversations]):
    """Runs plans without the lock of a `MemoryBackend`."""

    def run(self, plan: Plan[Conversations, T]) -> T:
        assert isinstance(self.inner, MemoryBackend)
        return run(plan, self.inner.conversations)


def test_other_stores_are_refused() -> None:
    backend = MemoryBackend()
    for store in (ChatStore(backend), ChatStore(PrefixedBackend(store_of(backend).backend, "a"))):
        store.add_message("k", message("x"))
        with pytest.raises(InvalidArgumentError, match="outermost"):
            rotate(store)
