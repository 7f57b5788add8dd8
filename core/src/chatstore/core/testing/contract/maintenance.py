"""Setup, checks and purging can be repeated, and change no conversation that has not expired."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatstore.core import ChatStore, StoreAccessError, StoreClosedError
from chatstore.core.backend import Backend
from chatstore.core.testing.contract.base import Base, Expiring, require
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class Maintenance(Base):
    def test_setup_can_be_repeated(self, opened: Callable[..., ChatStore], call: Caller) -> None:
        """`setup` works before the first call, a second time, and when there are conversations."""
        store = opened()
        for _ in range(2):
            assert call(store, "setup") is None
        call(store, "add_messages", "k", [message("a", id="a"), message("b")])
        for _ in range(2):
            call(store, "setup")
        call(store, "add_message", "k", message("a", id="a"))
        assert contents(call(store, "get_messages", "k")) == ["a", "b"]
        call(store, "add_message", "k", message("c"))
        assert contents(call(store, "get_messages", "k")) == ["a", "b", "c"]

    def test_setups_at_once(
        self, harness: ContractHarness, opened: Callable[..., ChatStore], call: Caller
    ) -> None:
        """Several programs may set up one database at the same time."""
        one = opened()
        stores = [opened() for _ in range(4)] if harness.shared_between_instances else [one] * 4
        call.together([[(store, "setup", ())] * 2 for store in stores])
        call(stores[0], "add_message", "k", message("a"))
        assert contents(call(stores[-1], "get_messages", "k")) == ["a"]

    def test_check_leaves_nothing_behind(
        self, harness: ContractHarness, opened: Callable[..., ChatStore], call: Caller
    ) -> None:
        """`check` works before the first call, too; conversations stay as they are."""
        store = opened()
        for _ in range(2):
            assert call(store, "check") is None
        assert call(store, "get_keys") == [], "check left a conversation behind"
        call(store, "create_conversation", "c", owner="ann")
        call(store, "add_message", "k", message("a"))
        before = [call(store, "get_conversation", key) for key in ("c", "k")]
        stored = harness.stored() if harness.provides("stored") else 0
        for _ in range(3):
            call(store, "check")
        assert [call(store, "get_conversation", key) for key in ("c", "k")] == before
        assert sorted(call(store, "get_keys")) == ["c", "k"], "check left a conversation behind"
        listed = call(store, "list_conversations", owner="ann").conversations
        assert [one.key for one in listed] == ["c"]
        if harness.provides("stored"):
            assert harness.stored() <= stored, "check left records behind"

    def test_check_of_a_closed_store(self, store: ChatStore, call: Caller) -> None:
        call(store, "close")
        with pytest.raises(StoreClosedError, match="check: "):
            call(store, "check")

    def test_check_reports_a_user_who_may_not_write(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        """Reading works, so only a check that needs the right to write finds out."""
        require(harness, "read_only")
        call(store, "add_message", "k", message("a"))
        with harness.read_only() as reader:
            stored = contents(call(reader, "get_messages", "k"))
            assert stored == (["a"] if harness.shared_between_instances else [])
            with pytest.raises(StoreAccessError, match="check: "):
                call(reader, "check")
            call(reader, "close")

    def test_purging_removes_only_what_is_expired(self, expiring: Expiring, call: Caller) -> None:
        store, let_pass = expiring
        assert call(store, "purge_expired") is None
        call(store, "add_message", "old", message("a"))
        let_pass(0.7)
        call(store, "add_message", "new", message("b"))
        for _ in range(2):
            call(store, "purge_expired")
        assert sorted(call(store, "get_keys")) == ["new", "old"]
        let_pass(0.7)
        for _ in range(2):
            call(store, "purge_expired")
        assert call(store, "get_keys") == ["new"]
        assert contents(call(store, "get_messages", "new")) == ["b"]

    def test_purging_without_a_ttl_removes_nothing(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a"))
        for _ in range(2):
            call(store, "purge_expired")
        assert contents(call(store, "get_messages", "k")) == ["a"]

    def test_purging_frees_storage(
        self, harness: ContractHarness, expiring: Expiring, call: Caller
    ) -> None:
        """One call frees the storage of all expired conversations."""
        require(harness, "stored")
        store, let_pass = expiring
        call(store, "purge_expired")
        before = harness.stored()
        for number in range(30):
            call(store, "add_messages", f"k{number}", [message("a"), message("b")])
        assert harness.stored() > before
        let_pass(1.5)
        call(store, "purge_expired")
        if type(store.backend).purge_expired is Backend.purge_expired:
            harness.reclaim(store)  # the database expires records by itself
        assert harness.stored() <= before, "purge_expired left records behind"
