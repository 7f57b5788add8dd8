"""What spans contain, whose children they are, and what they never contain."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from recorded import Recorded, attributes_of

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    ChatStoreError,
    ConversationExistsError,
    InvalidKeyError,
    SimpleChatStore,
    StoreUnavailableError,
)
from chatstore.core.backend import Plan, WrapperBackend, call
from chatstore.core.layers import PrefixedBackend
from chatstore.core.testing.messages import message
from chatstore.opentelemetry import TracedBackend
from chatstore.sqlite import SQLiteChatStore

SECRET = "hunter2"


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def store(recorded: Recorded) -> ChatStore:
    return ChatStore(TracedBackend(SimpleChatStore().backend, **recorded.providers))


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    number: int = span.context.span_id
    return number


def test_attributes(recorded: Recorded, store: ChatStore) -> None:
    body_bytes = len(SimpleChatStore().json())
    store.add_messages("k", [message("a"), message("é")])
    store.get_messages("k")
    store.get_messages("k", last=1)
    written, read, newest = map(attributes_of, recorded.spans)
    size = written.pop("chatstore.bytes.written")
    assert size > 2 * body_bytes
    common = {"db.system.name": "memory", "chatstore.attempts": 1, "gen_ai.conversation.id": "k"}
    assert written == {
        **common,
        "db.operation.name": "add_messages",
        "chatstore.messages.written": 2,
    }
    assert read == {
        **common,
        "db.operation.name": "get_messages",
        "chatstore.messages.read": 2,
        "chatstore.bytes.read": size,
        "db.response.returned_rows": 2,
    }
    assert newest["chatstore.messages.read"] == 1
    assert newest["chatstore.bytes.read"] == size - read["chatstore.bytes.read"] // 2
    assert {span.kind for span in recorded.spans} == {SpanKind.CLIENT}
    assert {span.status.status_code for span in recorded.spans} == {StatusCode.UNSET}


def test_every_kind_of_write_and_read_is_counted(recorded: Recorded, store: ChatStore) -> None:
    counts: list[tuple[str, Any, Any]] = []
    store.add_message("k", message("a"))
    store.add_message("k", message("first"), 0)
    store.put_message("k", message("put", id="p"))
    store.set_messages("k", [message("a"), message("b", id="b"), message("c", id="c")])
    list(store.iter_messages("k"))
    store.page_messages("k", before="c", limit=1)
    store.get_message("k", "c")
    store.snapshot("k")
    store.delete_message("k", 0)
    store.remove_message("k", "c")
    store.truncate("k", from_id="b")
    store.count_messages("k")
    for span in recorded.spans:
        values = attributes_of(span)
        assert values["gen_ai.conversation.id"] == "k"
        counts.append(
            (
                values["db.operation.name"],
                values.get("chatstore.messages.written"),
                values.get("chatstore.messages.read"),
            )
        )
    assert counts == [
        ("add_message", 1, None),
        ("add_message", 1, None),
        ("put_message", 1, None),
        ("set_messages", 3, None),
        ("iter_messages", None, 3),
        ("page_messages", None, 3),
        ("get_message", None, 1),
        ("snapshot", None, 3),
        ("delete_message", None, 1),
        ("remove_message", None, 1),
        ("truncate", None, None),
        ("count_messages", None, None),
    ]


def test_calls_for_several_conversations_or_none_have_no_conversation_id(
    recorded: Recorded, store: ChatStore
) -> None:
    for key in ("one", "two"):
        store.create_conversation(key, owner="ann", title="secret title")
    store.list_conversations(owner="ann")
    store.get_keys()
    store.check()
    store.fork("one", "three")
    store.delete_conversations(owner="ann")
    spans = [attributes_of(span) for span in recorded.spans]
    ids = [span.get("gen_ai.conversation.id") for span in spans]
    assert ids == ["one", "two", None, None, None, None, None]
    assert "ann" not in str(spans)
    assert "title" not in str(spans)


def test_spans_are_children_of_the_callers_span(recorded: Recorded, tmp_path: Path) -> None:
    """Sync, async and on threads; the drivers' spans are children of the call's span."""
    tracer = recorded.tracer_provider.get_tracer("test")

    class Driver(WrapperBackend[Any]):
        def count(self, key: str) -> Plan[Any, int]:
            yield from call(lambda _: tracer.start_span("driver").end())
            return (yield from self.inner.count(key))

    inner = Driver(SQLiteChatStore(tmp_path / "chat.db", max_connections=1).backend)
    with ChatStore(TracedBackend(inner, **recorded.providers)) as store:
        with tracer.start_as_current_span("sync"):
            store.count_messages("k")

        async def turn() -> None:
            with tracer.start_as_current_span("async"):
                await asyncio.gather(*(store.async_count_messages("k") for _ in range(3)))
            tracer.start_span("after").end()

        asyncio.run(turn())
        asyncio.run(ChatStore(inner).async_count_messages("k"))  # untraced, on the same thread
        thread = threading.Thread(target=store.count_messages, args=("k",))
        thread.start()
        thread.join()
        tracer.start_span("after").end()
    by_id = {id_of(span): span for span in recorded.spans}
    parents = [
        (span.name, None if parent_of(span) is None else by_id[parent_of(span) or 0].name)
        for span in recorded.spans
    ]
    pair = [("driver", "count_messages")]
    assert sorted(parents, key=str) == sorted(
        [
            *pair * 5,
            ("driver", None),
            ("count_messages", "sync"),
            *[("count_messages", "async")] * 3,
            ("count_messages", None),
            *[("after", None)] * 2,
            ("sync", None),
            ("async", None),
        ],
        key=str,
    )


def test_errors_have_a_class_and_the_stores_message(recorded: Recorded, store: ChatStore) -> None:
    store.create_conversation("k")
    with pytest.raises(ConversationExistsError):
        store.create_conversation("k")
    span = recorded.spans[-1]
    assert attributes_of(span)["error.type"] == "chatstore.core.errors.ConversationExistsError"
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "a conversation with this key exists already"
    assert span.events == ()


def test_arguments_that_are_refused_make_no_span(recorded: Recorded, store: ChatStore) -> None:
    with pytest.raises(InvalidKeyError):
        store.get_messages("")
    assert recorded.spans == []


@pytest.mark.parametrize("is_translated", [True, False])
def test_drivers_errors_are_never_quoted(recorded: Recorded, is_translated: bool) -> None:
    class Failing(WrapperBackend[Any]):
        def count(self, key: str) -> Plan[Any, int]:
            yield from call(lambda _: None)
            raise OSError(f"redis://:{SECRET}@host {key}")

        def translate(self, error: Exception) -> ChatStoreError | None:
            return StoreUnavailableError("no answer; try again") if is_translated else None

    inner = Failing(SimpleChatStore().backend)
    store = ChatStore(TracedBackend(inner, conversation_id=None, **recorded.providers))
    with pytest.raises(ChatStoreError):
        store.count_messages("private")
    [span] = recorded.spans
    text = span.to_json()
    assert SECRET not in text
    assert "private" not in text
    kind = "chatstore.core.errors.StoreUnavailableError" if is_translated else "builtins.OSError"
    assert attributes_of(span)["error.type"] == kind
    assert span.status.description == ("no answer; try again" if is_translated else None)


def test_content_only_on_request(recorded: Recorded) -> None:
    inner = SimpleChatStore().backend
    for content in (False, True):
        store = ChatStore(TracedBackend(inner, content=content, **recorded.providers))
        store.add_message("k", message("swordfish é"))
        store.get_messages("k")
    silent, full = recorded.spans[:2], recorded.spans[2:]
    assert "swordfish" not in "".join(span.to_json() for span in silent)
    [body] = attributes_of(full[0])["chatstore.content.written"]
    assert '"content":"swordfish é"' in body
    assert attributes_of(full[0])["chatstore.bytes.written"] == len(body.encode()) > len(body)
    assert len(attributes_of(full[1])["chatstore.content.read"]) == 2


def test_conversation_ids_can_be_hashed_or_left_out(recorded: Recorded) -> None:
    inner = SimpleChatStore().backend

    def hashed(key: str) -> str:
        return hashlib.blake2b(key.encode(), key=b"secret", digest_size=16).hexdigest()

    for option in (None, hashed):
        store = ChatStore(TracedBackend(inner, conversation_id=option, **recorded.providers))
        store.add_message("ann@example.org", message("a"))
    without, with_hash = recorded.spans
    assert "gen_ai.conversation.id" not in attributes_of(without)
    assert attributes_of(with_hash)["gen_ai.conversation.id"] == hashed("ann@example.org")
    assert "ann@" not in without.to_json() + with_hash.to_json()


def test_a_conversation_id_that_fails_fails_no_call(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(key: str) -> str:
        raise LookupError(key)

    inner = SimpleChatStore().backend
    store = ChatStore(TracedBackend(inner, conversation_id=fail, **recorded.providers))
    store.add_message("private", message("a"))
    assert attributes_of(recorded.span("add_message"))["chatstore.messages.written"] == 1
    assert "gen_ai.conversation.id" not in attributes_of(recorded.span("add_message"))
    assert "conversation_id raised LookupError" in caplog.text
    assert "private" not in caplog.text


@pytest.mark.parametrize("is_outermost", [True, False])
def test_order_of_layers(recorded: Recorded, is_outermost: bool) -> None:
    """Keys and sizes are those at the layer's place."""
    backend = SimpleChatStore().backend
    if is_outermost:
        backend = TracedBackend(PrefixedBackend(backend, "acme"), **recorded.providers)
    else:
        backend = PrefixedBackend(TracedBackend(backend, **recorded.providers), "acme")
    store = ChatStore(backend)
    store.add_message("k", message("a"))
    assert len(store.get_messages("k")) == 1
    key = "k" if is_outermost else "4:acme:k"
    for span in recorded.spans:
        assert attributes_of(span)["gen_ai.conversation.id"] == key
    assert len(recorded.spans) == 2


def test_of_two_traced_layers_the_outermost_makes_the_spans() -> None:
    outer, inner = Recorded(), Recorded()
    backend = TracedBackend(SimpleChatStore().backend, **inner.providers)
    ChatStore(TracedBackend(backend, **outer.providers)).add_message("k", message("a"))
    assert attributes_of(outer.span("add_message"))["chatstore.messages.written"] == 1
    assert inner.spans == []


def test_a_buffers_window_is_traced(recorded: Recorded, store: ChatStore) -> None:
    buffer = ChatMemoryBuffer(1000, store, "k", tokenizer_fn=str.split)
    buffer.put(ChatMessage(role="user", content="hello"))
    assert len(buffer.get()) == 1
    assert attributes_of(recorded.spans[-1])["chatstore.messages.read"] == 1


def test_without_a_provider_nothing_is_recorded() -> None:
    store = ChatStore(TracedBackend(SimpleChatStore().backend))
    store.add_message("k", message("a"))
    assert len(store.get_messages("k")) == 1


def test_metrics(recorded: Recorded, store: ChatStore) -> None:
    store.add_messages("k", [message("a"), message("b")])
    store.get_messages("k")
    store.create_conversation("c")
    with pytest.raises(ConversationExistsError):
        store.create_conversation("c")
    metrics = recorded.metrics()
    durations = {
        (point.attributes["db.operation.name"], point.attributes.get("error.type")): point.count
        for point in metrics["db.client.operation.duration"]
    }
    error = "chatstore.core.errors.ConversationExistsError"
    assert durations == {
        ("add_messages", None): 1,
        ("get_messages", None): 1,
        ("create_conversation", None): 1,
        ("create_conversation", error): 1,
    }
    moved = {
        (point.attributes["db.operation.name"], point.attributes["chatstore.direction"]): point.sum
        for point in metrics["chatstore.client.operation.messages"]
    }
    assert moved == {("add_messages", "written"): 2, ("get_messages", "read"): 2}
    sizes = [point.sum for point in metrics["chatstore.client.operation.bytes"]]
    assert sizes[0] == sizes[1] > 100
    assert "k" not in {
        value
        for points in metrics.values()
        for point in points
        for value in point.attributes.values()
    }, "a key as a label would make a time series of each conversation"


def test_calls_that_one_write_combines_have_spans_of_their_own(
    recorded: Recorded, tmp_path: Path
) -> None:
    async def scenario() -> None:
        backend = TracedBackend(SQLiteChatStore(tmp_path / "chat.db").backend, **recorded.providers)
        async with ChatStore(backend) as store:
            calls = [store.async_add_message("k", message(str(number))) for number in range(5)]
            await asyncio.gather(*calls)

    asyncio.run(scenario())
    spans = [attributes_of(span) for span in recorded.spans]
    assert [span["db.operation.name"] for span in spans] == ["add_message"] * 5
    assert sum(span.get("chatstore.messages.written", 0) for span in spans) == 5
