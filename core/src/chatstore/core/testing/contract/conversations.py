"""Conversation records: created, read, changed and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from chatstore.core import (
    ChatStore,
    Conversation,
    ConversationExistsError,
    ConversationNotFoundError,
    InvalidArgumentError,
    RevisionConflictError,
)
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message

_METADATA: dict[str, Any] = {
    "text": "ünïcode \u2028 \U0001f600 \0 \" \\ '",
    "nested": {"list": [1, 2.5, None, True, {"deep": []}]},
    "": "empty name",
    "large": 2**53,
}
_LARGEST = {"a": "x" * (16 * 1024 - len('{"a":""}'))}


class ConversationRecords(Base):
    def test_created_conversation_is_empty(self, store: ChatStore, call: Caller) -> None:
        before = datetime.now(timezone.utc)
        made = call(
            store, "create_conversation", "k", owner="ann", title="Trip", metadata=_METADATA
        )
        assert (made.key, made.owner, made.title, made.length) == ("k", "ann", "Trip", 0)
        assert made.metadata == _METADATA
        assert made.created_at == made.updated_at
        assert abs(made.created_at - before) < timedelta(minutes=5)
        assert made.expires_at is None
        assert call(store, "get_conversation", "k") == made
        assert call(store, "get_messages", "k") == []
        assert call(store, "count_messages", "k") == 0
        assert call(store, "get_keys") == ["k"]

    def test_created_without_anything(self, store: ChatStore, call: Caller) -> None:
        made = call(store, "create_conversation", "k")
        assert (made.owner, made.title, made.metadata) == (None, None, {})
        call(store, "add_message", "k", message("a"))
        call(store, "delete_last_message", "k")
        assert call(store, "get_conversation", "k") is not None, "it went with its last message"

    def test_create_refuses_an_existing_key(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a"))
        with pytest.raises(ConversationExistsError):
            call(store, "create_conversation", "k", title="other")
        call(store, "create_conversation", "l", title="first")
        with pytest.raises(ConversationExistsError):
            call(store, "create_conversation", "l", title="second")
        assert call(store, "get_conversation", "k").title is None
        assert call(store, "get_conversation", "l").title == "first"
        assert contents(call(store, "get_messages", "k")) == ["a"]

    def test_first_message_begins_a_conversation(self, store: ChatStore, call: Caller) -> None:
        assert call(store, "get_conversation", "k") is None
        call(store, "add_messages", "k", [message("a"), message("b")])
        begun: Conversation = call(store, "get_conversation", "k")
        assert (begun.owner, begun.title, begun.metadata, begun.length) == (None, None, {}, 2)
        assert abs(begun.created_at - datetime.now(timezone.utc)) < timedelta(minutes=5)

    def test_times_and_length_follow_writes(
        self, harness: ContractHarness, opened: Callable[..., ChatStore], call: Caller
    ) -> None:
        now = [1_800_000_000.0]
        store = opened(clock=lambda: now[0]) if harness.own_clock else opened()
        call(store, "create_conversation", "k", title="t")
        seen = [call(store, "get_conversation", "k")]
        writes: list[tuple[str, tuple[Any, ...]]] = [
            ("add_message", (message("a", id="a"),)),
            ("add_message", (message("b", id="b"), 0)),
            ("put_message", (message("c", id="c"),)),
            ("put_message", (message("d", id="c"),)),
            ("remove_message", ("c",)),
            ("delete_last_message", ()),
            ("set_messages", ([message("x"), message("y", id="y")],)),
        ]
        for name, args in writes:
            now[0] += 1
            call(store, name, "k", *args)
            seen.append(call(store, "get_conversation", "k"))
        now[0] += 1
        call(store, "truncate", "k", from_id="y")
        seen.append(call(store, "get_conversation", "k"))
        assert [one.length for one in seen] == [0, 1, 2, 3, 3, 2, 1, 2, 1]
        assert len({one.revision for one in seen}) == len(seen), "a write kept the revision"
        assert {one.created_at for one in seen} == {seen[0].created_at}
        times = [one.updated_at for one in seen]
        assert times == sorted(times)
        if harness.own_clock:
            assert len(set(times)) == len(times)
        assert {one.title for one in seen} == {"t"}, "a write lost the title"

    @pytest.mark.parametrize("name", ["get_messages", "count_messages", "get_conversation"])
    def test_reads_keep_the_revision(self, store: ChatStore, call: Caller, name: str) -> None:
        call(store, "add_message", "k", message("a", id="a"))
        before = call(store, "get_conversation", "k")
        call(store, name, "k")
        call(store, "add_message", "k", message("a", id="a"))  # a repetition
        assert call(store, "remove_message", "k", "unknown") is None
        assert call(store, "get_conversation", "k") == before

    def test_update_changes_only_given_fields(self, store: ChatStore, call: Caller) -> None:
        made = call(store, "create_conversation", "k", owner="o", title="t", metadata={"a": 1})
        changed = call(store, "update_conversation", "k", title="new")
        assert (changed.owner, changed.title, changed.metadata) == ("o", "new", {"a": 1})
        assert changed.revision != made.revision
        assert call(store, "get_conversation", "k") == changed
        changed = call(store, "update_conversation", "k", owner=None)
        assert (changed.owner, changed.title, changed.metadata) == (None, "new", {"a": 1})
        changed = call(store, "update_conversation", "k", metadata={"b": {"c": 2}})
        assert changed.metadata == {"a": 1, "b": {"c": 2}}
        changed = call(store, "update_conversation", "k", metadata={"a": None, "b": {"d": 3}})
        assert changed.metadata == {"b": {"d": 3}}
        changed = call(store, "update_conversation", "k", title=None, metadata={"b": None})
        assert (changed.owner, changed.title, changed.metadata) == (None, None, {})
        assert call(store, "get_conversation", "k") == changed

    def test_update_needs_a_conversation(self, store: ChatStore, call: Caller) -> None:
        with pytest.raises(ConversationNotFoundError):
            call(store, "update_conversation", "k", title="t")
        assert call(store, "get_conversation", "k") is None

    @pytest.mark.parametrize("name", ["set_messages", "delete_message", "truncate"])
    def test_record_outlasts_the_last_message(
        self, store: ChatStore, call: Caller, name: str
    ) -> None:
        remove: Callable[[str], object] = {
            "set_messages": lambda key: call(store, "set_messages", key, []),
            "delete_message": lambda key: call(store, "delete_message", key, 0),
            "truncate": lambda key: call(store, "truncate", key, from_id="a"),
        }[name]
        for key, field in [("o", "owner"), ("t", "title"), ("m", "metadata")]:
            call(store, "add_message", key, message("a", id="a"))
            call(store, "update_conversation", key, **{field: {"x": 1} if key == "m" else "x"})
            remove(key)
            assert call(store, "get_conversation", key) is not None, f"it lost its {field}"
            assert call(store, "count_messages", key) == 0
        call(store, "add_message", "plain", message("a", id="a"))
        remove("plain")
        assert call(store, "get_conversation", "plain") is None
        call(store, "add_message", "cleared", message("a", id="a"))
        call(store, "update_conversation", "cleared", title="t")
        call(store, "update_conversation", "cleared", title=None)
        remove("cleared")
        assert call(store, "get_conversation", "cleared") is None
        assert sorted(call(store, "get_keys")) == ["m", "o", "t"]

    def test_set_messages_keeps_the_record(self, store: ChatStore, call: Caller) -> None:
        made = call(store, "create_conversation", "k", owner="o", title="t", metadata={"a": 1})
        call(store, "set_messages", "k", [message("a"), message("b")])
        now: Conversation = call(store, "get_conversation", "k")
        assert (now.owner, now.title, now.metadata, now.length) == ("o", "t", {"a": 1}, 2)
        assert now.created_at == made.created_at

    def test_delete_messages_forgets_everything(self, store: ChatStore, call: Caller) -> None:
        call(store, "create_conversation", "k", owner="o", title="t", metadata={"a": 1})
        call(store, "add_message", "k", message("a"))
        call(store, "delete_messages", "k")
        assert call(store, "get_conversation", "k") is None
        call(store, "add_message", "k", message("b"))
        assert call(store, "get_conversation", "k").owner is None

    def test_sizes_at_the_limits(
        self, store: ChatStore, call: Caller, harness: ContractHarness
    ) -> None:
        owner, title = harness.name("ö" * 127 + "o"), "\U0001f600" * 1000
        made = call(store, "create_conversation", "k", owner=owner, title=title, metadata=_LARGEST)
        call(store, "add_message", "k", message("a"))
        now: Conversation = call(store, "get_conversation", "k")
        assert (now.owner, now.title, now.metadata) == (owner, title, _LARGEST)
        assert now.created_at == made.created_at
        page = call(store, "list_conversations", owner=owner)
        assert [one.key for one in page.conversations] == ["k"]

    @pytest.mark.parametrize(
        "bad",
        [
            {"owner": ""}, {"owner": "x" * 256}, {"owner": 7}, {"owner": "\ud800"},
            {"title": "x" * 1001}, {"title": b"x"}, {"title": "\ud800"},
            {"metadata": {"a": "x" * (16 * 1024)}}, {"metadata": []}, {"metadata": "{}"},
            {"metadata": {"a": float("nan")}}, {"metadata": {"a": b"x"}}, {"metadata": {1: 2}},
            {"metadata": {"a": (1, 2)}}, {"metadata": {"a": object()}},
        ],
    )  # fmt: skip
    def test_bad_records_are_refused(
        self, store: ChatStore, call: Caller, bad: dict[str, Any]
    ) -> None:
        made = call(store, "create_conversation", "k", title="t")
        with pytest.raises(InvalidArgumentError):
            call(store, "create_conversation", "new", **bad)
        with pytest.raises(InvalidArgumentError):
            call(store, "update_conversation", "k", **bad)
        assert call(store, "get_conversation", "k") == made
        assert call(store, "get_keys") == ["k"]

    def test_metadata_grows_up_to_its_limit(self, store: ChatStore, call: Caller) -> None:
        call(store, "create_conversation", "k", metadata={"a": "x" * 9000})
        with pytest.raises(InvalidArgumentError, match="16384"):
            call(store, "update_conversation", "k", metadata={"b": "x" * 9000})
        assert call(store, "get_conversation", "k").metadata == {"a": "x" * 9000}

    def test_snapshot_is_of_one_moment(self, store: ChatStore, call: Caller) -> None:
        missing = call(store, "snapshot", "k")
        assert (missing.conversation, missing.messages) == (None, [])
        call(store, "create_conversation", "k", title="t")
        call(store, "add_messages", "k", [message(text) for text in "abc"])
        for last, expected in [(None, "abc"), (2, "bc"), (0, ""), (9, "abc")]:
            taken = call(store, "snapshot", "k", last=last)
            assert contents(taken.messages) == list(expected)
            assert taken.conversation == call(store, "get_conversation", "k")

    def test_iterating_all_conversations(self, store: ChatStore, call: Caller) -> None:
        call(store, "create_conversation", "empty", title="t")
        for number in range(5):
            call(store, "add_message", f"k{number}", message("a"))
        listed = drain(call.iterate(store, "iter_conversations"))
        assert sorted(one.key for one in listed) == ["empty", *(f"k{n}" for n in range(5))]
        paged: list[str] = []
        cursor = None
        while True:
            page = call(store, "list_conversations", limit=2, cursor=cursor)
            paged += [one.key for one in page.conversations]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert set(paged) == {one.key for one in listed}

    def test_writes_conflict_with_another_revision(self, store: ChatStore, call: Caller) -> None:
        call(store, "create_conversation", "k", title="t")
        call(store, "add_messages", "k", [message("a", id="a"), message("b", id="b")])
        call(store, "create_conversation", "other")
        old = call(store, "get_conversation", "other").revision
        before = call(store, "snapshot", "k")
        writes: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
            ("set_messages", ([message("x")],), {}),
            ("set_messages", ([],), {}),
            ("add_message", (message("x"),), {}),
            ("add_message", (message("x", id="x"), 0), {}),
            ("add_messages", ([message("x", id="x"), message("y")],), {}),
            ("put_message", (message("x", id="a"),), {}),
            ("put_message", (message("x", id="x"),), {}),
            ("delete_message", (0,), {}),
            ("delete_last_message", (), {}),
            ("remove_message", ("a",), {}),
            ("truncate", (), {"from_id": "a"}),
            ("update_conversation", (), {"title": "new"}),
            ("delete_messages", (), {}),
        ]
        for name, args, kwargs in writes:
            for key, current in [("k", before.conversation.revision), ("missing", None)]:
                with pytest.raises(Exception) as raised:  # noqa: PT011 - examined below
                    call(store, name, key, *args, expected_revision=old, **kwargs)
                if key == "missing" and name == "update_conversation":
                    assert isinstance(raised.value, ConversationNotFoundError)
                    continue
                assert isinstance(raised.value, RevisionConflictError), f"{name}: {raised.value!r}"
                assert raised.value.current_revision == current, name
        assert call(store, "snapshot", "k") == before
        assert call(store, "get_conversation", "missing") is None

    def test_writes_with_the_current_revision(self, store: ChatStore, call: Caller) -> None:
        call(store, "create_conversation", "k")

        def revision() -> str:
            result: str = call(store, "get_conversation", "k").revision
            return result

        used: list[str] = []
        for name, args, kwargs in [
            ("set_messages", ([message("a", id="a"), message("b", id="b")],), {}),
            ("add_message", (message("c", id="c"),), {}),
            ("add_message", (message("d", id="d"), 1), {}),
            ("add_messages", ([message("e", id="e"), message("f")],), {}),
            ("put_message", (message("E", id="e"),), {}),
            ("put_message", (message("g", id="g"),), {}),
            ("delete_message", (0,), {}),
            ("delete_last_message", (), {}),
            ("remove_message", ("d",), {}),
            ("truncate", (), {"from_id": "e"}),
            ("update_conversation", (), {"title": "t"}),
        ]:
            used.append(revision())
            call(store, name, "k", *args, expected_revision=used[-1], **kwargs)
        assert contents(call(store, "get_messages", "k")) == ["b", "c"]
        assert len(set(used)) == len(used)
        with pytest.raises(RevisionConflictError):
            call(store, "delete_messages", "k", expected_revision=used[-1])
        call(store, "delete_messages", "k", expected_revision=revision())
        assert call(store, "get_conversation", "k") is None

    def test_revisions_never_repeat(self, store: ChatStore, call: Caller) -> None:
        revisions = []
        for _ in range(3):
            call(store, "add_message", "k", message("a", id="a"))
            revisions.append(call(store, "get_conversation", "k").revision)
            call(store, "delete_messages", "k")
        assert len(set(revisions)) == 3
        with pytest.raises(RevisionConflictError) as raised:
            call(store, "add_message", "k", message("b"), expected_revision=revisions[0])
        assert raised.value.current_revision is None

    @pytest.mark.parametrize("revision", [7, b"x", ["a"]])
    def test_a_revision_is_a_string(self, store: ChatStore, call: Caller, revision: Any) -> None:
        with pytest.raises(InvalidArgumentError):
            call(store, "add_message", "k", message("a"), expected_revision=revision)
        assert call(store, "get_conversation", "k") is None
