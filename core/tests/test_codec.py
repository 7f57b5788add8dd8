"""The stored text of messages: its exact form, and that messages are read as written."""

from __future__ import annotations

import contextlib
import gc
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core import ChatMessage, CorruptMessageError, InvalidMessageError, TextBlock
from chatstore.core.backend import StoredRecord, StoredRecords
from chatstore.core.codec import decode, decode_all, encode, encode_all, new_id

TIME = datetime(2026, 11, 23, 12, 0, 0, 250, tzinfo=timezone.utc)
NOW = TIME.isoformat()

# What version 1 wrote. A later version must read each of these; none may be changed.
SNAPSHOTS = [
    (
        ChatMessage(role="user", content="Grüß Gott \x00 🎉", id="m1", created_at=TIME),
        (
            '{"v":1,"id":"m1","created_at":"2026-11-23T12:00:00.000250+00:00","role":"user",'
            '"content":"Grüß Gott \\u0000 🎉"}'
        ),
    ),
    (
        ChatMessage(
            role="assistant",
            content=None,
            additional_kwargs={"tool_calls": [{"id": "c", "n": 1.5}], "big": 10**40},
            id='"quoted"',
            created_at=datetime(2020, 1, 2, tzinfo=timezone(timedelta(hours=-3))),
        ),
        (
            '{"v":1,"id":"\\"quoted\\"","created_at":"2020-01-02T00:00:00-03:00","role":"assistant",'
            '"content":null,"additional_kwargs":{"tool_calls":[{"id":"c","n":1.5}],'
            '"big":10000000000000000000000000000000000000000}}'
        ),
    ),
    (
        ChatMessage(
            role="user",
            content=[TextBlock(text="x"), {"type": "image_url", "image_url": {"url": None}}],
            id="m3",
            created_at=TIME,
        ),
        (
            '{"v":1,"id":"m3","created_at":"2026-11-23T12:00:00.000250+00:00","role":"user",'
            '"content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":null}}]}'
        ),
    ),
    (
        ChatMessage(
            role="assistant",
            content="a",
            additional_kwargs={"name": "b"},
            metadata={"usage": {"tokens": 3}, "liked": None},
            id="m4",
            created_at=TIME,
        ),
        (
            '{"v":1,"id":"m4","created_at":"2026-11-23T12:00:00.000250+00:00","role":"assistant",'
            '"content":"a","additional_kwargs":{"name":"b"},'
            '"metadata":{"usage":{"tokens":3},"liked":null}}'
        ),
    ),
]

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=4)


@pytest.mark.parametrize(("message", "body"), SNAPSHOTS)
def test_snapshot(message: Any, body: Any) -> None:
    assert encode(message, NOW).body == body

    returned = decode("k", 0, body)
    assert returned == message
    assert (returned.id, returned.created_at) == (message.id, message.created_at)
    assert returned.metadata == message.metadata


@given(st.none() | TEXT, OBJECTS, OBJECTS)
def test_round_trip(content: Any, kwargs: Any, metadata: Any) -> None:
    message = ChatMessage(role="tool", content=content, additional_kwargs=kwargs, metadata=metadata)

    record = encode(message, NOW)

    returned = decode("k", 0, record.body)
    assert returned == message
    assert returned.metadata == metadata
    assert json.loads(record.body)["v"] == 1


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), b"x", (1, 2), {1: 2}, {1, 2}, "\ud800", object(), 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_what_would_change_is_refused(value: Any) -> None:
    message = ChatMessage(role="user", content="x")
    message.additional_kwargs["a"] = [{"deep": value}]

    with pytest.raises(InvalidMessageError):
        encode(message, NOW)


def test_no_message_is_refused() -> None:
    for thing in ({"role": "user", "content": "x"}, "x", None):
        with pytest.raises(InvalidMessageError, match=r"must be a chatstore\.core\.ChatMessage"):
            encode(thing, NOW)


def test_message_is_not_changed() -> None:
    message = ChatMessage(role="user", content="x")

    first, second = encode(message, NOW), encode(message, NOW)

    assert (message.id, message.created_at) == (None, None)
    assert first.id != second.id
    assert decode("k", 0, first.body).created_at == TIME


def test_reformatted_text_is_read() -> None:
    body = json.dumps(json.loads(SNAPSHOTS[1][1]), indent=2, sort_keys=True)

    assert decode("k", 0, body) == SNAPSHOTS[1][0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "cannot be read"),
        ('{"v":1,', "cannot be read"),
        ("[]", "no version"),
        ('{"role":"user"}', "no version"),
        ('{"v":2,"role":"user"}', "version is 2"),
        ('{"v":1,"role":"boss"}', "role"),
        ('{"v":1,"role":"user","more":1}', "more"),
        ('{"v":1,"role":"user","metadata":[1]}', "metadata"),
        ('{"v":1,"role":"user"},{"role":"user"}', "cannot be read"),
    ],
)
def test_unreadable_is_named(body: Any, reason: Any) -> None:
    good = StoredRecord(3, SNAPSHOTS[0][1])
    records = [good, StoredRecord(7, body), good]
    for read in (
        lambda: decode("k", 7, body),
        lambda: decode_all("k", records),
        lambda: decode_all("k", StoredRecords.from_rows(records)),
    ):
        with pytest.raises(CorruptMessageError, match=reason) as caught:
            read()
        assert (caught.value.key, caught.value.position) == ("k", 7)


def test_reformatted_text_is_read_among_others() -> None:
    bodies = [body for _, body in SNAPSHOTS]
    bodies.insert(1, json.dumps(json.loads(SNAPSHOTS[0][1]), indent=2))
    messages = [message for message, _ in SNAPSHOTS]
    messages.insert(1, SNAPSHOTS[0][0])

    assert decode_all("k", StoredRecords(range(len(bodies)), bodies)) == messages
    sealed = [f"{text}seal" for text in bodies]
    assert decode_all("k", StoredRecords(range(len(bodies)), sealed, tail=4)) == messages


def test_columns_are_a_sequence_of_records() -> None:
    rows = [(position, str(position)) for position in (1, 4, 9)]
    columns = StoredRecords.from_rows(rows)

    assert list(columns) == [StoredRecord(*row) for row in rows]
    assert columns[-1] == (9, "9")
    assert list(columns[::-1]) == [(9, "9"), (4, "4"), (1, "1")]
    assert (len(columns[1:]), bool(columns[3:])) == (2, False)


def test_columns_leave_out_what_stands_behind_a_body() -> None:
    columns = StoredRecords([1, 4], ["onexy", "fourxy"], tail=2)

    assert list(columns) == [(1, "one"), (4, "four")]
    assert list(columns[1:]) == [(4, "four")]


def test_errors_do_not_quote_content() -> None:
    with pytest.raises(CorruptMessageError) as caught:
        decode("k", 0, '{"v":1,"role":"user","content":{"password":"hunter2"}}')

    assert "hunter2" not in str(caught.value)


def test_ids_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert [item[:12] for item in ids] == sorted(item[:12] for item in ids)
    assert {len(item) for item in ids} == {32}


def test_messages_that_are_encoded_together_get_different_ids() -> None:
    messages = [
        ChatMessage(role="user", content="x", id="own" if n == 5 else None) for n in range(9)
    ]

    ids = [record.id for record in encode_all(messages, NOW)]

    assert ids[5] == "own"
    assert len(set(ids)) == 9
    assert {len(item) for item in ids} == {3, 32}


@pytest.mark.parametrize("identity", ["", "x" * 256, "é" * 128, 5, "\ud800"])
def test_an_id_that_was_changed_is_checked(identity: Any) -> None:
    message = ChatMessage(role="user", content="x", id="m")
    message.id = identity
    with pytest.raises(InvalidMessageError):
        encode(message, NOW)


@pytest.mark.parametrize("is_collecting", [True, False])
@pytest.mark.parametrize("body", ['{"v":1,"role":"user"}', '{"v":1,"role":"nobody"}'])
def test_garbage_collection_is_as_it_was(body: Any, is_collecting: Any) -> None:
    before = gc.isenabled()
    (gc.enable if is_collecting else gc.disable)()
    try:
        with contextlib.suppress(CorruptMessageError):
            decode_all("k", [StoredRecord(0, body)])
        assert gc.isenabled() is is_collecting
        with contextlib.suppress(InvalidMessageError):
            encode_all([ChatMessage(role="user"), object()], NOW)
        assert gc.isenabled() is is_collecting
    finally:
        (gc.enable if before else gc.disable)()
