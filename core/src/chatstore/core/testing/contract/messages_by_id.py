"""Messages by id: got, put, removed, paged, truncated and forked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core import (
    ChatStore,
    ConversationExistsError,
    ConversationNotFoundError,
    InvalidArgumentError,
    InvalidMessageError,
    MessageNotFoundError,
)
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.messages import contents, message

_ODD_IDS = ["0", "a b", "ü" * 100, "x" * 255, "../..", "%7B{}", "\0", "-1", "1.0", "'\";--"]


def _fill(call: Caller, store: ChatStore, key: str, names: str) -> None:
    call(store, "add_messages", key, [message(text, id=text) for text in names])


class MessagesById(Base):
    @pytest.mark.parametrize("message_id", _ODD_IDS)
    def test_any_id(self, store: ChatStore, call: Caller, message_id: str) -> None:
        _fill(call, store, "k", "abc")
        assert call(store, "get_message", "k", message_id) is None
        call(store, "put_message", "k", message("x", id=message_id))
        assert call(store, "get_message", "k", message_id) == message("x")
        assert call(store, "get_message", "k", message_id).id == message_id
        assert call(store, "remove_message", "k", message_id) == message("x")
        assert call(store, "get_message", "k", message_id) is None
        assert contents(call(store, "get_messages", "k")) == list("abc")

    def test_get_message_with_an_id_of_the_store(self, store: ChatStore, call: Caller) -> None:
        for text in "abc":
            call(store, "add_message", "k", message(text))
        call(store, "add_message", "k", message("x"), 1)
        for stored in call(store, "get_messages", "k"):
            result = call(store, "get_message", "k", stored.id)
            assert (result, result.id, result.created_at) == (stored, stored.id, stored.created_at)
        assert call(store, "get_message", "k", "0" * 32) is None
        assert call(store, "get_message", "missing", "a") is None

    def test_put_streams_an_answer(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "ab")
        for text in ["", "The", "The answer", "The answer is 4."]:
            call(store, "put_message", "k", message(text, id="s"))
            assert contents(call(store, "get_messages", "k")) == ["a", "b", text]
        _fill(call, store, "k", "c")
        assert contents(call(store, "get_messages", "k")) == ["a", "b", "The answer is 4.", "c"]

    def test_put_keeps_the_place(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "abc")
        for text in "bca":
            call(store, "put_message", "k", message(text.upper(), id=text))
        assert contents(call(store, "get_messages", "k")) == list("ABC")
        assert call(store, "count_messages", "k") == 3
        for text in "abc":
            assert call(store, "get_message", "k", text).content == text.upper()
        assert contents(call(store, "get_messages", "k", last=2)) == list("BC")
        assert contents(drain(call.iterate(store, "iter_messages", "k", page_size=2))) == list(
            "ABC"
        )

    def test_put_over_a_message_without_a_callers_id(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_messages", "k", [message("a"), message("b")])
        first = call(store, "get_messages", "k")[0]
        call(store, "put_message", "k", message("edited", id=first.id))
        assert contents(call(store, "get_messages", "k")) == ["edited", "b"]
        assert call(store, "remove_message", "k", first.id).content == "edited"

    def test_put_begins_a_conversation(self, store: ChatStore, call: Caller) -> None:
        call(store, "put_message", "k", message("a", id="a"))
        assert contents(call(store, "get_messages", "k")) == ["a"]

    def test_put_needs_an_id(self, store: ChatStore, call: Caller) -> None:
        with pytest.raises(InvalidMessageError):
            call(store, "put_message", "k", message("a"))
        with pytest.raises(InvalidMessageError):
            call(store, "put_message", "k", "text")
        assert call(store, "get_keys") == []

    def test_append_after_put_knows_the_id(self, store: ChatStore, call: Caller) -> None:
        call(store, "put_message", "k", message("a", id="a"))
        call(store, "add_message", "k", message("a", id="a"))
        call(store, "put_message", "k", message("b", id="a"))
        call(store, "add_message", "k", message("b", id="a"))
        assert contents(call(store, "get_messages", "k")) == ["b"]

    def test_puts_of_many_tasks(self, opened: Callable[..., ChatStore], call: Caller) -> None:
        """Each put message is there once, with the last content that was put."""
        store = opened()

        def steps(worker: int) -> list[Any]:
            return [
                (store, "put_message", ("k", message(f"{worker}.{n}", id=str(worker))))
                for n in range(6)
            ]

        call.together([steps(worker) for worker in range(4)])
        assert sorted(contents(call(store, "get_messages", "k"))) == [f"{w}.5" for w in range(4)]

    def test_remove_by_id(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "abcd")
        assert call(store, "remove_message", "k", "b") == message("b")
        assert call(store, "remove_message", "k", "b") is None
        assert call(store, "remove_message", "missing", "b") is None
        assert contents(call(store, "get_messages", "k")) == list("acd")
        call(store, "add_message", "k", message("B", id="b"))
        assert contents(call(store, "get_messages", "k")) == ["a", "c", "d", "B"]

    def test_pages_for_scrolling(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "abcdefg")
        page = call(store, "page_messages", "k", limit=3)
        assert (contents(page.messages), page.has_more) == (list("efg"), True)
        page = call(store, "page_messages", "k", limit=3, before=page.messages[0].id)
        assert (contents(page.messages), page.has_more) == (list("bcd"), True)
        page = call(store, "page_messages", "k", limit=3, before=page.messages[0].id)
        assert (contents(page.messages), page.has_more) == (["a"], False)
        page = call(store, "page_messages", "k", limit=3, before="a")
        assert (page.messages, page.has_more) == ([], False)
        page = call(store, "page_messages", "k", limit=3, after="a")
        assert (contents(page.messages), page.has_more) == (list("bcd"), True)
        page = call(store, "page_messages", "k", limit=3, after="d")
        assert (contents(page.messages), page.has_more) == (list("efg"), False)
        page = call(store, "page_messages", "k", limit=7)
        assert (contents(page.messages), page.has_more) == (list("abcdefg"), False)
        page = call(store, "page_messages", "missing")
        assert (page.messages, page.has_more) == ([], False)

    def test_pages_with_removed_and_inserted_messages(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "abcdefg")
        call(store, "delete_message", "k", 2)
        call(store, "add_message", "k", message("x", id="x"), 1)
        page = call(store, "page_messages", "k", limit=4, before="e")
        assert (contents(page.messages), page.has_more) == (list("axbd"), False)
        page = call(store, "page_messages", "k", limit=3, after="a")
        assert (contents(page.messages), page.has_more) == (list("xbd"), True)

    def test_page_arguments(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "ab")
        for name in ("before", "after"):
            with pytest.raises(MessageNotFoundError):
                call(store, "page_messages", "k", **{name: "unknown"})
            with pytest.raises(InvalidArgumentError):
                call(store, "page_messages", "k", **{name: 7})
        for limit in (0, -1, True, "2"):
            with pytest.raises(InvalidArgumentError):
                call(store, "page_messages", "k", limit=limit)
        with pytest.raises(InvalidArgumentError):
            call(store, "page_messages", "k", before="a", after="b")

    @pytest.mark.parametrize("message_id", ["", "x" * 256, 7, None, "\ud800"])
    def test_bad_ids_are_refused(self, store: ChatStore, call: Caller, message_id: Any) -> None:
        _fill(call, store, "k", "ab")
        for name in ("get_message", "remove_message"):
            with pytest.raises(InvalidArgumentError):
                call(store, name, "k", message_id)
        with pytest.raises(InvalidArgumentError):
            call(store, "truncate", "k", from_id=message_id)
        assert contents(call(store, "get_messages", "k")) == list("ab")

    @pytest.mark.parametrize("size", [1, 7, 300])
    def test_truncate(self, store: ChatStore, call: Caller, size: int) -> None:
        names = [str(number) for number in range(size)]
        call(store, "add_messages", "k", [message(text, id=text) for text in names])
        call(store, "create_conversation", "other", title="t")
        start = size // 3
        assert call(store, "truncate", "k", from_id=str(start)) == size - start
        assert contents(call(store, "get_messages", "k")) == names[:start]
        assert call(store, "count_messages", "k") == start
        assert call(store, "get_message", "k", names[-1]) is None
        with pytest.raises(MessageNotFoundError):
            call(store, "truncate", "k", from_id=names[-1])
        call(store, "add_message", "k", message("again", id=names[-1]))
        assert contents(call(store, "get_messages", "k")) == [*names[:start], "again"]

    def test_truncate_after_changes(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "abcdef")
        call(store, "delete_message", "k", 1)
        call(store, "put_message", "k", message("E", id="e"))
        call(store, "add_message", "k", message("x"), 2)
        assert call(store, "truncate", "k", from_id="d") == 3
        assert contents(call(store, "get_messages", "k")) == ["a", "c", "x"]

    def test_truncate_unknown(self, store: ChatStore, call: Caller) -> None:
        with pytest.raises(MessageNotFoundError):
            call(store, "truncate", "missing", from_id="a")
        _fill(call, store, "k", "ab")
        with pytest.raises(MessageNotFoundError):
            call(store, "truncate", "k", from_id="c")
        assert contents(call(store, "get_messages", "k")) == list("ab")

    def test_fork(self, store: ChatStore, call: Caller) -> None:
        call(store, "create_conversation", "k", owner="o", title="t", metadata={"a": 1})
        _fill(call, store, "k", "abc")
        call(store, "add_message", "k", message("d"))
        source = call(store, "get_messages", "k")
        forked = call(store, "fork", "k", "whole")
        assert (forked.key, forked.owner, forked.length) == ("whole", "o", 4)
        assert forked.metadata == {"forked_from": "k"}
        copied = call(store, "get_messages", "whole")
        assert [(one, one.id, one.created_at) for one in copied] == [
            (one, one.id, one.created_at) for one in source
        ]
        assert call(store, "fork", "k", "part", until="b", owner=None).owner is None
        assert contents(call(store, "get_messages", "part")) == list("ab")
        call(store, "fork", "k", "given", until="a", owner="p")
        assert call(store, "get_conversation", "given").owner == "p"
        page = call(store, "list_conversations", owner="p")
        assert [one.key for one in page.conversations] == ["given"]

    def test_a_fork_shares_nothing(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "abc")
        call(store, "fork", "k", "f")
        call(store, "put_message", "f", message("B", id="b"))
        call(store, "remove_message", "f", "a")
        call(store, "update_conversation", "f", title="t")
        _fill(call, store, "f", "d")
        assert contents(call(store, "get_messages", "k")) == list("abc")
        assert call(store, "get_conversation", "k").title is None
        call(store, "delete_messages", "k")
        assert contents(call(store, "get_messages", "f")) == ["B", "c", "d"]

    def test_fork_of_a_long_conversation(self, store: ChatStore, call: Caller) -> None:
        names = [str(number) for number in range(400)]
        call(store, "add_messages", "k", [message(text, id=text) for text in names])
        call(store, "fork", "k", "f", until="350")
        assert contents(call(store, "get_messages", "f")) == names[:351]
        call(store, "add_message", "f", message("350", id="350"))
        assert call(store, "count_messages", "f") == 351

    def test_fork_of_an_empty_conversation(self, store: ChatStore, call: Caller) -> None:
        call(store, "create_conversation", "k", owner="o")
        assert call(store, "fork", "k", "f").length == 0
        assert call(store, "get_conversation", "f").owner == "o"

    def test_fork_arguments(self, store: ChatStore, call: Caller) -> None:
        _fill(call, store, "k", "ab")
        _fill(call, store, "l", "c")
        with pytest.raises(InvalidArgumentError):
            call(store, "fork", "k", "k")
        with pytest.raises(ConversationNotFoundError):
            call(store, "fork", "missing", "f")
        with pytest.raises(MessageNotFoundError):
            call(store, "fork", "k", "f", until="c")
        with pytest.raises(ConversationExistsError):
            call(store, "fork", "k", "l")
        with pytest.raises(InvalidArgumentError):
            call(store, "fork", "k", "f", owner="")
        assert contents(call(store, "get_messages", "k")) == list("ab")
        assert contents(call(store, "get_messages", "l")) == ["c"]
        assert sorted(call(store, "get_keys")) == ["k", "l"]
