"""Each call takes effect as a whole or not at all."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from chatstore.core import ChatMessage, ChatStore, InvalidMessageError, MessageConflictError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import PATIENCE, Caller, Step
from chatstore.core.testing.messages import contents, message

_PAUSE = 0.005  # seconds in which the writer can run


class Atomicity(Base):
    @pytest.mark.parametrize("name", ["add_messages", "set_messages"])
    def test_one_bad_message_refuses_all(self, store: ChatStore, call: Caller, name: str) -> None:
        call(store, "add_message", "k", message("a"))
        bad: list[Any] = [message("b"), "no message", message("c")]
        with pytest.raises(InvalidMessageError):
            call(store, name, "k", bad)
        assert contents(call(store, "get_messages", "k")) == ["a"]

    def test_one_conflict_refuses_all(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a", id="1"))
        with pytest.raises(MessageConflictError):
            call(store, "add_messages", "k", [message("b"), message("other", id="1"), message("c")])
        assert contents(call(store, "get_messages", "k")) == ["a"]

    def test_groups_stay_adjacent(self, store: ChatStore, call: Caller) -> None:
        def group(worker: int, turn: int) -> list[ChatMessage]:
            return [message(f"{worker}.{turn}") for _ in range(5)]

        call.together(
            [[(store, "add_messages", ("k", group(w, t))) for t in range(6)] for w in range(6)]
        )
        got = contents(call(store, "get_messages", "k"))
        assert len(got) == 180
        assert all(len(set(got[i : i + 5])) == 1 for i in range(0, 180, 5))

    def test_readers_see_old_or_new(self, store: ChatStore, call: Caller) -> None:
        versions = [[message(str(v)) for _ in range(300)] for v in range(6)]
        call(store, "set_messages", "k", versions[0])
        is_written = False
        deadline = time.monotonic() + PATIENCE

        def writes() -> Iterator[Step]:
            nonlocal is_written
            for version in versions:
                yield store, "set_messages", ("k", version)
            is_written = True

        def reads() -> Iterator[Step]:
            yield store, "get_messages", ("k",)
            while not is_written and time.monotonic() < deadline:
                time.sleep(_PAUSE)
                yield store, "get_messages", ("k",)

        results = call.together([writes(), reads(), reads()])
        for reader in results[1:]:
            assert reader
            for messages in reader:
                assert len(messages) == 300
                assert len(set(contents(messages))) == 1
