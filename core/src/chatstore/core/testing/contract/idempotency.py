"""A repeated call takes effect once."""

import pytest

from chatstore.core import ChatStore, InvalidMessageError, MessageConflictError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.messages import contents, message


class Idempotency(Base):
    def test_same_id_again_is_a_no_op(self, store: ChatStore, call: Caller) -> None:
        for _ in range(2):
            call(store, "add_message", "k", message("a", id="1"))
            call(store, "add_messages", "k", [message("b", id="2"), message("c", id="3")])
        call(store, "add_message", "k", message("a", id="1"), 0)
        assert contents(call(store, "get_messages", "k")) == ["a", "b", "c"]

    def test_held_ids_are_dropped_and_the_rest_appended(
        self, store: ChatStore, call: Caller
    ) -> None:
        call(store, "add_message", "k", message("a", id="1"))
        call(store, "add_messages", "k", [message("a", id="1"), message("b", id="2")])
        assert contents(call(store, "get_messages", "k")) == ["a", "b"]

    @pytest.mark.parametrize("index", [None, 0])
    def test_conflict_changes_nothing(
        self, store: ChatStore, call: Caller, index: int | None
    ) -> None:
        call(store, "add_message", "k", message("a", id="1"))
        with pytest.raises(MessageConflictError):
            call(store, "add_message", "k", message("b", id="1"), index)
        assert contents(call(store, "get_messages", "k")) == ["a"]

    @pytest.mark.parametrize("name", ["add_messages", "set_messages"])
    def test_one_id_twice_in_a_call(self, store: ChatStore, call: Caller, name: str) -> None:
        with pytest.raises(InvalidMessageError):
            call(store, name, "k", [message("a", id="1"), message("a", id="1")])
        assert call(store, "get_keys") == []

    def test_ids_are_of_their_conversation(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a", id="1"))
        call(store, "add_message", "l", message("b", id="1"))
        assert contents(call(store, "get_messages", "l")) == ["b"]

    def test_racing_retries_take_effect_once(self, store: ChatStore, call: Caller) -> None:
        call.together([[(store, "add_message", ("k", message("a", id="1")))] for _ in range(8)])
        assert contents(call(store, "get_messages", "k")) == ["a"]
