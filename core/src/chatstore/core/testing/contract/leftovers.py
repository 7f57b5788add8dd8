"""Deleted, replaced and expired conversations leave nothing behind in the database."""

from __future__ import annotations

from chatstore.core import ChatMessage, ChatStore
from chatstore.core.testing.contract.base import Base, Expiring, require
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


def _messages(count: int) -> list[ChatMessage]:
    return [message(f"message {number}", id=str(number)) for number in range(count)]


class Leftovers(Base):
    def test_deleted_conversations_leave_nothing(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        require(harness, "stored")
        call(store, "add_message", "other", message("stays"))
        before = harness.stored()
        assert before > 0, "stored() does not see what the store writes"
        for _ in range(2):
            call(store, "add_messages", "k", _messages(30))
            call(store, "add_message", "k", message("x"), 3)
            assert harness.stored() > before
            call(store, "delete_messages", "k")
        assert harness.stored() <= before, "delete_messages left records behind"

        call(store, "set_messages", "k", _messages(5))
        for _ in range(5):
            call(store, "delete_last_message", "k")
        assert harness.stored() <= before, "removing each message left records behind"
        assert contents(call(store, "get_messages", "other")) == ["stays"]

    def test_replaced_conversations_leave_nothing(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        require(harness, "stored")
        call(store, "set_messages", "k", _messages(4))
        before = harness.stored()
        for count in (30, 2, 12, 4):
            call(store, "set_messages", "k", _messages(count))
        assert harness.stored() <= before, "set_messages left records behind"
        for _ in range(6):
            call(store, "add_message", "k", message("x"), 1)
            call(store, "delete_message", "k", 1)
        assert harness.stored() <= before, "inserting and removing left records behind"

    def test_expired_conversations_leave_nothing(
        self, harness: ContractHarness, expiring: Expiring, call: Caller
    ) -> None:
        require(harness, "stored")
        store, let_pass = expiring
        call(store, "add_message", "other", message("x"))
        call(store, "delete_messages", "other")
        before = harness.stored()
        for number in range(3):
            call(store, "add_messages", f"k{number}", _messages(20))
        let_pass(1.5)
        assert call(store, "get_keys") == []
        for _ in range(20):  # a store may reclaim a little with each write
            harness.reclaim(store)
            if harness.stored() <= before:
                break
        assert harness.stored() <= before, "expired conversations left records behind"
