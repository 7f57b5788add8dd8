"""How often answers are written, and what happens when a write fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ConversationNotFoundError,
    InvalidArgumentError,
    InvalidMessageError,
    MessageNotFoundError,
    SimpleChatStore,
    StoreClosedError,
    StoreFullError,
    StoreUnavailableError,
)
from chatstore.core.backend import Plan, Put, WrapperBackend
from chatstore.http import Answer, Answers
from chatstore.http.paths import segment_name

KEY = "k"
COMPLETED = {"status": "completed"}
CANCELLED = {"status": "incomplete", "incomplete_reason": "cancelled"}


class WatchedBackend(WrapperBackend[Any]):
    """Remembers what is put, and fails when the test says so."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__(SimpleChatStore().backend)
        self.bodies: list[str] = []
        self.fail: Callable[[], None] = lambda: None

    def put(self, key: str, write: Put) -> Plan[Any, None]:
        """See `Backend.put`."""
        self.fail()
        yield from self.inner.put(key, write)
        self.bodies.append(write.record.body)


class SmallBackend(WatchedBackend):
    """Stores small messages only."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.max_message_bytes = 1000


@pytest.fixture
def backend() -> WatchedBackend:
    return WatchedBackend()


@pytest.fixture
def store(backend: WatchedBackend) -> ChatStore:
    store = ChatStore(backend)
    store.create_conversation(KEY, owner="anna")
    return store


def only_message(store: ChatStore) -> ChatMessage:
    [message] = store.get_messages(KEY)
    return message


async def written(backend: WatchedBackend, number: int) -> None:
    """Wait until this number of writes took place."""
    while len(backend.bodies) < number:  # noqa: ASYNC110 - the backend is not async
        await asyncio.sleep(0)


def test_a_partial_answer_is_written_once_in_an_interval(
    store: ChatStore, backend: WatchedBackend
) -> None:
    async def run() -> None:
        async with Answers(store, interval=60).open(KEY, owner="anna") as answer:
            answer.append("0")
            await written(backend, 1)
            for number in range(1, 1000):
                answer.append(f" {number}")
                await asyncio.sleep(0)

    asyncio.run(run())
    assert len(backend.bodies) == 2
    assert '"in_progress"' in backend.bodies[0]
    message = only_message(store)
    assert message.content == " ".join(str(number) for number in range(1000))
    assert message.metadata == COMPLETED


def test_nothing_is_written_while_nothing_changes(
    store: ChatStore, backend: WatchedBackend
) -> None:
    async def run() -> None:
        async with Answers(store, interval=0).open(KEY, owner="anna") as answer:
            for number in (1, 2):
                answer.append("x")
                await written(backend, number)
                for _ in range(100):
                    await asyncio.sleep(0)

    asyncio.run(run())
    assert len(backend.bodies) == 3


def test_blocks_and_metadata(store: ChatStore) -> None:
    blocks = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]

    async def run() -> None:
        opened = Answers(store).open(KEY, owner="anna", metadata={"model": "m"})
        with pytest.raises(InvalidArgumentError, match="async with"):
            opened.append("x")
        async with opened as answer:
            answer.set_content(blocks, {"name": "bot"})
            answer.metadata["usage"] = 3
            with pytest.raises(InvalidArgumentError, match="set_content"):
                answer.append("x")

    asyncio.run(run())
    message = only_message(store)
    assert message == ChatMessage(
        role="assistant", content=blocks, additional_kwargs={"name": "bot"}
    )
    assert message.metadata == {"model": "m", "usage": 3, **COMPLETED}


async def cancel(store: ChatStore, backend: WatchedBackend, answer: Answer) -> None:
    """Cancel a task in the block of an answer."""

    async def grow() -> None:
        async with answer:
            answer.append("x")
            await written(backend, 1)
            answer.append("y")
            await asyncio.Event().wait()

    task = asyncio.create_task(grow())
    await written(backend, 1)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert only_message(store).content == "xy"


def test_a_cancelled_answer_is_written(store: ChatStore, backend: WatchedBackend) -> None:
    asyncio.run(cancel(store, backend, Answers(store, interval=60).open(KEY, owner="anna")))
    assert only_message(store).metadata == CANCELLED


def test_answers_are_written_before_the_event_loop_ends(
    store: ChatStore, backend: WatchedBackend
) -> None:
    async def leave() -> None:
        answer = await Answers(store, interval=60).open(KEY, owner="anna").__aenter__()
        answer.append("x")
        await written(backend, 1)
        answer.append("y")

    asyncio.run(leave())
    message = only_message(store)
    assert (message.content, message.metadata) == ("xy", CANCELLED)


def test_finish_ends_answers_and_waits(store: ChatStore) -> None:
    async def run() -> None:
        answers = Answers(store, interval=60)
        async with answers:
            answer = await answers.open(KEY, owner="anna").__aenter__()
            answer.append("x")
        assert only_message(store).metadata == CANCELLED
        with pytest.raises(StoreClosedError):
            answer.append("y")

    asyncio.run(run())
    assert only_message(store).content == "x"


def test_an_application_that_ends_writes_answers_before_the_store_is_closed(
    store: ChatStore, backend: WatchedBackend
) -> None:
    async def run() -> None:
        answers = Answers(store, interval=60)
        async with answers.lifespan(None):
            answer = await answers.open(KEY, owner="anna").__aenter__()
            answer.append("x")
            await written(backend, 1)
            answer.append("y")
        with pytest.raises(StoreClosedError):
            await store.async_check()

    asyncio.run(run())
    assert '"content":"xy"' in backend.bodies[-1]


@pytest.mark.parametrize("failures", [1, 3])
def test_a_store_that_fails_for_a_while_loses_nothing(
    store: ChatStore, backend: WatchedBackend, failures: int
) -> None:
    remaining = [None] * failures

    def fail() -> None:
        if remaining:
            remaining.pop()
            raise StoreUnavailableError("down")

    async def run() -> None:
        backend.fail = fail
        async with Answers(store, interval=60).open(KEY, owner="anna") as answer:
            answer.append("x")

    asyncio.run(run())
    message = only_message(store)
    assert (message.content, message.metadata) == ("x", COMPLETED)


def test_a_store_that_refuses_ends_the_answer(
    store: ChatStore, backend: WatchedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise StoreFullError("full")

    async def run() -> None:
        async with Answers(store, interval=0).open(KEY, owner="anna") as answer:
            backend.fail = fail
            while True:
                answer.append("x")
                await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR, "chatstore.http"), pytest.raises(StoreFullError):
        asyncio.run(run())
    assert "an answer was not saved" in caplog.text


def test_an_answer_that_becomes_too_large_keeps_its_beginning() -> None:
    backend = SmallBackend()
    small = ChatStore(backend)
    small.create_conversation(KEY, owner="anna")

    async def run() -> None:
        async with Answers(small, interval=0).open(KEY, owner="anna") as answer:
            answer.append("x" * 100)
            await written(backend, 1)
            while True:
                answer.append("y" * 1000)
                await asyncio.sleep(0)

    with pytest.raises(InvalidArgumentError, match="1000"):
        asyncio.run(run())
    message = only_message(small)
    assert message.content == "x" * 100
    assert message.metadata == {"status": "incomplete", "incomplete_reason": "too_large"}


def test_metadata_that_cannot_be_stored_ends_the_answer(
    store: ChatStore, backend: WatchedBackend
) -> None:
    async def run() -> None:
        async with Answers(store, interval=60).open(KEY, owner="anna") as answer:
            answer.append("x")
            await written(backend, 1)
            answer.metadata["usage"] = object()

    with pytest.raises(InvalidMessageError):
        asyncio.run(run())
    assert only_message(store).metadata == {"status": "incomplete", "incomplete_reason": "error"}


def test_an_answer_that_was_removed_does_not_come_back(
    store: ChatStore, backend: WatchedBackend
) -> None:
    """A client hangs up, and truncates the conversation before the last write."""

    async def run() -> None:
        async with Answers(store, interval=60).open(KEY, owner="anna") as answer:
            answer.append("x")
            await written(backend, 1)
            answer.append("y")
            store.truncate(KEY, from_id=answer.message_id)

    with pytest.raises(MessageNotFoundError):
        asyncio.run(run())
    assert store.get_messages(KEY) == []


def test_a_server_that_reports_a_lost_client_by_an_error(store: ChatStore) -> None:
    """Starlette does not close the generator then (ASGI 2.4)."""
    is_closed: list[bool] = []

    async def model() -> AsyncIterator[str]:
        try:
            yield "In"
            yield " Alfama"
            await asyncio.Event().wait()
        finally:
            is_closed.append(True)

    async def send(message: Message) -> None:
        if message.get("body") == b" Alfama":
            raise OSError

    async def receive() -> Message:
        return await asyncio.Event().wait() and {}

    async def run() -> None:
        response = await Answers(store, interval=60).stream(KEY, model(), owner="anna")
        with pytest.raises(ClientDisconnect):
            await response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)
        assert is_closed
        assert only_message(store).metadata == CANCELLED

    asyncio.run(run())
    assert only_message(store).content == "In Alfama"


@pytest.mark.parametrize("message_id", ["m1", "€", "x\r\nset-cookie: a=b", "a/b"])
def test_any_id_fits_in_the_header(store: ChatStore, message_id: str) -> None:
    async def model() -> AsyncIterator[str]:
        yield "Yes."

    async def run() -> str:
        answers = Answers(store)
        response = await answers.stream(KEY, model(), owner="anna", message_id=message_id)
        return str(response.headers["chatstore-message-id"])

    header = asyncio.run(run())
    assert segment_name(header) == message_id
    assert header.isascii()
    assert header.isprintable()


def test_an_id_that_is_not_valid_is_refused_at_once(store: ChatStore) -> None:
    for message_id in ("x" * 256, "\ud800"):
        with pytest.raises(InvalidArgumentError, match="id"):
            Answers(store).open(KEY, owner="anna", message_id=message_id)


def test_only_the_owner_can_answer(store: ChatStore) -> None:
    async def run(owner: str, key: str) -> None:
        async with Answers(store).open(key, owner=owner):
            raise AssertionError

    for owner, key in (("bob", KEY), ("anna", "missing")):
        with pytest.raises(ConversationNotFoundError):
            asyncio.run(run(owner, key))
    assert store.get_messages(KEY) == []
    with pytest.raises(InvalidArgumentError, match="owner"):
        asyncio.run(run("", KEY))
    intervals: list[Any] = [-1, float("nan"), "1"]
    for interval in intervals:
        with pytest.raises(InvalidArgumentError, match="interval"):
            Answers(store, interval=interval)
