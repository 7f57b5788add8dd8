"""A record that cannot be read is loud, and stays."""

import pytest

from chatstore.core import ChatStore, CorruptMessageError
from chatstore.core.testing.backend import Backend
from chatstore.core.testing.contract.base import Base, Colour, drain, say


class Errors(Base):
    @pytest.mark.parametrize("index", [0, 2])
    def test_corrupt_record_raises_from_reads(
        self, backend: Backend, store: ChatStore, do: Colour, index: int
    ) -> None:
        do(store, "add_messages", "k", [say(t) for t in "abc"])
        backend.corrupt("k", index)
        for read in (
            lambda: do(store, "get_messages", "k"),
            lambda: drain(do.iterate(store, "iter_messages", "k")),
        ):
            with pytest.raises(CorruptMessageError) as caught:
                read()
            assert caught.value.key == "k"
            assert isinstance(caught.value.position, int)
        assert do(store, "count_messages", "k") == 3

    def test_corrupt_record_is_named(self, backend: Backend, store: ChatStore, do: Colour) -> None:
        do(store, "add_messages", "k", [say(t) for t in "abcd"])
        positions = []
        for index in (3, 2, 0):
            backend.corrupt("k", index)
            with pytest.raises(CorruptMessageError) as caught:
                do(store, "get_messages", "k")
            positions.append(caught.value.position)
        assert positions == sorted(set(positions), reverse=True)

    def test_corrupt_record_is_not_deleted_by_removing(
        self, backend: Backend, store: ChatStore, do: Colour
    ) -> None:
        do(store, "add_messages", "k", [say(t) for t in "abc"])
        backend.corrupt("k", 2)
        with pytest.raises(CorruptMessageError):
            do(store, "delete_last_message", "k")
        with pytest.raises(CorruptMessageError):
            do(store, "delete_message", "k", 2)
        assert do(store, "count_messages", "k") == 3
        do(store, "delete_messages", "k")
        assert do(store, "get_keys") == []
