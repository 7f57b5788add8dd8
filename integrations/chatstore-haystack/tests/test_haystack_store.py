"""The store follows Haystack's protocol: rounds, ids, arguments."""

from __future__ import annotations

import asyncio
import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.utils import Secret
from haystack_experimental.chat_message_stores.in_memory import InMemoryChatMessageStore
from hypothesis import given
from hypothesis import strategies as st
from rounds_haystack import CALL, a_round, assistant, contents, user

from chatstore.core import ChatMessage as Stored
from chatstore.core import (
    InvalidArgumentError,
    InvalidKeyError,
    SimpleChatStore,
    StoreClosedError,
    UnknownSchemeError,
    open_store,
)
from chatstore.haystack import StoredChatMessages


def test_writes_and_retrieves(store: StoredChatMessages) -> None:
    assert store.retrieve_messages("c") == []
    assert store.write_messages("c", a_round(1) + a_round(2)) == 8
    assert store.count_messages("c") == 8
    assert contents(store.retrieve_messages("c")) == contents(a_round(1) + a_round(2))
    store.delete_messages("c")
    assert store.retrieve_messages("c") == []


def test_retrieves_rounds(store: StoredChatMessages) -> None:
    for number in range(30):
        store.write_messages("c", a_round(number))

    for count in (1, 2, 7, 29, 30, 31):
        retrieved = store.retrieve_messages("c", count)
        assert len(retrieved) == 4 * min(count, 30)
        assert retrieved[0].text == f"question {max(0, 30 - count)}"
    assert len(store.retrieve_messages("c")) == 4 * 10
    assert store.retrieve_messages("c", 0) == []
    store.last_k = None
    assert len(store.retrieve_messages("c")) == 4 * 30


def test_long_rounds_are_read_whole(store: StoredChatMessages) -> None:
    calls = [assistant(tool_calls=[CALL]), ChatMessage.from_tool("1", origin=CALL)] * 100
    store.write_messages("c", [*a_round(1), user("long"), *calls, assistant("done")])

    assert store.retrieve_messages("c", 1)[0].text == "long"
    assert len(store.retrieve_messages("c", 1)) == 202


KINDS = {
    "user": user("u"),
    "answer": assistant("a"),
    "call": assistant(tool_calls=[CALL]),
    "call and text": assistant("look", tool_calls=[CALL]),
    "result": ChatMessage.from_tool("1", origin=CALL),
    "empty": assistant(""),
}


@given(st.lists(st.sampled_from(list(KINDS)), max_size=20), st.integers(0, 6))
def test_rounds_are_those_of_haystacks_own_store_without_what_providers_refuse(
    kinds: Any, last_k: int | None
) -> None:
    messages = [replace(KINDS[kind], _meta={"n": n}) for n, kind in enumerate(kinds)]
    reference = InMemoryChatMessageStore()
    reference.delete_all_messages()
    reference.write_messages("c", messages)
    with SimpleChatStore() as opened:
        own = StoredChatMessages(opened)
        own.write_messages("c", messages)
        retrieved = own.retrieve_messages("c", last_k)

    expected = reference.retrieve_messages("c", last_k)
    assert broken(retrieved) == []
    assert {message.meta["n"] for message in retrieved} <= {
        message.meta["n"] for message in expected
    }
    plain = [m for m in expected if not m.tool_calls and not m.tool_call_results]
    assert [m.meta["n"] for m in retrieved if not m.tool_calls and not m.tool_call_results] == [
        m.meta["n"] for m in plain
    ]
    if not broken(expected):
        assert [m.meta["n"] for m in retrieved] == [m.meta["n"] for m in expected]


def broken(messages: Any) -> Any:
    """Return what a provider refuses; a result contains the call that it answers."""
    problems: list[str] = []
    waiting: list[ToolCall] = []
    for message in messages:
        for result in message.tool_call_results:
            if result.origin in waiting:
                waiting.remove(result.origin)
            else:
                problems.append(f"a result without a call: {result.origin}")
        if not message.tool_call_results:
            problems += [f"a call without a result: {call}" for call in waiting]
            waiting = list(message.tool_calls)
    return problems + [f"a call without a result: {call}" for call in waiting]


def call(identity: Any, **arguments: Any) -> Any:
    return ToolCall("t", arguments, id=identity)


def calls(*made: Any, text: str | None = None) -> Any:
    return assistant(text, tool_calls=list(made))


def result(origin: Any, text: str = "r") -> Any:
    return ChatMessage.from_tool(text, origin=origin)


A, B, NO_ID = call("a"), call("b"), call(None)
INTERRUPTED = {
    "before any result": [user("q"), calls(A)],
    "between results": [user("q"), calls(A, B), result(A)],
    "with text and a call": [user("q"), calls(A, text="let me see")],
    "in a later step": [user("q"), calls(A), result(A), calls(B)],
    "twice": [user("q"), calls(A), user("q"), calls(A)],
    "without ids": [user("q"), calls(NO_ID)],
    "between results of one id": [user("q"), calls(A, A), result(A)],
    "a result alone": [user("q"), result(A)],
    "a result twice": [user("q"), calls(A), result(A), result(A)],
}


@pytest.mark.parametrize("last_k", [1, 2, None])
@pytest.mark.parametrize("next_round", [[], [user("never mind"), assistant("ok")], [user("next")]])
@pytest.mark.parametrize("kind", INTERRUPTED)
def test_interrupted_runs_leave_nothing_that_a_provider_refuses(
    store: StoredChatMessages, kind: str, next_round: Any, last_k: int | None
) -> None:
    store.last_k = None
    store.write_messages("c", [*a_round(1), *INTERRUPTED[kind]])
    store.write_messages("c", next_round)
    retrieved = store.retrieve_messages("c", last_k)

    assert broken(retrieved) == []
    expected = [m.text for m in next_round]
    assert contents(retrieved)[len(retrieved) - len(expected) :] == expected
    assert "q" in contents(retrieved)
    assert store.count_messages("c") == 4 + len(INTERRUPTED[kind]) + len(next_round)
    assert asyncio.run(store.retrieve_messages_async("c", last_k)) == retrieved


@pytest.mark.parametrize(
    "exchange",
    [
        [calls(A, A), result(A, "1"), result(A, "2")],
        [calls(NO_ID, NO_ID), result(NO_ID, "1"), result(NO_ID, "2")],
        [calls(A), result(A), calls(A), result(A)],
        [calls(NO_ID), result(NO_ID), calls(A, NO_ID), result(NO_ID), result(A)],
    ],
)
def test_repeated_and_missing_ids_are_kept_whole(store: StoredChatMessages, exchange: Any) -> None:
    messages = [user("q"), *exchange, assistant("a")]
    store.write_messages("c", messages)
    retrieved = store.retrieve_messages("c", 1)

    assert [m.to_dict()["content"] for m in retrieved] == [m.to_dict()["content"] for m in messages]


def test_words_between_a_call_and_its_result_come_behind_it(store: StoredChatMessages) -> None:
    messages = [user("book it"), calls(A), user("no, wait"), result(A), assistant("ok")]
    store.write_messages("c", messages)
    retrieved = store.retrieve_messages("c", 1)

    assert broken(retrieved) == []
    assert [m.text for m in retrieved] == ["book it", None, None, "no, wait", "ok"]


def test_what_was_retrieved_in_another_order_is_not_written_again(
    store: StoredChatMessages,
) -> None:
    store.write_messages("c", [user("q"), calls(A), user("wait"), result(A), calls(B)])
    history = store.retrieve_messages("c")
    assert store.write_messages("c", [*history, user("next")]) == 1
    assert store.count_messages("c") == 6


def test_results_of_other_frameworks_hold_the_call_that_they_answer() -> None:
    def made(place: int) -> Any:
        function = {"name": "t", "arguments": f'{{"place":{place}}}'}
        return {"id": "same", "type": "function", "function": function}

    messages = [
        Stored(role="user", content="q"),
        Stored(role="assistant", additional_kwargs={"tool_calls": [made(1), made(2)]}),
        *(Stored(role="tool", content=n, additional_kwargs={"tool_call_id": "same"}) for n in "12"),
        Stored(role="assistant", additional_kwargs={"tool_calls": [made(3)]}),
        Stored(role="tool", content="3", additional_kwargs={"tool_call_id": "same"}),
        Stored(role="assistant", content="done"),
    ]
    with SimpleChatStore() as opened:
        opened.add_messages("c", messages)
        retrieved = StoredChatMessages(opened).retrieve_messages("c")

    results = [m.tool_call_result for m in retrieved if m.tool_call_result]
    assert [(r.origin.arguments["place"], r.result) for r in results] == [
        (1, "1"), (2, "2"), (3, "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["sync", "async"])
def test_replacing_is_one_write(
    store: StoredChatMessages, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_messages("c", a_round(1) + a_round(2))
    shorter = [user("summary"), *store.retrieve_messages("c", 1)]
    for forbidden in ("append", "delete"):
        monkeypatch.setattr(store.store.backend, forbidden, None)
    if by == "sync":
        assert store.replace_messages("c", shorter) == 5
    else:
        assert asyncio.run(store.replace_messages_async("c", shorter)) == 5

    assert contents(store.retrieve_messages("c", 2)) == contents(shorter)


def test_deep_copies_and_pickles_go_on(store: StoredChatMessages) -> None:
    store.write_messages("c", a_round(1))
    for again in (copy.copy(store), copy.deepcopy(store), pickle.loads(pickle.dumps(store))):
        assert contents(again.retrieve_messages("c")) == contents(a_round(1))


def test_system_messages_between_rounds_are_rounds_of_their_own(store_url: str) -> None:
    store = StoredChatMessages(store_url, skip_system_messages=False)
    system = ChatMessage.from_system("s")
    store.write_messages("c", [*a_round(1), system, *a_round(2)])

    assert len(store.retrieve_messages("c", 1)) == 4
    assert len(store.retrieve_messages("c", 2)) == 5
    assert len(store.retrieve_messages("c", 3)) == 9
    store.close()


def test_system_messages_are_skipped(store: StoredChatMessages) -> None:
    assert store.write_messages("c", [ChatMessage.from_system("s"), user("u")]) == 1


def test_what_is_held_is_not_written_again(store: StoredChatMessages) -> None:
    store.write_messages("c", a_round(1))
    history = store.retrieve_messages("c")

    assert store.write_messages("c", [*history, *a_round(2)]) == 4
    assert store.write_messages("c", store.retrieve_messages("c")) == 0
    assert store.count_messages("c") == 8


def test_equal_messages_without_ids_are_different_messages(store: StoredChatMessages) -> None:
    assert store.write_messages("c", [user("yes"), user("yes")]) == 2
    assert store.write_messages("c", [user("yes")]) == 1


def test_one_id_is_one_message_in_one_call_too(store: StoredChatMessages) -> None:
    twice = [user(text, meta={"chat_message_id": "1"}) for text in ("first", "second")]

    assert store.write_messages("c", twice) == 1
    assert contents(store.retrieve_messages("c")) == ["first"]


def test_repeated_ids_in_one_call_do_not_change_the_order(store: StoredChatMessages) -> None:
    first, second = user("first"), user("second")
    first.meta["chat_message_id"], second.meta["chat_message_id"] = "1", "2"
    assert store.write_messages("c", [first, second, first]) == 2
    assert contents(store.retrieve_messages("c")) == ["first", "second"]


def test_writers_at_once_write_each_message_once(store_url: str) -> None:
    async def main() -> None:
        store = StoredChatMessages(store_url, last_k=None)
        given_ids = [user(str(n), meta={"chat_message_id": str(n)}) for n in range(10)]
        written = await asyncio.gather(
            *(store.write_messages_async("c", given_ids[:n]) for n in range(11))
        )
        assert sum(written) == await store.count_messages_async("c") == 10
        await store.close_async()

    asyncio.run(main())


def test_async_is_the_same(store_url: str) -> None:
    async def main() -> None:
        store = StoredChatMessages(store_url, prefix="mine:")
        assert await store.write_messages_async("c", a_round(1) + a_round(2)) == 8
        assert contents(await store.retrieve_messages_async("c", 1)) == contents(a_round(2))
        await store.delete_messages_async("c")
        await store.write_messages_async("d", a_round(1))
        await store.delete_all_messages_async()
        assert await store.count_messages_async("d") == 0
        await store.close_async()
        with pytest.raises(StoreClosedError):
            await store.retrieve_messages_async("c")

    asyncio.run(main())


def test_deletes_all_of_its_prefix_and_no_more(store_url: str) -> None:
    with open_store(store_url) as opened:
        opened.add_message("other", Stored(role="user", content="hi"))
        store = StoredChatMessages(opened, prefix="haystack:")
        for key in ("a", "b"):
            store.write_messages(key, a_round(1))
        assert sorted(opened.get_keys("haystack:")) == ["haystack:a", "haystack:b"]
        store.delete_all_messages()
        assert opened.get_keys() == ["other"]
        store.close()
        assert opened.count_messages("other") == 1  # the application's store stays open


@pytest.mark.parametrize("messages", [[Stored(role="user")], ["hi"], user("hi"), None])
def test_other_things_than_messages_are_refused(store: StoredChatMessages, messages: Any) -> None:
    with pytest.raises(ValueError, match="Haystack's ChatMessage"):
        store.write_messages("c", messages)


@pytest.mark.parametrize("chat_history_id", ["", None, 1])
def test_a_history_needs_an_id_with_a_prefix_too(store_url: str, chat_history_id: Any) -> None:
    store = StoredChatMessages(store_url, prefix="mine:")
    for call_with_id in (
        lambda: store.write_messages(chat_history_id, [user("hi")]),
        lambda: store.replace_messages(chat_history_id, [user("hi")]),
        lambda: store.retrieve_messages(chat_history_id),
        lambda: store.count_messages(chat_history_id),
        lambda: store.delete_messages(chat_history_id),
        lambda: asyncio.run(store.write_messages_async(chat_history_id, [user("hi")])),
        lambda: asyncio.run(store.retrieve_messages_async(chat_history_id)),
    ):
        with pytest.raises(InvalidKeyError):
            call_with_id()
    wrong: Any = store.write_messages
    with pytest.raises(TypeError):
        wrong(messages=[user("hi")])
    store.close()


@pytest.mark.parametrize("other", [1, None, object(), InMemoryChatMessageStore()])
def test_other_stores_are_refused(other: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"not .*{type(other).__name__}"):
        StoredChatMessages(other)


def test_a_secret_without_a_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATSTORE_URL", raising=False)
    with pytest.raises(InvalidArgumentError, match="environment variable"):
        StoredChatMessages(Secret.from_env_var("CHATSTORE_URL", strict=False))


def test_unknown_settings_are_refused(store: StoredChatMessages) -> None:
    wrong: Any = StoredChatMessages
    with pytest.raises(TypeError, match="limitt"):
        wrong("sqlite://", limitt=1)
    data = store.to_dict()
    data["init_parameters"]["limitt"] = 1
    with pytest.raises(TypeError, match="limitt"):
        StoredChatMessages.from_dict(data)


def test_arguments_are_checked(store: StoredChatMessages) -> None:
    with pytest.raises(ValueError, match="last_k"):
        store.retrieve_messages("c", -1)
    with pytest.raises(InvalidKeyError):
        store.retrieve_messages("")
    with pytest.raises(UnknownSchemeError):
        StoredChatMessages("nosuch://")
