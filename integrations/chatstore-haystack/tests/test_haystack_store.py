"""The store keeps the protocol: rounds, ids, saved pipelines."""

from __future__ import annotations

import asyncio

import pytest
from haystack import Pipeline
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.joiners import ListJoiner
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.utils import Secret
from haystack_experimental.chat_message_stores.in_memory import InMemoryChatMessageStore
from haystack_experimental.components.retrievers import ChatMessageRetriever
from haystack_experimental.components.writers import ChatMessageWriter
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core import (
    ChatMessage as Stored,
)
from chatstore.core import (
    InvalidArgumentError,
    InvalidKeyError,
    SimpleChatStore,
    StoreClosedError,
    UnknownSchemeError,
    open_store,
)
from chatstore.haystack import StoredChatMessages

user, said = ChatMessage.from_user, ChatMessage.from_assistant
CALL = ToolCall("t", {}, id="c")


@pytest.fixture
def store(store_url):
    opened = StoredChatMessages(store_url)
    yield opened
    opened.close()


def texts(messages):
    return [message.text for message in messages]


def a_round(number):
    return [
        user(f"question {number}"),
        said(tool_calls=[CALL]),
        ChatMessage.from_tool("1", origin=CALL),
        said(f"answer {number}"),
    ]


def test_writes_and_retrieves(store):
    assert store.retrieve_messages("c") == []
    assert store.write_messages("c", a_round(1) + a_round(2)) == 8
    assert store.count_messages("c") == 8
    assert texts(store.retrieve_messages("c")) == texts(a_round(1) + a_round(2))
    store.delete_messages("c")
    assert store.retrieve_messages("c") == []


def test_retrieves_rounds(store):
    for number in range(30):
        store.write_messages("c", a_round(number))

    for count in (1, 2, 7, 29, 30, 31):
        found = store.retrieve_messages("c", count)
        assert len(found) == 4 * min(count, 30)
        assert found[0].text == f"question {max(0, 30 - count)}"
    assert len(store.retrieve_messages("c")) == 4 * 10
    assert store.retrieve_messages("c", 0) == []
    store.last_k = None
    assert len(store.retrieve_messages("c")) == 4 * 30


def test_long_rounds_are_read_whole(store):
    calls = [said(tool_calls=[CALL]), ChatMessage.from_tool("1", origin=CALL)] * 100
    store.write_messages("c", [*a_round(1), user("long"), *calls, said("done")])

    assert store.retrieve_messages("c", 1)[0].text == "long"
    assert len(store.retrieve_messages("c", 1)) == 202


KINDS = {
    "user": user("u"),
    "answer": said("a"),
    "call": said(tool_calls=[CALL]),
    "call and text": said("look", tool_calls=[CALL]),
    "result": ChatMessage.from_tool("1", origin=CALL),
    "empty": said(""),
}


@given(st.lists(st.sampled_from(list(KINDS)), max_size=20), st.integers(0, 6))
def test_rounds_are_those_of_haystacks_own_store(kinds, last_k):
    messages = [KINDS[kind] for kind in kinds]
    theirs = InMemoryChatMessageStore()
    theirs.delete_all_messages()
    theirs.write_messages("c", messages)
    with SimpleChatStore() as opened:
        ours = StoredChatMessages(opened)
        ours.write_messages("c", messages)
        found = ours.retrieve_messages("c", last_k)

    assert texts(found) == texts(theirs.retrieve_messages("c", last_k))


def test_system_messages_between_rounds_are_rounds_of_their_own(store_url):
    store = StoredChatMessages(store_url, skip_system_messages=False)
    system = ChatMessage.from_system("s")
    store.write_messages("c", [*a_round(1), system, *a_round(2)])

    assert len(store.retrieve_messages("c", 1)) == 4
    assert len(store.retrieve_messages("c", 2)) == 5
    assert len(store.retrieve_messages("c", 3)) == 9
    store.close()


def test_system_messages_are_skipped(store):
    assert store.write_messages("c", [ChatMessage.from_system("s"), user("u")]) == 1


def test_what_is_held_is_not_written_again(store):
    store.write_messages("c", a_round(1))
    history = store.retrieve_messages("c")

    assert store.write_messages("c", [*history, *a_round(2)]) == 4
    assert store.write_messages("c", store.retrieve_messages("c")) == 0
    assert store.count_messages("c") == 8


def test_equal_messages_without_ids_are_different_messages(store):
    assert store.write_messages("c", [user("yes"), user("yes")]) == 2
    assert store.write_messages("c", [user("yes")]) == 1


def test_one_id_is_one_message_in_one_call_too(store):
    twice = [user(text, meta={"chat_message_id": "1"}) for text in ("first", "second")]

    assert store.write_messages("c", twice) == 1
    assert texts(store.retrieve_messages("c")) == ["first"]


def test_writers_at_once_write_each_message_once(store_url):
    async def main():
        store = StoredChatMessages(store_url, last_k=None)
        given_ids = [user(str(n), meta={"chat_message_id": str(n)}) for n in range(10)]
        written = await asyncio.gather(
            *(store.write_messages_async("c", given_ids[:n]) for n in range(11))
        )
        assert sum(written) == await store.count_messages_async("c") == 10
        await store.close_async()

    asyncio.run(main())


def test_async_is_the_same(store_url):
    async def main():
        store = StoredChatMessages(store_url, prefix="mine:")
        assert await store.write_messages_async("c", a_round(1) + a_round(2)) == 8
        assert texts(await store.retrieve_messages_async("c", 1)) == texts(a_round(2))
        await store.delete_messages_async("c")
        await store.write_messages_async("d", a_round(1))
        await store.delete_all_messages_async()
        assert await store.count_messages_async("d") == 0
        await store.close_async()
        with pytest.raises(StoreClosedError):
            await store.retrieve_messages_async("c")

    asyncio.run(main())


def test_deletes_all_of_its_prefix_and_no_more(store_url):
    with open_store(store_url) as opened:
        opened.add_message("other", Stored(role="user", content="hi"))
        store = StoredChatMessages(opened, prefix="haystack:")
        for key in ("a", "b"):
            store.write_messages(key, a_round(1))
        assert sorted(opened.get_keys("haystack:")) == ["haystack:a", "haystack:b"]
        store.delete_all_messages()
        assert opened.get_keys() == ["other"]
        store.close()
        assert opened.count_messages("other") == 1  # the store is the application's


@pytest.mark.parametrize("messages", [[Stored(role="user")], ["hi"], user("hi"), None])
def test_other_things_than_messages_are_refused(store, messages):
    with pytest.raises(ValueError, match="Haystack's ChatMessage"):
        store.write_messages("c", messages)


def test_arguments_are_checked(store):
    with pytest.raises(ValueError, match="last_k"):
        store.retrieve_messages("c", -1)
    with pytest.raises(InvalidKeyError):
        store.retrieve_messages("")
    with pytest.raises(UnknownSchemeError):
        StoredChatMessages("nosuch://")


def test_settings_are_saved(store_url):
    store = StoredChatMessages(store_url, prefix="p:", skip_system_messages=False, last_k=3)
    store.write_messages("c", a_round(1))
    again = StoredChatMessages.from_dict(store.to_dict())

    assert again.to_dict() == store.to_dict()
    assert (again.prefix, again.skip_system_messages, again.last_k) == ("p:", False, 3)
    assert again.count_messages("c") == 4
    store.close()
    again.close()


def test_passwords_are_never_saved(store_url, monkeypatch, tmp_path):
    with SimpleChatStore() as opened, pytest.raises(InvalidArgumentError, match="URL"):
        StoredChatMessages(opened).to_dict()
    monkeypatch.setenv("CHATSTORE_URL", store_url)
    secret = StoredChatMessages(Secret.from_env_var("CHATSTORE_URL"))
    secret.write_messages("c", a_round(1))
    assert store_url not in str(secret.to_dict())
    again = StoredChatMessages.from_dict(secret.to_dict())
    assert again.count_messages("c") == 4
    secret.close()
    again.close()


def test_a_url_with_a_password_is_refused_when_saved(monkeypatch):
    monkeypatch.setattr("chatstore.haystack.store.open_store", lambda url: SimpleChatStore())
    store = StoredChatMessages("redis://user:1234@localhost/0")
    with pytest.raises(InvalidArgumentError, match="Secret") as caught:
        store.to_dict()
    assert "1234" not in str(caught.value)


def pipeline(store):
    made = Pipeline()
    made.add_component("reader", ChatMessageRetriever(store))
    made.add_component("model", MockChatGenerator())
    made.add_component("joiner", ListJoiner(list[ChatMessage]))
    made.add_component("writer", ChatMessageWriter(store))
    made.connect("reader.messages", "model.messages")
    made.connect("model.replies", "joiner")
    made.connect("joiner", "writer.messages")
    return made


def test_pipelines_run_on_it_and_continue_after_they_were_saved(store):
    first = pipeline(store)
    second = Pipeline.loads(
        first.dumps(), allowed_modules=["chatstore.haystack", "haystack_experimental"]
    )
    for made, text in ((first, "one"), (second, "two")):
        asked = [user(text)]
        made.run(
            {
                "reader": {"chat_history_id": "c", "current_messages": asked},
                "joiner": {"values": asked},
                "writer": {"chat_history_id": "c"},
            }
        )
    second.get_component("reader").chat_message_store.close()
    second.get_component("writer").chat_message_store.close()

    assert texts(store.retrieve_messages("c")) == ["one", "one", "two", "two"]
