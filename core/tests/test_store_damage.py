"""Messages that cannot be read: they are reported, skipped, replaced or removed."""

from __future__ import annotations

import pytest

from chatstore.core import ChatMessage, ChatStore, CorruptMessageError, InvalidArgumentError
from chatstore.core.backend import StoredRecord
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.messages import contents, message


def damaged(count: int, index: int) -> ChatStore:
    """Return a store whose record at an index cannot be read."""
    backend = MemoryBackend()
    store = ChatStore(backend)
    store.add_messages("a", [message(str(i)) for i in range(count)])
    records = backend.conversations.by_key["a"].records
    records[index] = StoredRecord(records[index].position, '{"v":1,"role":')
    return store


def test_a_corrupt_record_is_named_and_kept() -> None:
    store = damaged(3, 1)
    with pytest.raises(CorruptMessageError) as caught:
        store.get_messages("a")
    assert (caught.value.key, caught.value.position) == ("a", 1)
    with pytest.raises(CorruptMessageError):
        store.delete_message("a", 1)
    assert store.count_messages("a") == 3


def test_an_iterator_does_what_the_caller_says_about_damaged_messages() -> None:
    for reverse in (False, True):
        store = damaged(5, 2)
        expected = ["0", "1", "3", "4"]
        got = contents(store.iter_messages("a", page_size=2, reverse=reverse, on_corrupt="skip"))
        assert got == (expected[::-1] if reverse else expected)
        with pytest.raises(CorruptMessageError):
            list(store.iter_messages("a", page_size=2, reverse=reverse))
    positions: list[int] = []

    def replace(error: CorruptMessageError) -> ChatMessage:
        positions.append(error.position)
        store.delete_message("a", 2, force=True)  # the function may use the store
        return message("lost")

    store = damaged(5, 2)
    assert contents(store.iter_messages("a", on_corrupt=replace)) == ["0", "1", "lost", "3", "4"]
    assert positions == [2]
    assert contents(store.get_messages("a")) == ["0", "1", "3", "4"]
    for wrong in ("ignore", None, 1):
        with pytest.raises(InvalidArgumentError, match="on_corrupt"):
            store.iter_messages("a", on_corrupt=wrong)  # type: ignore[arg-type]


def test_a_damaged_message_is_removed_by_force() -> None:
    for index, left in ((1, ["0", "2"]), (-2, ["0", "2"])):
        store = damaged(3, 1)
        with pytest.raises(CorruptMessageError, match="force=True"):
            store.delete_message("a", index)
        assert store.delete_message("a", index, force=True) is None
        assert contents(store.get_messages("a")) == left
    store = damaged(2, 1)
    assert store.delete_last_message("a", force=True) is None
    assert store.delete_last_message("a", force=True) == message("0")
    assert store.get_keys() == []
