"""Mistakes of callers, on every store: each raises one class of error with a helpful message.

No server is needed: the store refuses wrong arguments before it sends anything. What only a server
can refuse is in each package's own tests.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from every_store import ACCOUNT_KEY, SECRET, STORES

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ChatStoreError,
    InvalidArgumentError,
    InvalidKeyError,
    InvalidMessageError,
    MessageTooLargeError,
    SimpleChatStore,
    StoreClosedError,
)
from chatstore.core.testing.contract.modes import AsyncCaller, Caller, SyncCaller, drain

SOON = 60.0  # seconds; nothing waits here, and an idle machine needs a fraction of one


class Mistake(NamedTuple):
    """A wrong call, and the error that it must raise.

    Attributes:
        act: Makes the call, given a store and a mode.
        error: The class of the error.
        reason: A pattern of its message.

    """

    act: Callable[[ChatStore, Caller], Any]
    error: type[ChatStoreError]
    reason: str


def message(text: Any = "hi", **fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content=text, **fields)


def changed(**fields: Any) -> ChatMessage:
    """Return a message that was changed after it was validated."""
    return message().model_copy(update=fields)


class Foreign:
    """A message of another library."""


def calls(name: str, *arguments: Any, **options: Any) -> Callable[[ChatStore, Caller], Any]:
    return lambda store, call: call(store, name, *arguments, **options)


def iterates(name: str, *arguments: Any, **options: Any) -> Callable[[ChatStore, Caller], Any]:
    return lambda store, call: drain(call.iterate(store, name, *arguments, **options))


MISTAKES = {
    "empty key": Mistake(calls("get_messages", ""), InvalidKeyError, "1 to 255 bytes"),
    "long key": Mistake(calls("count_messages", "x" * 256), InvalidKeyError, "this one has 256"),
    "long key in UTF-8": Mistake(calls("delete_messages", "é" * 128), InvalidKeyError, "256"),
    "key not text": Mistake(calls("get_messages", 7), InvalidKeyError, "string, not int"),
    "key of bytes": Mistake(calls("add_message", b"k", message()), InvalidKeyError, "not bytes"),
    "no key": Mistake(calls("set_messages", None, []), InvalidKeyError, "not NoneType"),
    "surrogate in a key": Mistake(calls("get_messages", "\ud800"), InvalidKeyError, "surrogate"),
    "prefix not text": Mistake(iterates("iter_keys", None), InvalidKeyError, "prefix must be"),
    "surrogate in a prefix": Mistake(iterates("iter_keys", "\ud800"), InvalidKeyError, "prefix"),
    "text as message": Mistake(calls("add_message", "k", "hi"), InvalidMessageError, "not str"),
    "dict as message": Mistake(
        calls("add_message", "k", {"role": "user"}), InvalidMessageError, "from_openai"
    ),
    "no message": Mistake(calls("add_message", "k", None), InvalidMessageError, "NoneType"),
    "message of a library": Mistake(
        calls("add_message", "k", Foreign()), InvalidMessageError, r"Foreign"
    ),
    "one message as list": Mistake(
        calls("add_messages", "k", message()), InvalidMessageError, "list"
    ),
    "text as list": Mistake(calls("set_messages", "k", "hi"), InvalidMessageError, "list"),
    "no list": Mistake(calls("set_messages", "k", None), InvalidMessageError, "list"),
    "list of texts": Mistake(calls("add_messages", "k", ["hi"]), InvalidMessageError, "not str"),
    "two with one id": Mistake(
        calls("add_messages", "k", [message(id="x"), message(id="x")]),
        InvalidMessageError,
        "same id",
    ),
    "bytes as content": Mistake(
        calls("add_message", "k", changed(content=b"hi")), InvalidMessageError, "JSON|content"
    ),
    "set in kwargs": Mistake(
        calls("add_message", "k", changed(additional_kwargs={"a": {1}})),
        InvalidMessageError,
        "JSON",
    ),
    "NaN in kwargs": Mistake(
        calls("add_message", "k", changed(additional_kwargs={"a": math.nan})),
        InvalidMessageError,
        "JSON",
    ),
    "tuple in kwargs": Mistake(
        calls("add_message", "k", changed(additional_kwargs={"a": (1, 2)})),
        InvalidMessageError,
        "JSON",
    ),
    "number as name": Mistake(
        calls("add_message", "k", changed(additional_kwargs={1: 2})), InvalidMessageError, "JSON"
    ),
    "surrogate in content": Mistake(
        calls("add_message", "k", changed(content="\ud800")), InvalidMessageError, "surrogate"
    ),
    "empty id": Mistake(calls("add_message", "k", changed(id="")), InvalidMessageError, "id"),
    "long id": Mistake(calls("add_message", "k", changed(id="x" * 256)), InvalidMessageError, "id"),
    "index not a number": Mistake(
        calls("delete_message", "k", "0"), InvalidArgumentError, "index must be an integer, not str"
    ),
    "index a bool": Mistake(calls("delete_message", "k", True), InvalidArgumentError, "not bool"),
    "index a float": Mistake(
        calls("add_message", "k", message(), 1.0), InvalidArgumentError, "not float"
    ),
    "no index": Mistake(calls("delete_message", "k", None), InvalidArgumentError, "NoneType"),
    "negative last": Mistake(
        calls("get_messages", "k", last=-1), InvalidArgumentError, "last must be at least 0, not -1"
    ),
    "last not a number": Mistake(
        calls("get_messages", "k", last="5"), InvalidArgumentError, "last must be an integer"
    ),
    "last a bool": Mistake(calls("get_messages", "k", last=True), InvalidArgumentError, "not bool"),
    "page of nothing": Mistake(
        iterates("iter_messages", "k", page_size=0), InvalidArgumentError, "at least 1, not 0"
    ),
    "page size not a number": Mistake(
        iterates("iter_messages", "k", page_size="9"), InvalidArgumentError, "page_size must be"
    ),
    "unknown handling": Mistake(
        iterates("iter_messages", "k", on_corrupt="ignore"), InvalidArgumentError, "'skip'"
    ),
    "keys by a page of nothing": Mistake(
        iterates("iter_keys", "", page_size=0), InvalidArgumentError, "page_size"
    ),
}


@pytest.fixture(params=[SyncCaller, AsyncCaller], ids=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Iterator[Caller]:
    caller: Caller = request.param()
    yield caller
    caller.close()


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
def open_store(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def store(open_store: Callable[..., ChatStore]) -> Iterator[ChatStore]:
    with open_store() as store:
        yield store


def chain_of(error: BaseException | None) -> list[BaseException]:
    """Return an error and all errors that its traceback could show."""
    if error is None:
        return []
    return [error, *chain_of(error.__cause__), *chain_of(error.__context__)]


def check_helpful(error: BaseException, started_at: float) -> None:
    """Check that an error came soon, has one line and does not contain a secret."""
    assert time.monotonic() - started_at < SOON
    text = str(error)
    assert "\n" not in text
    assert len(text) < 500
    shown = "".join(f"{item} {item!r}" for item in chain_of(error))
    assert SECRET not in shown
    assert ACCOUNT_KEY not in shown


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_refused_before_anything_is_sent(
    store: ChatStore, call: Caller, mistake: Mistake
) -> None:
    started_at = time.monotonic()
    with pytest.raises(InvalidArgumentError, match=mistake.reason) as caught:
        mistake.act(store, call)
    assert type(caught.value) is mistake.error
    assert re.match(r"\w+: ", str(caught.value)), "the call is not named"
    check_helpful(caught.value, started_at)


def test_messages_above_the_limit(store: ChatStore, call: Caller) -> None:
    if store.max_message_bytes is None or store.max_message_bytes > 2**26:
        return  # no test can make a message of that size
    large = message("x" * (store.max_message_bytes + 1))
    for name, argument in (("add_message", large), ("add_messages", [large])):
        with pytest.raises(MessageTooLargeError, match=str(store.max_message_bytes)):
            call(store, name, "k", argument)


def test_a_closed_store(store: ChatStore, call: Caller) -> None:
    call(store, "close")
    for name in ("get_messages", "count_messages", "delete_messages"):
        with pytest.raises(StoreClosedError, match=f"{name}: this {type(store).__name__} was"):
            call(store, name, "k")
    with pytest.raises(StoreClosedError, match="iter_keys: this"):
        drain(call.iterate(store, "iter_keys"))


NOT_SECONDS = [0, -1, "1", b"1", True, math.inf, math.nan, timedelta(1), 2**63, 10**400, []]
NOT_COUNTS = [0, -1, "8", 1.5, True, math.inf, 10**9, []]


@pytest.mark.parametrize("value", NOT_SECONDS, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("option", ["ttl", "timeout"])
def test_options_in_seconds(
    open_store: Callable[..., ChatStore], option: str, value: object
) -> None:
    if option == "timeout" and open_store is SimpleChatStore:
        return  # nothing in it waits
    with pytest.raises(InvalidArgumentError, match=rf"{option} must be a number of seconds"):
        open_store(**{option: value})


@pytest.mark.parametrize("value", NOT_COUNTS, ids=lambda value: repr(value)[:20])
def test_numbers_of_connections(open_store: Callable[..., ChatStore], value: object) -> None:
    if open_store is SimpleChatStore:
        return  # it has no connections
    with pytest.raises(InvalidArgumentError, match="max_connections must be an integer from 1"):
        open_store(max_connections=value)


def test_a_store_says_where_it_is_without_secrets(store: ChatStore) -> None:
    for text in (store.server, repr(store)):
        assert SECRET not in text
        assert ACCOUNT_KEY not in text


def test_there_are_enough() -> None:
    assert len(MISTAKES) + len(NOT_SECONDS) * 2 + len(NOT_COUNTS) >= 40
    assert len(STORES) == 8
