"""Compare a store with a model, by random sequences of calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from chatstore.core import ChatMessage, ChatStore, ChatStoreError, Conversation, MessageRole
from chatstore.core.testing.contract.modes import AsyncCaller, Caller, SyncCaller
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.model import TTL, Model, ModelConversation, Revision

_KEYS = st.sampled_from(["a", "a#7", "a/b", "\x00", "é🎉"])
_CONTENTS = st.text(max_size=8) | st.none()
_IDS = st.none() | st.sampled_from(["1", "2", "3", "\x00é"])
_INDEXES = st.integers(-6, 6)
_OWNERS = st.sampled_from(["ann", "b/ö\x00", None])
_TITLES = st.sampled_from(["Trip", "\x00 \U0001f600", None])
_METADATA = st.dictionaries(
    st.sampled_from(["a", "b", "\x00ü"]), st.none() | st.integers(0, 9) | _CONTENTS, max_size=2
)
_EXPECTED = st.sampled_from(["any", "any", "any", "current", "old", "another's"])
_serial = itertools.count()


@dataclass(frozen=True)
class _How:
    """How to make a call: in which mode, and on which of two stores."""

    mode: str
    store: int


_HOW = st.builds(_How, st.sampled_from(["sync", "async"]), st.integers(0, 1))


class StoreAgainstModel(RuleBasedStateMachine):
    """Makes the same calls on stores and on a model, each in a random mode."""

    harness: ContractHarness

    def __init__(self) -> None:
        """Open stores; this run has its own keys and owners, since the database may be shared."""
        super().__init__()
        self.callers: dict[str, Caller] = {"sync": SyncCaller(), "async": AsyncCaller()}
        self.prefix = f"{next(_serial)}:"
        self.now = 1_800_000_000.0
        own_clock = self.harness.own_clock
        options: dict[str, Any] = {"ttl": TTL, "clock": lambda: self.now} if own_clock else {}
        count = 2 if self.harness.shared_between_instances else 1
        self.stores = [self.harness.open(**options) for _ in range(count)]
        self.model = Model(lambda: self.now, expires=own_clock)
        self.keys: set[str] = set()
        self.revisions: dict[str, list[str]] = {}

    def teardown(self) -> None:
        """Delete the conversations of this run."""
        for key in self.keys:
            self.stores[0].delete_messages(key)
        for store in self.stores:
            self.callers["async"](store, "close")
        for caller in self.callers.values():
            caller.close()

    # ------------------------------------------------------------------ writing messages

    @rule(
        how=_HOW,
        key=_KEYS,
        content=_CONTENTS,
        message_id=_IDS,
        index=st.none() | _INDEXES,
        expected=_EXPECTED,
    )
    def add(
        self,
        how: _How,
        key: str,
        content: str | None,
        message_id: str | None,
        index: int | None,
        expected: str,
    ) -> None:
        """Append or insert; a message whose id exists is a repetition or a conflict."""
        message = ChatMessage(role=MessageRole.USER, content=content, id=message_id)
        self._both(how, "add_message", key, message, index, expected=expected)

    @rule(how=_HOW, key=_KEYS, batch=st.lists(_CONTENTS, max_size=4), expected=_EXPECTED)
    def add_all(self, how: _How, key: str, batch: list[str | None], expected: str) -> None:
        """Append several messages."""
        messages = [ChatMessage(role=MessageRole.ASSISTANT, content=content) for content in batch]
        self._both(how, "add_messages", key, messages, expected=expected)

    @rule(how=_HOW, key=_KEYS, batch=st.lists(_CONTENTS, max_size=4), expected=_EXPECTED)
    def set(self, how: _How, key: str, batch: list[str | None], expected: str) -> None:
        """Replace the messages of a conversation."""
        messages = [ChatMessage(role=MessageRole.USER, content=content) for content in batch]
        self._both(how, "set_messages", key, messages, expected=expected)

    @rule(how=_HOW, key=_KEYS, content=_CONTENTS, index=_INDEXES, expected=_EXPECTED)
    def put(self, how: _How, key: str, content: str | None, index: int, expected: str) -> None:
        """Replace a message, or append it."""
        message = ChatMessage(role=MessageRole.TOOL, content=content, id=self._id(key, index))
        self._both(how, "put_message", key, message, expected=expected)

    @rule(how=_HOW, key=_KEYS, index=_INDEXES, expected=_EXPECTED)
    def delete_one(self, how: _How, key: str, index: int, expected: str) -> None:
        """Remove the message at an index."""
        self._both(how, "delete_message", key, index, expected=expected)

    @rule(how=_HOW, key=_KEYS, index=_INDEXES, expected=_EXPECTED)
    def remove(self, how: _How, key: str, index: int, expected: str) -> None:
        """Remove the message with an id."""
        self._both(how, "remove_message", key, self._id(key, index), expected=expected)

    @rule(how=_HOW, key=_KEYS, expected=_EXPECTED)
    def delete_last(self, how: _How, key: str, expected: str) -> None:
        """Remove the newest message."""
        self._both(how, "delete_last_message", key, expected=expected)

    @rule(how=_HOW, key=_KEYS, index=_INDEXES, expected=_EXPECTED)
    def truncate(self, how: _How, key: str, index: int, expected: str) -> None:
        """Remove a message and all later ones."""
        self._both(how, "truncate", key, from_id=self._id(key, index), expected=expected)

    @rule(mode=st.sampled_from(["sync", "async"]), key=_KEYS)
    def write_at_once(self, mode: str, key: str) -> None:
        """Let writers append and put messages at the same time, on both stores."""
        name = self._name(key)
        before = self.stores[0].get_messages(name)
        serial = next(_serial)
        written = [
            [
                ChatMessage(
                    role="user", content=f"{writer}.{number}", id=f"{serial}.{writer}.{number}"
                )
                for number in range(4)
            ]
            for writer in range(3)
        ]
        workers: list[Any] = []
        for store, (first, second, third, fourth) in zip(
            itertools.cycle(self.stores), written, strict=False
        ):
            workers.append([
                (store, "add_message", (name, first)),
                (store, "put_message", (name, second)),
                (store, "add_messages", (name, [third, fourth])),
            ])  # fmt: skip
        self.callers[mode].together(workers)
        after = self.stores[0].get_messages(name)
        assert after[: len(before)] == before
        ids = [message.id for message in after[len(before) :]]
        for messages in written:
            indexes = [ids.index(message.id) for message in messages]
            assert indexes == sorted(indexes)
            assert indexes[3] == indexes[2] + 1, "messages of one call are not adjacent"
        assert len(ids) == 12
        self.model.add_messages(name, after[len(before) :])
        self._check(_How(mode, 0), name)

    # ------------------------------------------------------------------ writing conversations

    @rule(how=_HOW, key=_KEYS, owner=_OWNERS, title=_TITLES, metadata=_METADATA)
    def create(
        self, how: _How, key: str, owner: str | None, title: str | None, metadata: dict[str, Any]
    ) -> None:
        """Create a conversation."""
        record: dict[str, Any] = {"owner": self._owner(owner), "title": title, "metadata": metadata}
        self._both(how, "create_conversation", key, **record)

    @rule(
        how=_HOW,
        key=_KEYS,
        fields=st.fixed_dictionaries(
            {}, optional={"owner": _OWNERS, "title": _TITLES, "metadata": _METADATA}
        ),
        expected=_EXPECTED,
    )
    def update(self, how: _How, key: str, fields: dict[str, Any], expected: str) -> None:
        """Change a conversation's record."""
        if "owner" in fields:
            fields = {**fields, "owner": self._owner(fields["owner"])}
        self._both(how, "update_conversation", key, expected=expected, **fields)

    @rule(how=_HOW, key=_KEYS, new=_KEYS, index=st.none() | _INDEXES, owner=st.just(...) | _OWNERS)
    def fork(self, how: _How, key: str, new: str, index: int | None, owner: Any) -> None:
        """Begin a conversation with the messages of another one."""
        if key == new:
            return
        until = None if index is None else self._id(key, index)
        options: dict[str, Any] = {} if owner is ... else {"owner": self._owner(owner)}
        self._both(how, "fork", key, self._name(new), until=until, **options)
        self._check(how, self._name(new))

    @rule(how=_HOW, key=_KEYS, expected=_EXPECTED)
    def delete(self, how: _How, key: str, expected: str) -> None:
        """Delete a conversation."""
        self._both(how, "delete_messages", key, expected=expected)

    @rule(how=_HOW, owner=_OWNERS)
    def erase(self, how: _How, owner: str | None) -> None:
        """Delete all conversations of an owner."""
        if owner is not None:
            name = self._owner(owner)
            erased = self._call(how, "delete_conversations", owner=name)
            assert sorted(erased) == self.model.delete_conversations(owner=name or "")

    @rule(seconds=st.sampled_from([0.4 * TTL, 1.25 * TTL]))
    def wait(self, seconds: float) -> None:
        """Let time pass, in which conversations may expire."""
        self.now += seconds

    # ------------------------------------------------------------------ reading

    @rule(how=_HOW, key=_KEYS, last=st.integers(0, 7), size=st.integers(1, 4))
    def read(self, how: _How, key: str, last: int, size: int) -> None:
        """Read the newest messages, the count, and pages in both directions."""
        name, expected = self._name(key), self._messages(key)
        newest = expected[len(expected) - last :] if last < len(expected) else expected
        assert self._call(how, "get_messages", name, last=last) == newest
        assert self._call(how, "count_messages", name) == len(expected)
        taken = self._call(how, "snapshot", name, last=last)
        assert taken.messages == newest
        assert taken.conversation == self._call(how, "get_conversation", name)
        for reverse in (False, True):
            step = self.callers[how.mode].iterate(
                self._store(how), "iter_messages", name, reverse=reverse, page_size=size
            )
            items = [step() for _ in expected]
            assert items == (expected[::-1] if reverse else expected)

    @rule(how=_HOW)
    def read_all(self, how: _How) -> None:
        """Compare all conversations, not only the one that was written last."""
        self._check(how, *self.keys)

    @rule(how=_HOW, key=_KEYS, index=_INDEXES, size=st.integers(1, 4))
    def page(self, how: _How, key: str, index: int, size: int) -> None:
        """Read a message by its id, and the pages around it."""
        name, messages, message_id = self._name(key), self._messages(key), self._id(key, index)
        position = next((n for n, one in enumerate(messages) if one.id == message_id), None)
        message = None if position is None else messages[position]
        assert self._call(how, "get_message", name, message_id) == message
        page = self._call(how, "page_messages", name, limit=size)
        assert (page.messages, page.has_more) == (messages[-size:], len(messages) > size)
        if position is not None:
            page = self._call(how, "page_messages", name, limit=size, before=message_id)
            start = max(0, position - size)
            assert (page.messages, page.has_more) == (messages[start:position], start > 0)
            page = self._call(how, "page_messages", name, limit=size, after=message_id)
            end = position + 1 + size
            assert page.messages == messages[position + 1 : end]
            assert page.has_more == (len(messages) > end)

    @rule(how=_HOW, owner=_OWNERS, limit=st.integers(1, 3))
    def list_all(self, how: _How, owner: str | None, limit: int) -> None:
        """List the keys, and an owner's conversations, page by page."""
        alive = self.model.alive()
        assert sorted(self._call(how, "get_keys", self.prefix)) == list(alive)
        if owner is None:
            return
        name = self._owner(owner)
        listed: list[Conversation] = []
        cursor = None
        for _ in range(50):
            page = self._call(how, "list_conversations", owner=name, limit=limit, cursor=cursor)
            listed += page.conversations
            cursor = page.next_cursor
            if cursor is None:
                break
        assert cursor is None, "the list does not end"
        expected = [key for key, one in alive.items() if one.owner == name]
        assert sorted(one.key for one in listed) == expected
        if self.harness.orders_lists_exactly:
            times = [one.updated_at for one in listed]
            assert times == sorted(times, reverse=True)

    # ------------------------------------------------------------------ helpers

    def _name(self, key: str) -> str:
        name = self.prefix + key
        self.keys.add(name)
        return name

    def _owner(self, owner: str | None) -> str | None:
        return None if owner is None else self.prefix + owner

    def _messages(self, key: str) -> list[ChatMessage]:
        one = self.model.find(self._name(key))
        return [] if one is None else one.messages

    def _id(self, key: str, index: int) -> str:
        """Return the id of the message at an index, or one that the conversation does not have."""
        messages = self._messages(key)
        inside = -len(messages) <= index < len(messages)
        return (messages[index].id if inside else None) or f"unknown {index}"

    def _store(self, how: _How) -> ChatStore:
        return self.stores[how.store % len(self.stores)]

    def _call(self, how: _How, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.callers[how.mode](self._store(how), name, *args, **kwargs)

    def _revision(self, key: str, expected: str) -> Revision | None:
        """Return a revision: the current one, an older one, or that of another conversation."""
        if expected == "any":
            return None
        conversation = self.stores[0].get_conversation(key)
        current = None if conversation is None else conversation.revision
        if expected == "current":
            return Revision(current or "missing", is_current=current is not None)
        mine = self.revisions.get(key, [])
        if expected != "old":
            mine = [one for other, seen in self.revisions.items() if other != key for one in seen]
        others = [one for one in mine if one != current]
        return Revision(others[-1] if others else "none", is_current=False)

    def _both(
        self, how: _How, method: str, key: str, *args: Any, expected: str = "any", **kwargs: Any
    ) -> None:
        """Call a method of a store and of the model; both return the same or raise the same."""
        name = self._name(key)
        self.now += 1
        revision = self._revision(name, expected)
        before = self.model.find(name)
        writes = None if before is None else before.writes
        options = {} if revision is None else {"expected": revision}
        result, error = _outcome(
            lambda: getattr(self.model, method)(name, *args, **options, **kwargs)
        )
        if revision is not None:
            kwargs["expected_revision"] = revision.text
        stored, raised = _outcome(lambda: self._call(how, method, name, *args, **kwargs))
        assert raised is error, f"{method} raised {raised} instead of {error}"
        if isinstance(result, ModelConversation):
            assert (stored.owner, stored.title) == (result.owner, result.title)
            assert stored.metadata == result.metadata
        else:
            assert stored == result
        self._check(how, name, writes=writes)

    def _check(self, how: _How, *keys: str, writes: int | None = None) -> None:
        """Compare conversations, and take over the ids that the store gave to messages."""
        for key in keys:
            one = self.model.find(key)
            messages = self._call(how, "get_messages", key)
            stored: Conversation | None = self._call(how, "get_conversation", key)
            assert messages == ([] if one is None else one.messages)
            assert (stored is None) == (one is None)
            if stored is None or one is None:
                continue
            record = (stored.owner, stored.title, stored.metadata, stored.length)
            assert record == (one.owner, one.title, one.metadata, len(one.messages))
            one.messages = messages
            seen = self.revisions.setdefault(key, [])
            is_new = stored.revision not in seen
            if one.is_sure and writes is not None and writes == one.writes:
                assert not is_new, "a call without an effect changed the revision"
            if one.is_sure and writes is not None and writes != one.writes:
                assert is_new, "a write kept the revision"
            if is_new:
                seen.append(stored.revision)
            assert stored.revision == seen[-1], "a revision came back"


def _outcome(act: Callable[[], Any]) -> tuple[Any, type[Exception] | None]:
    try:
        return act(), None
    except ChatStoreError as error:
        return None, type(error)


class StateMachineContract:
    """Runs the state machine on a harness."""

    share_of_examples: ClassVar[int] = 5
    """Divisor of the number of examples in Hypothesis's settings: an example is many calls."""

    def test_behaves_like_the_model(self, harness: ContractHarness) -> None:
        """After every sequence of calls, the store has what the model has."""
        machine = type("Machine", (StoreAgainstModel,), {"harness": harness})
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
