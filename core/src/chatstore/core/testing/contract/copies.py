"""Stores can be pickled and copied, or say clearly that they cannot."""

from __future__ import annotations

import copy
import pickle

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class Copies(Base):
    def test_pickled_store_is_another_store_of_the_database(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        """The copy works beside the first store, and closing it does not close the first."""
        call(store, "add_message", "k", message("a"))
        data, refusal = _pickled(store)
        if data is None:
            assert "pickle" in refusal, "the error does not say that the store was pickled"
            assert type(store).__name__ in refusal, "the error does not name the store"
        else:
            loaded = pickle.loads(data)
            assert contents(call(loaded, "get_messages", "k")) == ["a"]
            call(loaded, "add_message", "k", message("b"))
            call(loaded, "close")
            expected = ["a", "b"] if harness.shared_between_instances else ["a"]
            assert contents(call(store, "get_messages", "k")) == expected
        call(store, "add_message", "k", message("c"))
        assert contents(call(store, "get_messages", "k", last=1)) == ["c"]

    def test_copied_stores_work(self, store: ChatStore, call: Caller) -> None:
        """Frameworks copy objects that contain stores, at any depth."""
        call(store, "add_message", "k", message("a"))
        for copied in (copy.copy(store), copy.deepcopy({"store": [store]})["store"][0]):
            assert contents(call(copied, "get_messages", "k")) == ["a"]
            call(copied, "add_message", "l", message("b"))
            assert contents(call(copied, "get_messages", "l", last=1)) == ["b"]
        assert contents(call(store, "get_messages", "k")) == ["a"]


def _pickled(store: ChatStore) -> tuple[bytes | None, str]:
    """Return a pickled store, or why it cannot be pickled."""
    try:
        return pickle.dumps(store), ""
    except TypeError as error:
        return None, str(error)
