from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core import (
    ChatMessage,
    CorruptStoreError,
    InvalidKeyError,
    RevisionConflictError,
    SimpleChatStore,
)
from chatstore.core.documents import DOCUMENT_ID, from_document, to_document
from chatstore.core.keys import join_key

NAMES = st.lists(st.text("a~/%é", min_size=1, max_size=200), min_size=1, max_size=3)


@given(NAMES, NAMES)
def test_different_names_give_different_keys(names: list[str], others: list[str]) -> None:
    assert (join_key(*names) == join_key(*others)) == (names == others)
    assert 1 <= len(join_key(*names).encode()) <= 255


def test_a_name_with_a_slash_is_not_a_prefix() -> None:
    assert join_key("a", "b") == "a/b"
    assert join_key("a/b") == "a%2Fb"
    assert join_key("a%2Fb") == "a%252Fb"


def test_the_longest_name_becomes_a_digest() -> None:
    key = join_key("application", "u" * 300, "session")
    assert key.startswith("application/~")
    assert key.endswith("/session")
    assert key != join_key("application", key.split("/")[1], "session")


@pytest.mark.parametrize("names", [(), ("",), ("a", ""), ("\ud800",), ("a" * 60,) * 9])
def test_names_that_give_no_key_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidKeyError):
        join_key(*names)


def test_a_document_is_replaced_only_at_its_revision() -> None:
    with SimpleChatStore() as store:
        store.put_message("k", to_document({"a": [1, None]}))
        first = store.snapshot("k", last=1)
        assert first.conversation is not None
        assert from_document(first.messages[0]) == {"a": [1, None]}
        revision = first.conversation.revision
        store.put_message("k", to_document(2), expected_revision=revision)
        with pytest.raises(RevisionConflictError):
            store.put_message("k", to_document(3), expected_revision=revision)
        stored = store.get_message("k", DOCUMENT_ID)
        assert stored is not None
        assert from_document(stored) == 2


def test_a_message_is_not_taken_for_a_document() -> None:
    with pytest.raises(CorruptStoreError):
        from_document(ChatMessage(role="user", content="Hello"))
