"""``RedactedBackend``: nothing is stored that the function did not see."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chatstore.core import (
    ChatMessage,
    ChatStore,
    InvalidArgumentError,
    InvalidMessageError,
    MessageConflictError,
    MessageTooLargeError,
    TextBlock,
)
from chatstore.core.layers import RedactedBackend
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.messages import contents, message

DIGITS = re.compile(r"\d{4,}")


def redact(message: ChatMessage) -> ChatMessage:
    """Replace numbers in all of a message; it may change its argument, a copy."""
    return ChatMessage.model_validate_json(_hidden(message.model_dump_json()))


def redact_record(title: str | None, metadata: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    return title and _hidden(title), {name: _hidden(str(metadata[name])) for name in metadata}


def _hidden(text: str) -> str:
    # Not the digits of ids and times.
    return re.sub(r"card \d+", "card #", text)


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def store(backend: MemoryBackend) -> ChatStore:
    return ChatStore(RedactedBackend(backend, redact, redact_record=redact_record))


def test_every_write_is_redacted(store: ChatStore, backend: MemoryBackend) -> None:
    secret = "card 4111111111111111"
    store.create_conversation("made", title=secret, metadata={"a": secret})
    store.update_conversation("made", title=secret + "!", metadata={"b": secret})
    store.add_message("k", message(secret, id="a"))
    store.add_message("k", message(secret), 0)
    store.add_messages("k", [message(secret), message("x", additional_kwargs={"note": secret})])
    store.put_message("k", message(secret, id="a"))
    store.put_message("k", ChatMessage(role="user", content=[TextBlock(text=secret)], id="b"))
    store.fork("k", "forked")
    store.set_messages("set", [message(secret)])
    stored = backend.dump()
    assert "4111" not in stored
    assert stored.count("card #") == 14
    assert contents(store.get_messages("set")) == ["card #"]


def test_the_same_message_again_is_the_same(store: ChatStore) -> None:
    one = message("card 1234", id="a")
    for _ in range(2):
        store.add_message("k", one)
        store.add_messages("k", [one, message("card 5678", id="b")])
        store.add_message("k", one, 0)
    assert contents(store.get_messages("k")) == ["card #", "card #"]
    with pytest.raises(MessageConflictError):
        store.add_message("k", message("something else", id="a"))


def test_a_message_can_be_refused(backend: MemoryBackend) -> None:
    def refuse(message: ChatMessage) -> ChatMessage:
        if "forbidden" in (message.content or ""):
            raise InvalidMessageError("this message must not be stored")
        return message

    store = ChatStore(RedactedBackend(backend, refuse))
    store.add_message("k", message("fine"))
    with pytest.raises(InvalidMessageError, match="add_messages: this message must not be stored"):
        store.add_messages("k", [message("fine"), message("forbidden")])
    assert contents(store.get_messages("k")) == ["fine"]


def test_what_is_returned_must_not_be_too_large() -> None:
    class Limited(MemoryBackend):
        max_message_bytes = 1000

    store = ChatStore(RedactedBackend(Limited(), lambda one: message(str(one.content) * 9)))
    store.add_message("k", message("x" * 50))
    with pytest.raises(MessageTooLargeError, match="1000 bytes"):
        store.add_message("k", message("x" * 200))
    assert len(store.get_messages("k")) == 1


@pytest.mark.parametrize(
    ("result", "expected"),
    [(None, "not NoneType"), ("text", "not str"), (message("x", id="b"), "id")],
)
def test_bad_results_are_refused(backend: MemoryBackend, result: Any, expected: str) -> None:
    store = ChatStore(RedactedBackend(backend, lambda _: result))
    with pytest.raises(InvalidMessageError, match=expected):
        store.add_message("k", message("x", id="a"))
    assert store.get_keys() == []


@pytest.mark.parametrize("result", [None, "text", ("title",), (7, {}), ("title", {"a": object()})])
def test_bad_records_are_refused(backend: MemoryBackend, result: Any) -> None:
    store = ChatStore(RedactedBackend(backend, redact, redact_record=lambda *_: result))
    with pytest.raises(InvalidArgumentError):
        store.create_conversation("k", title="x")
    assert store.get_keys() == []


def test_errors_of_the_functions_are_not_taken_for_the_databases(backend: MemoryBackend) -> None:
    def fail(*_: object) -> Any:
        raise ConnectionError("swordfish")

    store = ChatStore(RedactedBackend(backend, fail, redact_record=fail))
    with pytest.raises(InvalidMessageError, match="redact raised ConnectionError") as refused:
        store.add_message("k", message("x"))
    with pytest.raises(InvalidArgumentError, match="redact_record raised ConnectionError"):
        store.create_conversation("k")
    assert "swordfish" not in f"{refused.value} {refused.value.__cause__}"
    assert store.get_keys() == []
