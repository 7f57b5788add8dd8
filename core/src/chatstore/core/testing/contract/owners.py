"""Lists of owners' conversations: complete, in order, and of this owner only."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.testing.contract.base import Base, Expiring
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import message

_PAUSE = 0.002  # seconds, longer than the resolution of any database's clock


def _listed(call: Caller, store: ChatStore, owner: str | None, limit: int = 50) -> list[str]:
    """Return the keys of all pages, and check that each page has at most about the limit."""
    keys: list[str] = []
    cursor = None
    while True:
        page = call(store, "list_conversations", owner=owner, limit=limit, cursor=cursor)
        keys += [one.key for one in page.conversations]
        assert owner is None or {one.owner for one in page.conversations} <= {owner}
        assert owner is None or len(page.conversations) <= limit
        cursor = page.next_cursor
        if cursor is None:
            return keys
        assert len(keys) < 10_000, "the list does not end"


class Owners(Base):
    def test_lists_only_what_the_owner_has(self, store: ChatStore, call: Caller) -> None:
        for number in range(6):
            owner = ["ann", "bob", None][number % 3]
            call(store, "create_conversation", f"k{number}", owner=owner, title=str(number))
        call(store, "add_message", "plain", message("a"))
        assert sorted(_listed(call, store, "ann")) == ["k0", "k3"]
        assert sorted(_listed(call, store, "bob")) == ["k1", "k4"]
        assert _listed(call, store, "an") == []
        assert _listed(call, store, "nobody") == []
        page = call(store, "list_conversations", owner="ann")
        for one in page.conversations:
            assert one == call(store, "get_conversation", one.key)

    @pytest.mark.parametrize("owner", ["a b", "ü" * 127, "x" * 255, "{}", "\0", "../x", "%25", "'"])
    def test_any_owner(
        self, store: ChatStore, call: Caller, harness: ContractHarness, owner: str
    ) -> None:
        owner = harness.name(owner)
        call(store, "create_conversation", "k", owner=owner)
        call(store, "create_conversation", "l", owner="other")
        assert _listed(call, store, owner) == ["k"]
        assert call(store, "delete_conversations", owner=owner) == ["k"]
        assert call(store, "get_keys") == ["l"]

    def test_owners_are_not_keys(self, store: ChatStore, call: Caller) -> None:
        """A conversation whose key is an owner's name is not the owner's list, or the reverse."""
        call(store, "create_conversation", "ann", owner="k")
        call(store, "create_conversation", "k", owner="ann")
        call(store, "add_message", "k", message("a"))
        assert _listed(call, store, "ann") == ["k"]
        assert _listed(call, store, "k") == ["ann"]
        assert sorted(call(store, "get_keys")) == ["ann", "k"]
        call(store, "delete_messages", "ann")
        assert _listed(call, store, "ann") == ["k"]
        assert _listed(call, store, "k") == []

    def test_newest_first(
        self, harness: ContractHarness, opened: Callable[..., ChatStore], call: Caller
    ) -> None:
        now = [1_800_000_000.0]
        store = opened(clock=lambda: now[0]) if harness.own_clock else opened()

        def wait() -> None:
            now[0] += 1
            time.sleep(0 if harness.own_clock else _PAUSE)

        for number in range(5):
            call(store, "create_conversation", f"k{number}", owner="ann")
            wait()
        assert _listed(call, store, "ann") == ["k4", "k3", "k2", "k1", "k0"]
        call(store, "add_message", "k1", message("a"))
        wait()
        call(store, "update_conversation", "k3", title="t")
        listed = _listed(call, store, "ann", limit=2)
        assert sorted(listed) == ["k0", "k1", "k2", "k3", "k4"]
        if harness.orders_lists_exactly:
            assert listed == ["k3", "k1", "k4", "k2", "k0"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
    def test_pages_list_each_once(self, store: ChatStore, call: Caller, limit: int) -> None:
        expected = [f"k{number}" for number in range(7)]
        for key in expected:
            call(store, "create_conversation", key, owner="ann")
            call(store, "create_conversation", f"other-{key}", owner="bob")
        assert sorted(_listed(call, store, "ann", limit)) == expected
        listed = drain(call.iterate(store, "iter_conversations", owner="ann"))
        assert sorted(one.key for one in listed) == expected

    def test_changes_of_the_owner(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a"))
        for owner in ["ann", "bob", "ann", None, "bob"]:
            call(store, "update_conversation", "k", owner=owner)
            for name in ["ann", "bob"]:
                assert _listed(call, store, name) == (["k"] if name == owner else [])
        call(store, "delete_messages", "k")
        assert _listed(call, store, "bob") == []
        call(store, "add_message", "k", message("a"))
        assert _listed(call, store, "bob") == []
        call(store, "update_conversation", "k", owner="bob")
        call(store, "set_messages", "k", [])
        assert _listed(call, store, "bob") == ["k"]

    def test_removed_and_created_again(self, store: ChatStore, call: Caller) -> None:
        for _ in range(4):
            call(store, "create_conversation", "k", owner="ann")
            assert _listed(call, store, "ann") == ["k"]
            call(store, "delete_messages", "k")
            assert _listed(call, store, "ann") == []

    def test_iterating_while_conversations_move(self, store: ChatStore, call: Caller) -> None:
        """A conversation that is written during the iteration is not missed."""
        expected = [f"k{number:03}" for number in range(150)]
        for key in expected:
            call(store, "create_conversation", key, owner="ann")
        step = call.iterate(store, "iter_conversations", owner="ann")
        keys = [step().key]
        call(store, "add_message", "k003", message("a"))
        call(store, "update_conversation", "k001", title="t")
        keys += [one.key for one in drain(step)]
        assert sorted(keys) == expected

    def test_expired_conversations_are_not_listed(self, expiring: Expiring, call: Caller) -> None:
        store, let_pass = expiring
        call(store, "create_conversation", "k", owner="ann")
        call(store, "create_conversation", "l", owner="ann")
        expires_at = call(store, "get_conversation", "k").expires_at
        assert expires_at is not None
        assert expires_at > call(store, "get_conversation", "k").updated_at
        let_pass(1.15)
        assert _listed(call, store, "ann") == []
        assert call(store, "get_conversation", "k") is None
        call(store, "add_message", "k", message("a"))
        assert call(store, "get_conversation", "k").owner is None
        assert _listed(call, store, "ann") == []
        call(store, "create_conversation", "l", owner="ann")
        assert _listed(call, store, "ann") == ["l"]

    def test_erasing_an_owner(self, store: ChatStore, call: Caller) -> None:
        for number in range(12):
            call(store, "create_conversation", f"k{number}", owner="ann")
            call(store, "add_message", f"k{number}", message("a"))
        call(store, "create_conversation", "other", owner="bob")
        call(store, "add_message", "plain", message("a"))
        erased = call(store, "delete_conversations", owner="ann")
        assert sorted(erased) == sorted(f"k{number}" for number in range(12))
        assert _listed(call, store, "ann") == []
        assert sorted(call(store, "get_keys")) == ["other", "plain"]
        assert call(store, "delete_conversations", owner="ann") == []

    def test_bad_arguments(self, store: ChatStore, call: Caller) -> None:
        for key in "klm":
            call(store, "create_conversation", key, owner="ann")
        cursor = call(store, "list_conversations", owner="ann", limit=1).next_cursor
        assert isinstance(cursor, str)
        bad: list[dict[str, Any]] = [
            {"owner": "bob", "cursor": cursor}, {"owner": None, "cursor": cursor},
            {"owner": "ann", "cursor": "x"}, {"owner": "ann", "cursor": ""},
            {"owner": "ann", "cursor": "é"}, {"owner": "ann", "cursor": cursor[:-5]},
            {"owner": "ann", "cursor": 7}, {"owner": ""}, {"owner": 7}, {"owner": "x" * 256},
            {"limit": 0}, {"limit": True}, {"limit": "1"},
        ]  # fmt: skip
        for kwargs in bad:
            with pytest.raises(InvalidArgumentError):
                call(store, "list_conversations", **kwargs)
        for owner in ["", "x" * 256, 7, None]:
            with pytest.raises(InvalidArgumentError):
                call(store, "delete_conversations", owner=owner)
        assert sorted(_listed(call, store, "ann", 1)) == ["k", "l", "m"]
