"""Compaction: summaries that windows use instead of older turns, which stay stored."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered_messages import numbered, turns, words
from provider_requests import to_anthropic, to_gemini, to_responses
from random_conversations import Writer

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    ConversationChangedError,
    InvalidArgumentError,
    InvalidMessageError,
    SimpleChatStore,
    to_openai,
)
from chatstore.core.memory.summaries import INTRODUCTION, covered_by, is_summary
from chatstore.core.memory.window import PINNED_ROLES
from chatstore.core.testing.provider_rules import chat_completions_violations
from chatstore.core.testing.request_rules import (
    anthropic_violations,
    gemini_violations,
    responses_violations,
)
from chatstore.core.testing.window_rules import window_violations

EXAMPLES = int(os.environ.get("CHATSTORE_WINDOWS", "300")) // 3
KEY = "k"
LIMIT = 60  # ten messages of six tokens
Call = Callable[..., Any]


def buffer_of(store: ChatStore, limit: int = LIMIT) -> ChatMemoryBuffer:
    return ChatMemoryBuffer(limit, store, KEY, tokenizer_fn=words)


def with_turns(count: int, limit: int = LIMIT) -> ChatMemoryBuffer:
    store = SimpleChatStore()
    store.add_messages(KEY, [numbered("system", 1000), *turns(count)])
    return buffer_of(store, limit)


def short(messages: list[ChatMessage]) -> str:
    return f"{len(messages)} messages"


def ids(messages: list[ChatMessage]) -> list[str | None]:
    return [message.id for message in messages]


def test_a_window_has_the_summary_instead_of_what_it_covers(call: Call) -> None:
    buffer = with_turns(10)
    given_messages: list[ChatMessage] = []

    def summarize(messages: list[ChatMessage]) -> str:
        given_messages.extend(messages)
        return "they counted"

    summary = call(buffer, "compact", summarize)

    assert given_messages == turns(10)[: len(given_messages)]
    assert summary.role == "user"
    assert summary.content == f"{INTRODUCTION}\nthey counted"
    assert covered_by(summary) == ("m0", given_messages[-1].id)
    rest = turns(10)[len(given_messages) :]
    assert 0 < len(rest) * 6 <= (LIMIT - 6) / 2
    assert call(buffer, "get") == [numbered("system", 1000), summary, *rest]
    assert call(buffer, "get_all") == [numbered("system", 1000), *turns(10)]
    assert call(buffer, "get_all", with_summaries=True) == [
        numbered("system", 1000),
        *given_messages,
        summary,
        *rest,
    ]


def test_nothing_is_summarized_below_the_bound(call: Call) -> None:
    buffer = with_turns(2)

    assert call(buffer, "compact", pytest.fail) is None
    assert call(buffer_of(SimpleChatStore()), "compact", pytest.fail) is None
    assert call(with_turns(0), "compact", pytest.fail, above=0) is None


def test_the_newest_turn_is_never_summarized(call: Call) -> None:
    buffer = with_turns(3)

    assert call(buffer, "compact", short, above=0, keep=0) is not None
    assert ids(call(buffer, "get"))[-2:] == ["m4", "m5"]
    assert call(buffer, "compact", pytest.fail, above=0, keep=0) is None


def test_what_is_sent_in_addition_counts(call: Call) -> None:
    buffer = with_turns(4)  # 54 tokens

    assert call(buffer, "compact", pytest.fail, overhead=5) is None
    assert call(buffer, "compact", short, overhead=20) is not None


def test_a_summary_of_summaries(call: Call) -> None:
    buffer = with_turns(10)
    first = call(buffer, "compact", short)
    call(buffer, "put_messages", [numbered("user", number) for number in range(20, 30)])
    given_messages: list[ChatMessage] = []

    def summarize(messages: list[ChatMessage]) -> str:
        given_messages.extend(messages)
        return "all of it"

    second = call(buffer, "compact", summarize)

    assert given_messages[0].id == first.id
    assert covered_by(second) == ("m0", given_messages[-1].id)
    window = call(buffer, "get")
    assert [message.id for message in window if is_summary(message)] == [second.id]
    everything = call(buffer, "get_all", with_summaries=True)
    assert [message.id for message in everything if is_summary(message)] == [first.id, second.id]
    assert everything[-1].id == window[-1].id == "m29"


def test_a_summary_stays_the_start_of_windows(call: Call) -> None:
    buffer = with_turns(10)
    summary = call(buffer, "compact", short)

    for number in range(20, 24):
        call(buffer, "put", numbered("user", number))
        assert call(buffer, "get")[1].id == summary.id


@pytest.mark.parametrize("limit", [30, 31, 40])
def test_a_summary_in_front_of_a_turn_that_is_too_long(call: Call, limit: int) -> None:
    buffer = with_turns(3, limit)
    summary = call(buffer, "compact", short, above=0, keep=0)
    call(buffer, "put_messages", [numbered("assistant", number) for number in range(6, 30)])

    window = call(buffer, "get")

    assert ids(window)[:3] == ["m1000", summary.id, "m4"]
    assert ids(window)[-1] == "m29"
    assert sum(map(buffer.count, window)) <= limit


def test_a_summary_that_does_not_fit_beside_the_newest_exchange(call: Call) -> None:
    buffer = with_turns(10)
    call(buffer, "compact", lambda _: "word " * 45)

    assert not [message for message in call(buffer, "get") if is_summary(message)]
    assert ids(call(buffer, "get"))[-1] == "m19"


def test_truncations_and_forks(call: Call) -> None:
    buffer = with_turns(10)
    summary = call(buffer, "compact", short)
    first, last = covered_by(summary) or ("", "")
    store = buffer.chat_store
    behind = ids(buffer.get_all(with_summaries=True))
    store.fork(KEY, "whole")
    store.fork(KEY, "part", until=first)
    store.truncate(KEY, from_id=behind[behind.index(summary.id) + 1] or "")

    assert ids(store.get_messages("whole")) == behind
    assert first == "m0"
    assert ids(store.get_messages("part")) == ["m1000", first]
    assert ids(call(buffer, "get")) == ["m1000", summary.id]
    store.truncate(KEY, from_id=last)
    assert summary.id not in ids(store.get_messages(KEY))


def test_a_summary_as_a_message(call: Call) -> None:
    buffer = with_turns(10)
    made = ChatMessage(role="developer", content="so far", metadata={"cost": 1}, id="x")

    summary = call(buffer, "compact", lambda _: made)

    assert (summary.role, summary.content) == ("developer", "so far")
    assert summary.metadata["cost"] == 1
    assert summary.id != "x"
    assert call(buffer, "get")[1] == summary


def test_an_answer_of_a_model_becomes_text(call: Call) -> None:
    answer = ChatMessage(role="assistant", content="so far")

    summary = call(with_turns(10), "compact", lambda _: answer)

    assert (summary.role, summary.content) == ("user", f"{INTRODUCTION}\nso far")


@pytest.mark.parametrize("made", [None, 1, "", " ", ChatMessage(role="user", content="")])
def test_what_is_no_summary_is_refused(call: Call, made: Any) -> None:
    buffer = with_turns(10)

    with pytest.raises(InvalidMessageError):
        call(buffer, "compact", lambda _: made)
    assert call(buffer, "get_all", with_summaries=True) == call(buffer, "get_all")


def test_a_summary_with_calls_is_refused(call: Call) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    made = ChatMessage(role="assistant", content="x", additional_kwargs={"tool_calls": calls})

    with pytest.raises(InvalidMessageError, match="calls"):
        call(with_turns(10), "compact", lambda _: made)


@pytest.mark.parametrize("arguments", [{"above": -1}, {"keep": "2"}, {"overhead": True}])
def test_wrong_arguments(call: Call, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        call(with_turns(1), "compact", short, **arguments)


def test_async_functions_are_for_async_callers() -> None:
    async def summarize(messages: list[ChatMessage]) -> str:
        await asyncio.sleep(0)
        return short(messages)

    with pytest.raises(InvalidArgumentError, match="async_compact"):
        with_turns(10).compact(summarize)  # type: ignore[arg-type]
    assert asyncio.run(with_turns(10).async_compact(summarize)) is not None


def test_a_failing_function_stores_nothing(call: Call) -> None:
    buffer = with_turns(10)

    def fail(_: list[ChatMessage]) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(buffer, "compact", fail)
    assert call(buffer, "get_all", with_summaries=True) == call(buffer, "get_all")
    assert call(buffer, "compact", short) is not None


# ------------------------------------------------------------------ other clients


def test_messages_that_are_appended_meanwhile(call: Call) -> None:
    buffer = with_turns(10)
    count = itertools.count(50)

    def summarize(messages: list[ChatMessage]) -> str:
        buffer.put(numbered("user", next(count)))
        return short(messages)

    summary = call(buffer, "compact", summarize)

    assert next(count) == 51, "what did not change was summarized twice"
    everything = buffer.get_all(with_summaries=True)
    place = ids(everything).index(summary.id)
    assert everything[place - 1].id == summary.metadata["summary_of"]["last"]
    assert everything[-1].id == "m50"


def test_messages_that_are_changed_meanwhile_are_summarized_again(call: Call) -> None:
    buffer = with_turns(10)
    given_texts: list[Any] = []

    def summarize(messages: list[ChatMessage]) -> str:
        given_texts.append(messages[0].content)
        edited = messages[0].model_copy(update={"content": "edited"})
        buffer.chat_store.put_message(KEY, edited)
        return short(messages)

    assert call(buffer, "compact", summarize) is not None
    assert given_texts == ["message 0", "edited"]


def test_messages_that_change_again_and_again(call: Call) -> None:
    buffer = with_turns(10)
    count = itertools.count()

    def summarize(messages: list[ChatMessage]) -> str:
        edited = messages[0].model_copy(update={"content": f"edited {next(count)}"})
        buffer.chat_store.put_message(KEY, edited)
        return short(messages)

    with pytest.raises(ConversationChangedError):
        call(buffer, "compact", summarize)
    assert buffer.get_all(with_summaries=True) == buffer.get_all()


def test_a_conversation_that_is_deleted_meanwhile(call: Call) -> None:
    buffer = with_turns(10)

    def summarize(messages: list[ChatMessage]) -> str:
        buffer.reset()
        return short(messages)

    assert call(buffer, "compact", summarize) is None
    assert buffer.get_all(with_summaries=True) == []


def test_another_client_stores_the_same_summary(call: Call) -> None:
    buffer = with_turns(10)
    stored: list[Any] = []

    def summarize(messages: list[ChatMessage]) -> str:
        stored.append(buffer.compact(lambda _: "the other's"))
        return short(messages)

    summary = call(buffer, "compact", summarize)

    assert summary == stored[0]
    assert len([one for one in buffer.get_all(with_summaries=True) if is_summary(one)]) == 1


def test_another_client_stores_a_longer_summary(call: Call) -> None:
    buffer = with_turns(10)

    def summarize(messages: list[ChatMessage]) -> str:
        buffer.compact(lambda _: "the other's", keep=0)
        return short(messages)

    assert call(buffer, "compact", summarize) is None
    assert len([one for one in buffer.get_all(with_summaries=True) if is_summary(one)]) == 1


def test_threads_and_tasks_that_append_and_compact() -> None:
    store = SimpleChatStore()

    def converse(name: int) -> None:
        buffer = buffer_of(store)
        for number in range(60):
            buffer.put(ChatMessage(role="user", content="a b", id=f"{name}/{number}"))
            if number % 10 == 9:
                buffer.compact(short)

    async def async_converse(name: int) -> None:
        buffer = buffer_of(store)
        for number in range(60):
            await buffer.async_put(ChatMessage(role="user", content="a b", id=f"{name}/{number}"))
            if number % 10 == 9:
                await buffer.async_compact(short)
            await asyncio.sleep(0)

    async def async_all() -> None:
        await asyncio.gather(*map(async_converse, range(3, 6)))

    threads = [threading.Thread(target=converse, args=(name,)) for name in range(3)]
    threads.append(threading.Thread(target=lambda: asyncio.run(async_all())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    everything = buffer_of(store).get_all(with_summaries=True)
    assert len([message for message in everything if not is_summary(message)]) == 360
    assert_summaries_follow_what_they_cover(everything)


def assert_summaries_follow_what_they_cover(everything: list[ChatMessage]) -> None:
    """Check the places of summaries: each is directly behind its last message."""
    summaries = [message for message in everything if is_summary(message)]
    assert summaries
    originals = ids([message for message in everything if not is_summary(message)])
    for summary in summaries:
        first, last = covered_by(summary) or ("", "")
        place = ids(everything).index(summary.id)
        assert ids(everything)[place - 1] == last
        assert first == originals[0]


# ------------------------------------------------------------------ random conversations


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32), st.integers(1, 1500), st.integers(0, 800), st.integers(0, 800))
@pytest.mark.filterwarnings("ignore::chatstore.core.memory.TokenLimitWarning")
def test_windows_of_random_conversations(seed: int, limit: int, above: int, keep: int) -> None:
    writer = Writer(seed)
    buffer = buffer_of(SimpleChatStore(), limit)
    messages: list[ChatMessage] = []
    for _ in range(3):
        added = writer.conversation()
        messages += added
        buffer.put_messages(added)
        buffer.compact(short, above=above, keep=keep)
        check_window(buffer, messages)


def check_window(buffer: ChatMemoryBuffer, messages: list[ChatMessage]) -> None:
    """Check a window's promises: a summary is like a pinned message."""
    assert buffer.get_all() == messages
    window = buffer.get()
    assert chat_completions_violations(to_openai(window)) == []
    assert responses_violations(to_responses(window)) == []
    assert anthropic_violations(to_anthropic(window)) == []
    assert gemini_violations(to_gemini(window)) == []
    everything = buffer.get_all(with_summaries=True)
    summaries = [message for message in everything if is_summary(message)]
    leading = list(itertools.takewhile(lambda one: one.role in PINNED_ROLES, messages))
    since = everything[everything.index(summaries[-1]) + 1 :] if summaries else []
    rest = [message for message in window if not is_summary(message)]
    shown = [message for message in window if is_summary(message)]
    if shown:
        assert ids(shown) == ids(summaries[-1:])
        assert ids(window)[len(leading)] == shown[0].id
        messages = [*leading, *since]
    elif summaries and rest[len(leading) :] and rest[len(leading)] in since:
        messages = [*leading, *since]
    limit = buffer.token_limit - sum(map(buffer.count, shown))
    assert window_violations(messages, rest, limit, buffer.count) == []
