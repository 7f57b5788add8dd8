"""A record that cannot be read raises an error, and is kept."""

import pytest

from chatstore.core import ChatStore, CorruptMessageError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import message


class Errors(Base):
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
