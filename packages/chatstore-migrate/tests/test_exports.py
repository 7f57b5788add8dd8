"""Exports: files come back unchanged, damaged ones are refused, transcripts run nothing."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from pyarrow import parquet

from chatstore.core import (
    ChatMessage,
    ConversationChangedError,
    SchemaVersionError,
    SimpleChatStore,
)
from chatstore.core.testing.messages import message
from chatstore.migrate import (
    DamagedFileError,
    ExportFormat,
    MigrationError,
    export_conversations,
    fingerprint,
    import_conversations,
)

HOSTILE = '</pre></details><script>alert(1)</script><img src="https://evil.example/x.png">"\'&'
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"c":1}'}}
TIME = datetime(2026, 3, 4, 5, 6, 7, 890123, timezone.utc)


def filled(text: str = "Hello!") -> SimpleChatStore:
    store = SimpleChatStore()
    store.create_conversation("a/1", owner="u1", title=f"Title {text}", metadata={"x": [None, 1]})
    store.add_messages(
        "a/1",
        [
            ChatMessage(role="system", content="Be brief."),
            ChatMessage(role="user", content=text, id="m1", created_at=TIME, metadata={"n": 1}),
            ChatMessage(role="assistant", content=None, additional_kwargs={"tool_calls": [CALL]}),
            ChatMessage(
                role="tool",
                content=f"```sunny``` {text}",
                additional_kwargs={"tool_call_id": "c1", "name": "weather"},
            ),
            ChatMessage(
                role="assistant",
                content=[
                    {"type": "thinking", "thinking": f"Hm, {text}"},
                    {"type": "text", "text": "It is sunny."},
                    {"type": "unknown_type", "field": text},
                ],
            ),
            ChatMessage(
                role="user",
                content=[
                    {"type": "image", "data": PIXEL, "media_type": "image/png"},
                    {"type": "image", "url": "https://evil.example/x.png"},
                    {"type": "image", "data": '"><script>', "media_type": "image/png"},
                ],
            ),
        ],
    )
    store.create_conversation("empty")
    store.add_messages("bare", [message(f"line\u2028{number}\n") for number in range(3)])
    return store


def exported(store: SimpleChatStore, format: ExportFormat = "jsonl", **options: Any) -> bytes:  # noqa: A002 - as in the package
    file = io.BytesIO()
    export_conversations(store, file, format, **options)
    return file.getvalue()


def imported(data: bytes, **options: Any) -> SimpleChatStore:
    store = SimpleChatStore()
    import_conversations(io.BytesIO(data), store, **options)
    return store


def test_an_export_comes_back_unchanged() -> None:
    store = filled()
    copy = imported(exported(store))

    assert fingerprint(copy) == fingerprint(store)
    assert copy.get_conversation("empty") is not None
    copy.delete_last_message("bare")
    report = import_conversations(io.BytesIO(exported(store)), copy)
    assert (report.copied, report.messages) == (1, 9)


def test_the_layout_of_the_file() -> None:
    store = SimpleChatStore()
    store.create_conversation("a", owner="u1", title="T", metadata={"x": 1})
    store.add_message("a", message("Hi", id="m1", created_at=TIME))
    header, conversation, first, end = map(json.loads, exported(store).splitlines())

    assert header["chatstore_export"]["version"] == 1
    assert header["chatstore_export"].keys() == {"version", "source", "exported_at"}
    fields = conversation["conversation"]
    assert (fields["key"], fields["owner"], fields["title"]) == ("a", "u1", "T")
    assert (fields["metadata"], fields["is_created"]) == ({"x": 1}, True)
    assert {"created_at", "updated_at"} < fields.keys()
    time = "2026-03-04T05:06:07.890123+00:00"
    body = {"v": 1, "id": "m1", "created_at": time, "role": "user", "content": "Hi"}
    assert first == {"message": body}
    assert (end["end"]["conversations"], end["end"]["messages"]) == (1, 1)
    assert len(end["end"]["sha256"]) == 64


def test_a_file_that_another_program_formatted_is_refused_by_its_digest() -> None:
    lines = exported(filled()).decode().split("\n")
    spaced = "\n".join(json.dumps(json.loads(line)) for line in lines[:-1])
    with pytest.raises(DamagedFileError, match="digest"):
        imported(spaced.encode(), format="jsonl")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[: data.rindex(b'{"end"')], "no last line"),
        (lambda data: data[:-20], "not JSON"),
        (lambda data: data[: len(data) // 2], r"line \d+"),
        (lambda data: data.replace(b"Hello!", b"hello!"), "digest"),
        (lambda data: data.replace(b'"Be brief."', b"7"), "line 3 of the file: its message"),
        (lambda data: data.replace(b'"key":"bare"', b'"key":"empty"'), "same key"),
        (lambda data: data.replace(b'"owner":"u1"', b'"owner":7'), "an owner must be"),
        (lambda data: data.replace(b'"messages":9', b'"messages":8'), "9 messages, but 8"),
        (lambda data: data + data, "something follows"),
        (lambda data: b"\n".join(data.split(b"\n")[:1] + data.split(b"\n")[2:]), "before the"),
        (lambda data: data[:10], "not in a known format"),
        (lambda data: b"", "not in a known format"),
    ],
)
def test_a_damaged_file_is_refused_before_anything_is_written(
    damage: Callable[[bytes], bytes], reason: str
) -> None:
    data = exported(filled())
    changed = damage(data)
    assert changed != data
    store = SimpleChatStore()
    with pytest.raises(DamagedFileError, match=reason):
        import_conversations(io.BytesIO(changed), store)
    assert store.get_keys() == []


def test_a_later_version_is_refused() -> None:
    data = exported(filled()).replace(b'"version":1', b'"version":2')
    with pytest.raises(SchemaVersionError, match="version 2"):
        imported(data)


def test_another_owner_and_a_prefix() -> None:
    source = filled()
    source.fork("bare", "fork", owner=None)
    store = imported(exported(source), owner="u9", key_prefix="new/")

    assert sorted(store.get_keys()) == ["new/a/1", "new/bare", "new/empty", "new/fork"]
    assert {one.owner for one in store.iter_conversations()} == {"u9"}
    fork = store.get_conversation("new/fork")
    assert fork is not None
    assert fork.metadata == {"forked_from": "new/bare"}
    with pytest.raises(MigrationError, match="another owner"):
        import_conversations(io.BytesIO(exported(source)), store, owner="u1", key_prefix="new/")


def test_selections() -> None:
    store = filled()
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"prefix": "a/"}, ["a/1"]),
        ({"owner": "u1"}, ["a/1"]),
        ({"keys": ["bare", "missing"]}, ["bare"]),
        ({"keys": ["bare"], "owner": "u1"}, []),
    ]
    for options, expected in cases:
        lines = exported(store, **options).splitlines()
        records = [json.loads(line).get("conversation") for line in lines]
        assert [record["key"] for record in records if record] == expected


def test_a_conversation_that_is_replaced_meanwhile_is_an_error() -> None:
    store = SimpleChatStore()
    store.add_messages("a", [message(str(number)) for number in range(300)])

    class Interrupting(io.BytesIO):
        def write(self, data: Any) -> int:
            if b'"content":"7"' in data:
                store.set_messages("a", [message("new")])
            return super().write(data)

    file = Interrupting()
    with pytest.raises(ConversationChangedError):
        export_conversations(store, file)
    with pytest.raises(DamagedFileError):
        imported(file.getvalue())


def test_openai_chat() -> None:
    store = filled()
    [line, *_] = [json.loads(one) for one in exported(store, "openai", prefix="a/").splitlines()]
    roles = [one["role"] for one in line["messages"]]
    assert line.keys() == {"messages"}
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert line["messages"][2]["tool_calls"] == [CALL]

    data = exported(store, "openai", prefix="a/") + b'{"messages":[],"tag":"x"}\n'
    copy = imported(data, name="train")
    assert sorted(copy.get_keys()) == ["train:1", "train:2"]
    assert [one.role.value for one in copy.get_messages("train:1")] == roles
    second = copy.get_conversation("train:2")
    assert second is not None
    assert second.metadata == {"tag": "x"}
    assert exported(copy, "openai", keys=["train:1"]) == exported(store, "openai", prefix="a/")
    again = import_conversations(io.BytesIO(data), copy, name="train")
    assert again.copied == 0
    for bad in (b'{"messages":[{"role":"?"}]}', b'{"messages":1}', b'{"messages":[1]}', b"[1"):
        with pytest.raises(DamagedFileError, match="line 2"):
            imported(data.splitlines()[0] + b"\n" + bad, format="openai")


def test_sharegpt() -> None:
    [line] = map(json.loads, exported(filled(), "sharegpt", prefix="a/").splitlines())

    assert line["id"] == "a/1"
    assert [turn["from"] for turn in line["conversations"]] == [
        "system",
        "human",
        "function_call",
        "observation",
        "gpt",
    ]
    call = json.loads(line["conversations"][2]["value"])
    assert call == {"name": "weather", "arguments": {"c": 1}}
    assert line["conversations"][4]["value"] == "It is sunny."


def test_parquet() -> None:
    store = filled()
    rows = parquet.read_table(io.BytesIO(exported(store, "parquet"))).to_pylist()

    by_key: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_key.setdefault(row["key"], []).append(row)
    assert {key: len(listed) for key, listed in by_key.items()} == {"a/1": 6, "bare": 3, "empty": 1}
    assert by_key["empty"][0]["role"] is None
    row = by_key["a/1"][1]
    assert (row["index"], row["id"], row["created_at"], row["text"]) == (1, "m1", TIME, "Hello!")
    assert (row["owner"], json.loads(row["conversation_metadata"])) == ("u1", {"x": [None, 1]})
    assert json.loads(row["content"]) == "Hello!"
    assert json.loads(row["metadata"]) == {"n": 1}
    assert json.loads(by_key["a/1"][4]["content"])[1]["text"] == "It is sunny."


def test_html_contains_nothing_that_runs_or_is_fetched() -> None:
    page = exported(filled(HOSTILE), "html", prefix="a/").decode()

    assert "default-src 'none'" in page
    assert "alert(1)" in page
    for forbidden in (
        "<script",
        "evil.example/x.png&quot;>",
        '<img src="http',
        "href=",
        "onerror=",
    ):
        assert forbidden not in page
    assert page.count("<img ") == 1
    assert f'<img src="data:image/png;base64,{PIXEL}"' in page
    assert page.count("<article") == page.count("</article>") == 6
    assert page.count("<details>") == page.count("</details>") == 3


def test_markdown() -> None:
    page = exported(filled("a `````` fence"), "markdown", prefix="a/").decode()

    assert page.startswith("# Title a `````` fence\n\nKey: `a/1` · owner: u1 · begun ")
    assert "## User · 2026-03-04 05:06 UTC\n\na `````` fence\n" in page
    assert '**Tool call: weather**\n\n```json\n{"c":1}\n```\n' in page
    assert "**Result: weather**\n\n```````\n```sunny``` a `````` fence\n```````\n" in page
    assert "> Hm, a `````` fence" in page
    assert "*[image: https://evil.example/x.png]*" in page


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": "m1"}, "the same id"),
        ({"id": None}, "no id"),
        ({"id": "x" * 256}, "1 to 255 bytes"),
        ({"metadata": {"n": float("inf")}}, "JSON cannot represent"),
    ],
)
def test_messages_that_no_store_accepts_are_refused_before_anything_is_written(
    fields: dict[str, Any], reason: str
) -> None:
    store = SimpleChatStore()
    store.add_message("a", message("first", id="m1"))
    lines = exported(store).splitlines(keepends=True)[:-1]
    fields = {"v": 1, "id": "m2", "role": "user", "content": "second", **fields}
    lines.append(json.dumps({"message": fields}).replace("Infinity", "1e999").encode() + b"\n")
    end = {
        "conversations": 1,
        "messages": 2,
        "sha256": hashlib.sha256(b"".join(lines)).hexdigest(),
    }
    lines.append(json.dumps({"end": end}).encode() + b"\n")
    target = SimpleChatStore()
    with pytest.raises(DamagedFileError, match=reason):
        import_conversations(io.BytesIO(b"".join(lines)), target)
    assert target.get_keys() == []


def test_a_prefix_that_makes_a_key_too_long_is_refused_before_anything_is_written() -> None:
    source, store = SimpleChatStore(), SimpleChatStore()
    source.add_message("a", message("x"))
    source.add_message("b" * 250, message("x"))
    with pytest.raises(DamagedFileError, match="255 bytes"):
        import_conversations(io.BytesIO(exported(source)), store, key_prefix="import/")
    assert store.get_keys() == []
