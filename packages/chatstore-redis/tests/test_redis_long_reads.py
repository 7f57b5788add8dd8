"""Reads of whole conversations: several scripts, decoding in between, one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
from redis_interception import Interceptor, backend_of, intercept

from chatstore.core import ChatMessage, CorruptMessageError, StoreUnavailableError, codec
from chatstore.core.testing.messages import message
from chatstore.redis import RedisChatStore
from chatstore.redis.protocol import RedisProtocol
from chatstore.redis_scripts import Attempt, Command, reading, scripts


@pytest.fixture
def store(url: str) -> Iterator[RedisChatStore]:
    """Return a store with pages of 2, 4, 8 and 8 messages."""
    with RedisChatStore(url) as store:
        limits = backend_of(store).limits._replace(first_page=2, largest_page=8)
        backend_of(store).limits = limits
        yield store


def read(store: RedisChatStore, mode: str) -> list[ChatMessage]:
    async def scenario() -> Any:
        messages = await store.async_get_messages("k")
        await store.async_close()
        return messages

    return store.get_messages("k") if mode == "sync" else asyncio.run(scenario())


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("length", range(32))
def test_pages_of_all_sizes(store: RedisChatStore, mode: str, length: int) -> None:
    messages = [message(str(number)) for number in range(length)]
    store.set_messages("k", messages)
    assert read(store, mode) == messages


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_page_is_decoded_while_the_next_is_on_its_way(
    store: RedisChatStore, url: str, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    store.set_messages("k", [message(str(number)) for number in range(7)])
    read(store, "sync")  # the server knows the script
    seen = []

    def note(owner: Any, name: str, word: Any) -> None:
        original = getattr(owner, name)

        def noted(*arguments: Any, **options: Any) -> Any:
            seen.append(word)
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, noted)

    async def scenario() -> Any:
        async with RedisChatStore(url) as other:
            backend_of(other).limits = backend_of(store).limits
            await other.async_get_messages("k", last=1)  # connected
            seen.clear()
            return await other.async_get_messages("k")

    note(redis.Connection, "send_packed_command", "send")
    note(redis.Connection, "read_response", "read")
    note(RedisProtocol, "_flush", "send")
    note(RedisProtocol, "_receive", "read")
    note(codec, "decode_all", "decode")
    assert len(store.get_messages("k") if mode == "sync" else asyncio.run(scenario())) == 7
    assert seen == [
        *["send", "read"],
        *["send", "decode", "read"],
        *["send", "decode", "read"],
        "decode",
    ]


@pytest.mark.parametrize("length", [1, 2, 3, 6, 7, 13, 14, 15])
def test_pages_of_a_callers_client(client: Any, store: RedisChatStore, length: int) -> None:
    messages = [message(str(number)) for number in range(length)]
    store.set_messages("k", messages)
    with RedisChatStore(client=client) as other:
        assert other.get_messages("k") == messages


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_gaps_between_the_positions(store: RedisChatStore, mode: str) -> None:
    store.set_messages("k", [message(str(number)) for number in range(30)])
    for index in (28, 20, 15, 7, 3, 2, 0):
        store.delete_message("k", index)
    left = [number for number in range(30) if number not in {28, 20, 15, 7, 3, 2, 0}]
    assert read(store, mode) == [message(str(number)) for number in left]


@pytest.fixture
def changing(store: RedisChatStore, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that lets another store change something after each reading script."""
    others = RedisChatStore(url)
    changes: list[Change] = []

    class Changing(Interceptor):
        def send(self, command: Command, attempt: Attempt) -> Any:
            reply = super().send(command, attempt)
            if {scripts.READ.sha, scripts.READ.source} & set(command) and changes:
                changes.pop(0)(others)
            return reply

    def make() -> list[Change]:
        intercept(monkeypatch, store, Changing)
        return changes

    yield make
    others.close()


Change = Callable[[RedisChatStore], object]
CHANGES: dict[str, Change] = {
    "removed": lambda other: other.delete_message("k", 0),
    "inserted": lambda other: other.add_message("k", message("first"), 0),
    "replaced": lambda other: other.set_messages("k", [message("new")] * 9),
    "put": lambda other: other.put_message("k", message("new", id="0")),
    "truncated": lambda other: other.truncate("k", from_id="10"),
    "deleted": lambda other: other.delete_messages("k"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_between_two_pages_is_read_as_a_whole(
    store: RedisChatStore, changing: Any, what: str
) -> None:
    store.set_messages("k", [message(str(number), id=str(number)) for number in range(12)])
    changes = changing()
    changes += [lambda _: None, CHANGES[what]]
    messages = store.get_messages("k")
    assert not changes
    assert messages == store.get_messages("k")


def test_appended_meanwhile(store: RedisChatStore, changing: Any) -> None:
    store.set_messages("k", [message(str(number)) for number in range(4)])
    changes = changing()
    changes += [lambda other: other.add_message("k", message("4"))]
    changes += [lambda other: other.add_message("k", message("5"))]
    # The result is that of the last page: the first append came before it, the second after.
    assert store.get_messages("k") == [message(str(number)) for number in range(5)]


def test_a_conversation_that_never_rests_is_read_by_one_script(
    store: RedisChatStore, changing: Any
) -> None:
    store.set_messages("k", [message(str(number)) for number in range(200)])
    changes = changing()
    changes += [CHANGES["removed"]] * 150
    # The first attempt ran two scripts, the second attempt one.
    assert store.get_messages("k") == [message(str(number)) for number in range(2, 200)]
    assert len(changes) == 147


def test_one_that_never_rests_and_is_too_long_cannot_be_read(
    store: RedisChatStore, changing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_PART", 8)
    store.set_messages("k", [message(str(number)) for number in range(200)])
    changes = changing()
    changes += [CHANGES["removed"]] * 150
    with pytest.raises(StoreUnavailableError, match="again and again"):
        store.get_messages("k")


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_damaged_message_of_a_later_page_is_named(
    client: Any, store: RedisChatStore, mode: str
) -> None:
    store.set_messages("k", [message(str(number)) for number in range(9)])
    name = client.zrange("chatstore:{k}:order", 4, 4)[0]
    position = int(client.zscore("chatstore:{k}:order", name))
    client.hset("chatstore:{k}:bodies", name, b'{"v":1,' + b"0" * 28)
    with pytest.raises(CorruptMessageError) as caught:
        read(store, mode)
    assert caught.value.position == position
