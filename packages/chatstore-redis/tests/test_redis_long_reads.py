"""Reads of whole conversations: several scripts, what is decoded in between, one moment."""

import asyncio

import pytest
import redis
import redis.asyncio

import chatstore.redis_scripts.store
from chatstore.core import ChatMessage, CorruptMessageError, StoreUnavailableError, codec
from chatstore.core.backend import run
from chatstore.redis import RedisChatStore
from chatstore.redis.commands import Commands
from chatstore.redis_scripts import scripts


def message(text):
    return ChatMessage(role="user", content=str(text))


@pytest.fixture
def store(url, monkeypatch):
    """Return a store with pages of 2, 4, 8 and 8 messages."""
    with RedisChatStore(url) as store:
        monkeypatch.setattr(RedisChatStore, "pages", (2, 8))
        yield store


def read(store, mode):
    async def scenario():
        messages = await store.async_get_messages("k")
        await store.async_close()
        return messages

    return store.get_messages("k") if mode == "sync" else asyncio.run(scenario())


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("length", range(32))
def test_pages_of_all_sizes(store, mode, length):
    messages = [message(number) for number in range(length)]
    store.set_messages("k", messages)
    assert read(store, mode) == messages


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_page_is_decoded_while_the_next_is_on_its_way(store, url, monkeypatch, mode):
    store.set_messages("k", [message(number) for number in range(7)])
    read(store, "sync")  # the server knows the script
    seen = []

    def noting(place, name, word):
        original = getattr(place, name)

        def noted(*arguments, **options):
            seen.append(word)
            return original(*arguments, **options)

        monkeypatch.setattr(place, name, noted)

    async def scenario():
        async with RedisChatStore(url) as other:
            await other.async_count_messages("k")  # connected
            seen.clear()
            return await other.async_get_messages("k")

    package = redis if mode == "sync" else redis.asyncio
    noting(package.Connection, "send_packed_command", "send")
    noting(package.Connection, "read_response", "read")
    noting(codec, "decode_all", "decode")
    assert len(store.get_messages("k") if mode == "sync" else asyncio.run(scenario())) == 7
    assert seen == [
        *["send", "read"],
        *["send", "decode", "read"],
        *["send", "decode", "read"],
        "decode",
    ]


@pytest.mark.parametrize("length", [1, 2, 3, 6, 7, 13, 14, 15])
def test_pages_of_a_client_that_the_caller_brings(client, store, length):
    messages = [message(number) for number in range(length)]
    store.set_messages("k", messages)
    with RedisChatStore(client=client) as given:
        assert given.get_messages("k") == messages


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_gaps_between_the_positions(store, mode):
    store.set_messages("k", [message(number) for number in range(30)])
    for index in (28, 20, 15, 7, 3, 2, 0):
        store.delete_message("k", index)
    left = [number for number in range(30) if number not in {28, 20, 15, 7, 3, 2, 0}]
    assert read(store, mode) == [message(number) for number in left]


@pytest.fixture
def changing(store, url, monkeypatch):
    """Return a function that has another store do something after a read's script."""
    others = RedisChatStore(url)
    changes = []

    class Changed(Commands):
        def run(self, script, keys, args, meanwhile=None):
            reply = super().run(script, keys, args, meanwhile)
            if script is scripts.READ and changes:
                changes.pop(0)(others)
            return reply

    def make():
        client = store._clients.for_threads()
        monkeypatch.setattr(store, "_execute", lambda plan: run(plan, Changed(client, run)))
        return changes

    yield make
    others.close()


CHANGES = {
    "removed": lambda other: other.delete_message("k", 0),
    "inserted": lambda other: other.add_message("k", message("first"), 0),
    "replaced": lambda other: other.set_messages("k", [message("new")] * 9),
    "deleted": lambda other: other.delete_messages("k"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_between_two_pages_shows_wholly(store, changing, what):
    store.set_messages("k", [message(number) for number in range(12)])
    changes = changing()
    changes += [lambda _: None, CHANGES[what]]
    messages = store.get_messages("k")
    assert not changes
    assert messages == store.get_messages("k")


def test_appended_meanwhile(store, changing):
    store.set_messages("k", [message(number) for number in range(4)])
    changes = changing()
    changes += [lambda other: other.add_message("k", message(4))]
    changes += [lambda other: other.add_message("k", message(5))]
    # The moment is that of the last page: the first append was before it, the other after.
    assert store.get_messages("k") == [message(number) for number in range(5)]


def test_a_conversation_that_never_rests_is_read_by_one_script(store, changing):
    store.set_messages("k", [message(number) for number in range(200)])
    changes = changing()
    changes += [CHANGES["removed"]] * 150
    # Of the first attempt two scripts were run, and one of the second.
    assert store.get_messages("k") == [message(number) for number in range(2, 200)]
    assert len(changes) == 147


def test_one_that_never_rests_and_is_too_long_cannot_be_read(store, changing, monkeypatch):
    monkeypatch.setattr(chatstore.redis_scripts.store, "_PAGE", 8)
    store.set_messages("k", [message(number) for number in range(200)])
    changes = changing()
    changes += [CHANGES["removed"]] * 150
    with pytest.raises(StoreUnavailableError, match="again and again"):
        store.get_messages("k")


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_damaged_message_of_a_later_page_is_named(client, store, mode):
    store.set_messages("k", [message(number) for number in range(9)])
    name = client.zrange("chatstore:{k}:order", 4, 4)[0]
    position = int(client.zscore("chatstore:{k}:order", name))
    client.hset("chatstore:{k}:bodies", name, b'{"v":1,' + b"0" * 28)
    with pytest.raises(CorruptMessageError) as caught:
        read(store, mode)
    assert caught.value.position == position
