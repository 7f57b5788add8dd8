"""Damaged messages raise errors and are kept, unless a caller skips or removes them."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core import (
    ChatStore,
    ChatStoreError,
    CorruptMessageError,
    InvalidArgumentError,
)
from chatstore.core.testing.contract.base import Base, require
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message

_FOUR = [message(c, id=c) for c in "abcd"]


class Damage(Base):
    @pytest.mark.parametrize("index", [0, 2])
    def test_corrupt_record_raises_from_reads(
        self, harness: ContractHarness, store: ChatStore, call: Caller, index: int
    ) -> None:
        call(store, "add_messages", "k", [message(t) for t in "abc"])
        harness.corrupt("k", index)
        for read in (
            lambda: call(store, "get_messages", "k"),
            lambda: drain(call.iterate(store, "iter_messages", "k")),
        ):
            with pytest.raises(CorruptMessageError) as caught:
                read()
            assert caught.value.key == "k"
            assert isinstance(caught.value.position, int)
        assert call(store, "count_messages", "k") == 3

    def test_corrupt_record_is_named(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        call(store, "add_messages", "k", [message(t) for t in "abcd"])
        positions = []
        for index in (3, 2, 0):
            harness.corrupt("k", index)
            with pytest.raises(CorruptMessageError) as caught:
                call(store, "get_messages", "k")
            positions.append(caught.value.position)
        assert positions == sorted(set(positions), reverse=True)

    def test_corrupt_record_is_not_deleted_by_removing(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        call(store, "add_messages", "k", [message(t) for t in "abc"])
        harness.corrupt("k", 2)
        with pytest.raises(CorruptMessageError):
            call(store, "delete_last_message", "k")
        with pytest.raises(CorruptMessageError):
            call(store, "delete_message", "k", 2)
        assert call(store, "count_messages", "k") == 3
        call(store, "delete_messages", "k")
        assert call(store, "get_keys") == []

    @pytest.fixture
    def damaged(self, harness: ContractHarness, store: ChatStore, call: Caller) -> ChatStore:
        """Return a store whose messages c and d of four cannot be read."""
        call(store, "set_messages", "k", _FOUR)
        for index in (3, 2):
            harness.corrupt("k", index)
        return store

    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("size", [1, 3, 100])
    def test_damaged_messages_can_be_skipped(
        self, damaged: ChatStore, call: Caller, reverse: bool, size: int
    ) -> None:
        options = {"reverse": reverse, "page_size": size}
        step = call.iterate(damaged, "iter_messages", "k", on_corrupt="skip", **options)
        assert contents(drain(step)) == (["b", "a"] if reverse else ["a", "b"])

        seen: list[CorruptMessageError] = []

        def replace(error: CorruptMessageError) -> Any:
            seen.append(error)
            return message("lost") if len(seen) == 1 else None

        step = call.iterate(damaged, "iter_messages", "k", on_corrupt=replace, **options)
        assert contents(drain(step)) == (["lost", "b", "a"] if reverse else ["a", "b", "lost"])
        positions = [error.position for error in seen]
        assert positions == sorted(set(positions), reverse=reverse)
        assert {error.key for error in seen} == {"k"}

    def test_damaged_messages_raise_by_default(self, damaged: ChatStore, call: Caller) -> None:
        step = call.iterate(damaged, "iter_messages", "k", page_size=2)
        assert contents([step(), step()]) == ["a", "b"]
        with pytest.raises(CorruptMessageError):
            step()
        for nonsense in ("ignore", None, True):
            with pytest.raises(InvalidArgumentError):
                call.iterate(damaged, "iter_messages", "k", on_corrupt=nonsense)

    def test_damaged_messages_can_be_removed(self, damaged: ChatStore, call: Caller) -> None:
        """With ``force``, by index or as the newest message; then their ids are free."""
        for name, args in (("delete_message", (2,)), ("delete_last_message", ())):
            with pytest.raises(CorruptMessageError):
                call(damaged, name, "k", *args)
        assert call(damaged, "count_messages", "k") == 4
        assert call(damaged, "delete_message", "k", 2, force=True) is None
        assert call(damaged, "count_messages", "k") == 3
        assert call(damaged, "delete_last_message", "k", force=True) is None
        assert contents(call(damaged, "get_messages", "k")) == ["a", "b"]
        call(damaged, "add_messages", "k", _FOUR)
        assert contents(call(damaged, "get_messages", "k")) == list("abcd")

    def test_force_returns_messages_that_can_be_read(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", _FOUR)
        assert call(store, "delete_message", "k", 0, force=True) == _FOUR[0]
        assert call(store, "delete_last_message", "k", force=True) == _FOUR[3]
        assert call(store, "delete_message", "k", 9, force=True) is None
        assert call(store, "delete_last_message", "no", force=True) is None
        assert contents(call(store, "get_messages", "k")) == ["b", "c"]

    def test_forced_removal_of_the_last_message(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        """A conversation with one damaged message is deleted with it."""
        call(store, "add_message", "k", message("a"))
        harness.corrupt("k", 0)
        assert call(store, "delete_last_message", "k", force=True) is None
        assert call(store, "get_keys") == []
        call(store, "add_message", "k", message("b"))
        assert contents(call(store, "get_messages", "k")) == ["b"]

    @pytest.mark.parametrize("index", [0, 2, 3])
    def test_lost_records_are_reported(
        self, harness: ContractHarness, store: ChatStore, call: Caller, index: int
    ) -> None:
        """A read never leaves out lost records, and an append does not hide the loss."""
        require(harness, "lose")
        call(store, "set_messages", "k", _FOUR)
        harness.lose("k", index)
        for _ in range(2):
            with pytest.raises(ChatStoreError):
                call(store, "get_messages", "k")
            with pytest.raises(ChatStoreError):
                drain(call.iterate(store, "iter_messages", "k"))
            try:
                call(store, "add_message", "k", message("e", id="e"))
            except ChatStoreError:
                continue
