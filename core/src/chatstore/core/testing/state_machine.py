"""Compare a store with lists of messages, by random sequences of calls."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from chatstore.core import ChatMessage, MessageConflictError, MessageRole
from chatstore.core.testing.contract.modes import AsyncCaller, Caller, SyncCaller
from chatstore.core.testing.harness import ContractHarness

_KEYS = st.sampled_from(["a", "a#7", "a/b", "\x00", "é🎉"])
_CONTENTS = st.text(max_size=8) | st.none()
_IDS = st.none() | st.sampled_from(["1", "2", "3"])
_INDEXES = st.integers(-6, 6)
_MODES = st.sampled_from(["sync", "async"])
_serial = itertools.count()


class StoreAgainstLists(RuleBasedStateMachine):
    """Makes the same calls on a store and on lists of messages, each in a random mode."""

    harness: ContractHarness

    def __init__(self) -> None:
        """Open a store; this run has its own keys, since the database may be shared."""
        super().__init__()
        self.callers: dict[str, Caller] = {"sync": SyncCaller(), "async": AsyncCaller()}
        self.prefix = f"{next(_serial)}:"
        self.store = self.harness.open()
        self.lists: dict[str, list[ChatMessage]] = {}

    def teardown(self) -> None:
        """Delete the conversations of this run."""
        for key in list(self.lists):
            self.store.delete_messages(key)
        self.callers["async"](self.store, "close")
        for caller in self.callers.values():
            caller.close()

    def _call(self, mode: str, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.callers[mode](self.store, name, *args, **kwargs)

    def _list(self, key: str) -> list[ChatMessage]:
        return self.lists.setdefault(self.prefix + key, [])

    @rule(mode=_MODES, key=_KEYS, content=_CONTENTS, message_id=_IDS, index=st.none() | _INDEXES)
    def add(
        self, mode: str, key: str, content: str | None, message_id: str | None, index: int | None
    ) -> None:
        """Append or insert; a message whose id exists is a repetition or a conflict."""
        expected = self._list(key)
        message = ChatMessage(role=MessageRole.USER, content=content, id=message_id)
        existing = next(
            (m for m in expected if message_id is not None and m.id == message_id), None
        )
        call = (mode, "add_message", self.prefix + key, message, index)
        if existing is not None and existing != message:
            with pytest.raises(MessageConflictError):
                self._call(*call)
            return
        self._call(*call)
        if existing is None:
            expected.insert(len(expected) if index is None else index, message)

    @rule(mode=_MODES, key=_KEYS, batch=st.lists(_CONTENTS, max_size=4))
    def add_all(self, mode: str, key: str, batch: list[str | None]) -> None:
        """Append several messages."""
        messages = [ChatMessage(role=MessageRole.ASSISTANT, content=content) for content in batch]
        self._call(mode, "add_messages", self.prefix + key, messages)
        self._list(key).extend(messages)

    @rule(mode=_MODES, key=_KEYS, batch=st.lists(_CONTENTS, max_size=4))
    def set(self, mode: str, key: str, batch: list[str | None]) -> None:
        """Replace a conversation."""
        messages = [ChatMessage(role=MessageRole.USER, content=content) for content in batch]
        self._call(mode, "set_messages", self.prefix + key, messages)
        self._list(key)[:] = messages

    @rule(mode=_MODES, key=_KEYS, index=_INDEXES)
    def delete_one(self, mode: str, key: str, index: int) -> None:
        """Remove the message at an index."""
        expected = self._list(key)
        inside = -len(expected) <= index < len(expected)
        removed = self._call(mode, "delete_message", self.prefix + key, index)
        assert removed == (expected.pop(index) if inside else None)

    @rule(mode=_MODES, key=_KEYS)
    def delete_last(self, mode: str, key: str) -> None:
        """Remove the newest message."""
        expected = self._list(key)
        removed = self._call(mode, "delete_last_message", self.prefix + key)
        assert removed == (expected.pop() if expected else None)

    @rule(mode=_MODES, key=_KEYS)
    def delete(self, mode: str, key: str) -> None:
        """Delete a conversation."""
        self._call(mode, "delete_messages", self.prefix + key)
        self._list(key).clear()

    @rule(mode=_MODES, key=_KEYS, last=st.integers(0, 7), size=st.integers(1, 4))
    def read(self, mode: str, key: str, last: int, size: int) -> None:
        """Read the newest messages, the count, and pages in both directions."""
        name, expected = self.prefix + key, self._list(key)
        newest = expected[len(expected) - last :] if last < len(expected) else expected
        assert self._call(mode, "get_messages", name, last=last) == newest
        assert self._call(mode, "count_messages", name) == len(expected)
        for reverse in (False, True):
            step = self.callers[mode].iterate(
                self.store, "iter_messages", name, reverse=reverse, page_size=size
            )
            items = [step() for _ in expected]
            assert items == (expected[::-1] if reverse else expected)

    @rule(mode=_MODES)
    def keys(self, mode: str) -> None:
        """List the keys."""
        listed = self._call(mode, "get_keys", self.prefix)
        assert sorted(listed) == sorted(key for key, messages in self.lists.items() if messages)

    @invariant()
    def has_the_messages_of_the_lists(self) -> None:
        """Compare every conversation."""
        for key, expected in self.lists.items():
            assert self.store.get_messages(key) == expected


class StateMachineContract:
    """Runs the state machine on a harness."""

    share_of_examples: ClassVar[int] = 5
    """Divisor of the number of examples in Hypothesis's settings: an example is many calls."""

    def test_behaves_like_lists(self, harness: ContractHarness) -> None:
        """After every sequence of calls, the store has the messages of the lists."""
        machine = type("Machine", (StoreAgainstLists,), {"harness": harness})
        # The fixture is not renewed for each example: each one has its own keys.
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=max(1, min(settings().max_examples, 500) // self.share_of_examples),
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],  # a server may be slow
            ),
        )
