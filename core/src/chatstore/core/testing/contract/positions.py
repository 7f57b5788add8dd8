"""Positions only grow, epochs change when messages move, and ids are free after a removal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core import ChatStore, ConversationChangedError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.messages import contents, message

_FIVE = [message(c, id=c) for c in "abcde"]


def _set(store: ChatStore, call: Caller) -> None:
    call(store, "set_messages", "k", _FIVE)


def _begin_again(store: ChatStore, call: Caller) -> None:
    call(store, "delete_messages", "k")
    call(store, "add_messages", "k", _FIVE)


def _empty_and_add(store: ChatStore, call: Caller) -> None:
    for _ in _FIVE:
        call(store, "delete_last_message", "k")
    call(store, "add_messages", "k", _FIVE)


def _insert_first(store: ChatStore, call: Caller) -> None:
    call(store, "add_message", "k", message("x"), 0)


def _insert_last_but_one(store: ChatStore, call: Caller) -> None:
    call(store, "add_message", "k", message("x"), -1)


CHANGES: list[Callable[[ChatStore, Caller], None]] = [
    _set, _begin_again, _empty_and_add, _insert_first, _insert_last_but_one,
]  # fmt: skip
REMOVALS: list[tuple[str, tuple[Any, ...], str]] = [
    ("delete_last_message", (), "e"),
    ("delete_message", (0,), "a"),
    ("delete_message", (2,), "c"),
    ("delete_message", (-2,), "d"),
]


class Positions(Base):
    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
    def test_iterating_notices(
        self, store: ChatStore, call: Caller, change: Callable[..., None], reverse: bool
    ) -> None:
        """A replacement or an insertion makes earlier positions invalid."""
        call(store, "set_messages", "k", _FIVE)
        step = call.iterate(store, "iter_messages", "k", reverse=reverse, page_size=2)
        step()
        change(store, call)
        with pytest.raises(ConversationChangedError):
            drain(step)

    @pytest.mark.parametrize("reverse", [False, True])
    def test_iterating_goes_on_after_removals(
        self, store: ChatStore, call: Caller, reverse: bool
    ) -> None:
        call(store, "set_messages", "k", _FIVE)
        step = call.iterate(store, "iter_messages", "k", reverse=reverse, page_size=1)
        seen = [step(), step()]
        call(store, "delete_message", "k", 2)
        assert contents(seen + drain(step)) == list("edba" if reverse else "abde")

    def test_positions_are_not_given_again(self, store: ChatStore, call: Caller) -> None:
        """An iterator that has passed a removed message reaches messages that are added later."""
        call(store, "set_messages", "k", _FIVE[:2])
        step = call.iterate(store, "iter_messages", "k", page_size=1)
        assert contents([step(), step()]) == ["a", "b"]
        call(store, "delete_last_message", "k")
        call(store, "add_message", "k", message("new"))
        assert contents(drain(step)) == ["new"]

    def test_positions_of_many_removed_are_not_given_again(
        self, store: ChatStore, call: Caller
    ) -> None:
        call(store, "set_messages", "k", _FIVE)
        step = call.iterate(store, "iter_messages", "k", page_size=5)
        assert contents([step() for _ in _FIVE]) == list("abcde")
        for index in (-1, -1, 1, 1):
            call(store, "delete_message", "k", index)
        call(store, "add_messages", "k", [message("x"), message("y")])
        assert contents(drain(step)) == ["x", "y"]
        assert contents(call(store, "get_messages", "k")) == ["a", "x", "y"]

    @pytest.mark.parametrize(("name", "args", "removed"), REMOVALS)
    def test_ids_are_free_after_removal(
        self, store: ChatStore, call: Caller, name: str, args: Any, removed: str
    ) -> None:
        call(store, "set_messages", "k", _FIVE)
        assert call(store, name, "k", *args).id == removed
        again = message("other", id=removed)
        call(store, "add_message", "k", again)
        assert contents(call(store, "get_messages", "k", last=1)) == ["other"]
        # The ids of all messages that exist now are taken.
        for existing in [again, *(m for m in _FIVE if m.id != removed)]:
            call(store, "add_message", "k", existing)
        assert call(store, "count_messages", "k") == 5

    def test_ids_are_free_after_a_set(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", _FIVE)
        call(store, "set_messages", "k", [message("only", id="z")])
        changed = [message(c.upper(), id=c) for c in "abcde"]
        call(store, "add_messages", "k", changed)
        assert contents(call(store, "get_messages", "k")) == ["only", *"ABCDE"]

    def test_ids_move_with_their_messages(self, store: ChatStore, call: Caller) -> None:
        """After insertions and removals, the ids of exactly the list's messages are taken."""
        call(store, "set_messages", "k", _FIVE)
        call(store, "add_message", "k", message("x", id="x"), 1)
        call(store, "delete_message", "k", 3)  # c
        call(store, "add_message", "k", message("y", id="y"), 0)
        expected = ["y", "a", "x", "b", "d", "e"]
        stored = call(store, "get_messages", "k")
        assert contents(stored) == [m.id for m in stored] == expected
        call(store, "add_messages", "k", [*stored, message("C", id="c")])
        assert contents(call(store, "get_messages", "k")) == [*expected, "C"]
