"""The memory buffer over a store that counts what it reads, in both colours."""

from __future__ import annotations

import asyncio
import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatstore.core import ChatMessage, InvalidArgumentError, SimpleChatStore
from chatstore.core.backend import Page, Plan
from chatstore.core.errors import InvalidKeyError, InvalidMessageError
from chatstore.core.memory import ChatMemoryBuffer, TokenLimitWarning
from chatstore.core.testing.provider_rules import window_violations

KEY = "chat_history"
Call = Callable[..., Any]


class ReadingStore(SimpleChatStore):
    """Notes how many records each page has, and may be changed after one."""

    def __init__(self) -> None:
        """Begin with no pages."""
        super().__init__()
        self.pages: list[int] = []
        self.after_page: Callable[[], None] = lambda: None

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        page = yield from super()._read_newest(key, limit, before=before, leading=leading)
        self.pages.append(len(page.records) + len(page.leading))
        self.after_page()
        return page


def words(text: str) -> list[str]:
    """Split a text: tokens that a reader can count."""
    return text.split()


def said(role: str, number: int, **kwargs: Any) -> ChatMessage:
    """Make a message with an id."""
    return ChatMessage(
        role=role, content=f"message {number}", id=f"m{number}", additional_kwargs=kwargs
    )


def turns(count: int) -> list[ChatMessage]:
    """Make turns of a question and an answer."""
    return [said("assistant" if number % 2 else "user", number) for number in range(2 * count)]


@pytest.fixture(params=["sync", "async", "llama_index"])
def call(request: pytest.FixtureRequest) -> Call:
    """Call a method of a buffer by its name, in one colour."""

    def calls(buffer: ChatMemoryBuffer, name: str, *args: Any, **kwargs: Any) -> Any:
        if request.param == "sync":
            return getattr(buffer, name)(*args, **kwargs)
        prefix = "async_" if request.param == "async" else "a"
        return asyncio.run(getattr(buffer, prefix + name)(*args, **kwargs))

    return calls


def test_put_get_set_reset(call: Call) -> None:
    buffer = ChatMemoryBuffer(tokenizer_fn=words)
    question, answer, *more = turns(2)

    call(buffer, "put", question)
    call(buffer, "put_messages", [answer, *more])
    assert call(buffer, "get") == call(buffer, "get_all") == turns(2)
    call(buffer, "set", [question])
    assert call(buffer, "get") == [question]
    call(buffer, "reset")
    assert call(buffer, "get") == call(buffer, "get_all") == []


ROLES = st.sampled_from(["system", "user", "assistant", "call", "both", "tool a", "tool b"])


@given(st.lists(ROLES, max_size=40), st.integers(1, 200))
@example(["assistant", "system", "system"], 1)  # the first message has no content
def test_a_window_keeps_its_promises(roles: list[str], limit: int) -> None:
    messages = []
    for number, role in enumerate(roles):
        kwargs: dict[str, Any] = {}
        if role in {"call", "both"}:
            kwargs["tool_calls"] = [{"id": name} for name in ("a" if role == "call" else "ab")]
            role = "assistant"  # noqa: PLW2901
        elif role.startswith("tool"):
            role, kwargs["tool_call_id"] = role.split()  # noqa: PLW2901
        message = said(role, number, **kwargs)
        message.content = "word " * (number * 7 % 40)  # a small turn may follow a large one
        messages.append(message)
    store = SimpleChatStore()
    store.add_messages(KEY, messages)
    buffer = ChatMemoryBuffer(limit, store, tokenizer_fn=words)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TokenLimitWarning)
        window = buffer.get()
        again = asyncio.run(buffer.async_get())

    assert window_violations(messages, window, limit, buffer._counter.count) == []
    assert again == window


def test_the_initial_count_takes_room(call: Call) -> None:
    buffer = ChatMemoryBuffer(60, tokenizer_fn=words)
    buffer.put_messages(turns(50))
    plain = call(buffer, "get")

    assert 0 < len(call(buffer, "get", initial_token_count=30)) < len(plain) < 100


@pytest.mark.parametrize("initial", [0, 1])
def test_a_turn_above_the_limit_comes_back_whole(call: Call, initial: int) -> None:
    buffer = ChatMemoryBuffer(1, tokenizer_fn=words)
    system = said("system", 99)
    buffer.put_messages([system, *turns(2)])

    with pytest.warns(TokenLimitWarning):
        window = call(buffer, "get", initial_token_count=initial)
    assert window == [system, *turns(2)[2:]]


def test_a_small_turn_does_not_follow_one_that_did_not_fit(call: Call) -> None:
    buffer = ChatMemoryBuffer(60, tokenizer_fn=words)
    first, _, third, _, *rest = turns(4)
    third.content = "word " * 100
    buffer.put_messages([first, third, *rest])

    assert call(buffer, "get") == rest


def test_no_more_is_read_than_needed(call: Call) -> None:
    read = []
    for count in (100, 5000):
        store = ReadingStore()
        store.add_messages(KEY, turns(count))
        buffer = ChatMemoryBuffer(100, store, tokenizer_fn=words)
        assert call(buffer, "get")[-1] == turns(count)[-1]
        read.append(store.pages)

    assert read[0] == read[1]
    assert sum(read[0]) < 100


def test_all_is_read_for_a_huge_limit(call: Call) -> None:
    store = ReadingStore()
    store.add_messages(KEY, turns(2500))

    assert call(ChatMemoryBuffer(10**30, store, tokenizer_fn=words), "get") == turns(2500)
    assert len(store.pages) > 1


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_all_leading_instructions_stay(call: Call, count: int) -> None:
    pinned = [
        said("developer" if number % 2 else "system", 1000 + number) for number in range(count)
    ]
    store = ReadingStore()
    store.add_messages(KEY, [*pinned, *turns(500)])
    buffer = ChatMemoryBuffer(200, store, tokenizer_fn=words)

    window = call(buffer, "get")

    assert window[:count] == pinned
    assert window[count].role == "user"
    assert window[-1] == turns(500)[-1]


@pytest.mark.parametrize("always", [False, True])
def test_a_conversation_replaced_between_two_pages(call: Call, *, always: bool) -> None:
    store = ReadingStore()
    store.add_messages(KEY, [said("assistant", number) for number in range(3000)])
    other = SimpleChatStore()
    other.add_messages(KEY, turns(1500))

    def replace() -> None:
        if always or len(store.pages) == 1:
            state = dict(other._conversations)
            other.set_messages(KEY, turns(1500))
            store._conversations[KEY] = state[KEY]

    store.after_page = replace
    buffer = ChatMemoryBuffer(10**30, store, tokenizer_fn=words)

    assert call(buffer, "get") == turns(1500)


def test_a_history_seeds_an_empty_conversation_once(call: Call) -> None:
    store = SimpleChatStore()
    history = [ChatMessage(role="user", content="x"), ChatMessage(role="user", content="x")]
    buffers = [
        ChatMemoryBuffer.from_defaults(
            chat_store=store, tokenizer_fn=words, chat_history=iter(history)
        )
        for _ in range(2)
    ]
    assert store.get_keys() == []

    assert call(buffers[0], "get") == history
    call(buffers[1], "put", said("assistant", 1))

    assert call(buffers[0], "get_all") == [*history, said("assistant", 1)]
    assert history[0].id is None


def test_two_buffers_seed_with_the_same_ids() -> None:
    history = [ChatMessage(role="user", content="x")]
    ids = []
    for _ in range(2):
        buffer = ChatMemoryBuffer.from_defaults(tokenizer_fn=words, chat_history=history)
        ids.append([message.id for message in buffer.get_all()])

    assert ids[0] == ids[1]


def test_a_history_that_no_store_could_hold() -> None:
    bad = ChatMessage(role="user", content="x")
    bad.content = "\ud800"

    with pytest.raises(InvalidMessageError):
        ChatMemoryBuffer.from_defaults(chat_history=[bad])


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "9", None])
def test_a_limit_must_be_a_positive_integer(limit: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        ChatMemoryBuffer(limit)


@pytest.mark.parametrize("count", [-1, True, 1.5, "9", None, 3001, 10**30])
def test_an_initial_count_must_be_an_integer(call: Call, count: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        call(ChatMemoryBuffer(tokenizer_fn=words), "get", initial_token_count=count)


def test_a_key_and_a_store_are_checked() -> None:
    with pytest.raises(InvalidKeyError):
        ChatMemoryBuffer(chat_store_key="")
    with pytest.raises(InvalidArgumentError):
        ChatMemoryBuffer(chat_store={})  # type: ignore[arg-type]


def test_what_is_sent_besides_takes_room(call: Call) -> None:
    buffer = ChatMemoryBuffer(60, tokenizer_fn=words)
    buffer.put_messages(turns(50))
    schema = {"name": "f", "description": "a long description of what the tool does"}

    plain = call(buffer, "get")
    # name, f, description and eight words
    assert call(buffer, "get", besides=[schema, "x"]) == call(buffer, "get", None, 12)
    assert call(buffer, "get", besides="x " * 40) == plain[-2:]
    with pytest.warns(TokenLimitWarning):
        assert call(buffer, "get", besides="x " * 60) == plain[-2:]


def test_a_payload_is_what_is_counted(call: Call) -> None:
    buffer = ChatMemoryBuffer(
        100, tokenizer_fn=words, payload_fn=lambda message: [message.content, "x " * 40]
    )
    buffer.put_messages(turns(50))

    assert call(buffer, "get") == turns(50)[-2:]


class SharedStore(SimpleChatStore):
    """Stands for a store over a database."""


@pytest.mark.parametrize("make", [ChatMemoryBuffer, ChatMemoryBuffer.from_defaults])
def test_a_shared_store_needs_a_key(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatstore.core.memory.buffer.SimpleChatStore", type("Other", (), {}))

    with pytest.raises(InvalidArgumentError, match="chat_store_key is required with a SharedStore"):
        make(chat_store=SharedStore())
    assert make(chat_store=SharedStore(), chat_store_key="user/42").chat_store_key == "user/42"


def test_in_memory_a_key_may_be_missing() -> None:
    assert ChatMemoryBuffer().chat_store_key == KEY
    assert ChatMemoryBuffer.from_defaults(chat_store=SimpleChatStore()).chat_store_key == KEY


@pytest.mark.parametrize(
    "copied",
    [lambda buffer: pickle.loads(pickle.dumps(buffer)), copy.deepcopy],
    ids=["pickle", "deepcopy"],
)
def test_copies(call: Call, copied: Any) -> None:
    history = turns(2)
    buffer = ChatMemoryBuffer.from_defaults(
        100, tokenizer_fn=words, payload_fn=no_payload, chat_history=history
    )

    other = copied(buffer)  # before its history was added
    assert call(other, "get") == call(buffer, "get") == history
    call(other, "put", said("user", 99))
    again = copied(other)
    assert call(again, "get_all") == call(other, "get_all") == [*history, said("user", 99)]
    assert call(buffer, "get_all") == history
    assert (again.token_limit, again.chat_store_key) == (100, KEY)


def test_a_shallow_copy_shares_the_store() -> None:
    buffer = ChatMemoryBuffer(tokenizer_fn=words)
    copy.copy(buffer).put(said("user", 1))

    assert buffer.get_all() == [said("user", 1)]


@pytest.mark.parametrize("name", ["tokenizer_fn", "payload_fn"])
def test_a_function_that_cannot_be_pickled_is_named(name: str) -> None:
    options: Any = {"tokenizer_fn": words, name: lambda _: []}

    with pytest.raises(TypeError, match=f"{name} cannot be pickled"):
        pickle.dumps(ChatMemoryBuffer(**options))
    copy.deepcopy(ChatMemoryBuffer(**options)).get()


def no_payload(message: ChatMessage) -> None:
    """Send the message's own fields."""
