"""Ids of messages, requests and epochs are unique, and ids of messages are not forgotten."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from chatstore.core import ChatStore, ConversationChangedError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class Identity(Base):
    @pytest.fixture
    def seed(self) -> Iterator[Callable[[], None]]:
        """Return a function that seeds the global generator, as training programs do."""
        state = random.getstate()
        yield lambda: random.seed(7)
        random.setstate(state)

    def test_programs_that_seed_lose_nothing(
        self,
        harness: ContractHarness,
        opened: Callable[..., ChatStore],
        call: Caller,
        seed: Callable[[], None],
    ) -> None:
        """Two programs draw the same random numbers before each call."""
        stores = [opened(), opened()] if harness.shared_between_instances else [opened()]
        expected: list[str] = []
        for number in range(4):
            for position, store in enumerate(stores):
                names = [f"{position} {number} {part}" for part in range(3)]
                seed()
                call(store, "add_message", "k", message(names[0]))
                seed()
                call(store, "add_messages", "k", [message(name) for name in names[1:]])
                expected += names
        for position, store in enumerate(stores):
            seed()
            call(store, "add_message", "k", message(f"first {position}"), 0)
            expected.insert(0, f"first {position}")
        stored = call(stores[-1], "get_messages", "k")
        assert contents(stored) == expected
        assert len({one.id for one in stored}) == len(expected), "two messages have the same id"
        for store in stores:
            seed()
            assert call(store, "delete_last_message", "k").content == expected.pop()
        seed()
        call(stores[0], "set_messages", "k", [message("new")])
        seed()
        call(stores[-1], "add_message", "k", message("newer"))
        assert contents(call(stores[0], "get_messages", "k")) == ["new", "newer"]

    def test_epochs_of_seeding_programs_differ(
        self,
        harness: ContractHarness,
        opened: Callable[..., ChatStore],
        call: Caller,
        seed: Callable[[], None],
    ) -> None:
        """An iterator notices a replacement by a program with the same seed."""
        store = opened()
        other = opened() if harness.shared_between_instances else store
        five = [message(c) for c in "abcde"]
        seed()
        call(store, "set_messages", "k", five)
        step = call.iterate(store, "iter_messages", "k", page_size=2)
        step()
        seed()
        call(other, "set_messages", "k", five)
        with pytest.raises(ConversationChangedError):
            drain(step)

    def test_ids_are_known_after_many_other_writes(
        self, harness: ContractHarness, opened: Callable[..., ChatStore], call: Caller
    ) -> None:
        """A repeated append is a no-op, even after many other calls."""
        store = opened()
        other = opened() if harness.shared_between_instances else store
        first = [message("a", id="a"), message("b", id="b")]
        call(store, "add_messages", "k", first)
        call(store, "add_message", "k", message("c", id="c"), 0)
        for number in range(40):
            call(other, "add_message", "k", message(str(number)))
            if number % 4 == 0:
                call(other, "add_message", "k", message("x"), 1)
                call(other, "delete_message", "k", 1)
        call(store, "add_messages", "k", first)
        call(store, "add_message", "k", message("c", id="c"), 0)
        expected = ["c", "a", "b", *(str(number) for number in range(40))]
        assert contents(call(other, "get_messages", "k")) == expected
