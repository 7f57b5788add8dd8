"""ChatGPT's and Claude's data exports: edits become forks; ids, times, tools and files are kept."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    Conversation,
    SimpleChatStore,
    to_anthropic,
    to_openai,
)
from chatstore.core.testing.messages import contents
from chatstore.core.tool_calls import calls_of, results_of
from chatstore.migrate import DamagedFileError, import_conversations

DATA = Path(__file__).parent / "data"
DIRECTORY = b"PK\x01\x02\x14\x03\x14\0"  # of a zip file; behind it is a flag for encryption
CHATGPT = (DATA / "chatgpt.json").read_bytes()
CLAUDE = (DATA / "claude.json").read_bytes()
TRIP = "68a1f3c2-1111-8001-9abc-0000000000aa"
COFFEE = "0f0e0d0c-aaaa-4bbb-8ccc-000000000001"


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "-") + ".json", data)
        archive.writestr("user.json", b'{"id":"user-1"}')
        archive.writestr("chat.html", b"<html></html>")
    return file.getvalue()


def imported(data: bytes, **options: Any) -> SimpleChatStore:
    store = SimpleChatStore()
    report = import_conversations(io.BytesIO(data), store, **options)
    again = import_conversations(io.BytesIO(data), store, **options)
    assert (again.copied, again.digest) == (0, report.digest)
    return store


def record(store: SimpleChatStore, key: str) -> Conversation:
    conversation = store.get_conversation(key)
    assert conversation is not None
    return conversation


def ids(store: SimpleChatStore, key: str) -> list[str | None]:
    return [one.id for one in store.get_messages(key)]


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def test_chatgpt_branches() -> None:
    store = imported(CHATGPT)

    assert sorted(store.get_keys()) == [
        TRIP,
        f"{TRIP}/a2-old",
        f"{TRIP}/a2-regenerated",
        "conversation-2",
    ]
    assert ids(store, TRIP) == ["sys-profile", "u1", "a1", "u2-new", "a2-new"]
    assert ids(store, f"{TRIP}/a2-old") == ["sys-profile", "u1", "a1", "u2-old", "a2-old"]
    assert ids(store, f"{TRIP}/a2-regenerated")[-2:] == ["u2-old", "a2-regenerated"]
    conversation = record(store, TRIP)
    assert conversation.title == "Trip to Kyōto"
    assert conversation.metadata == {
        "imported_from": "chatgpt",
        "created_at": "2025-08-17T15:33:20.500000+00:00",
        "updated_at": "2025-08-17T16:00:00+00:00",
        "default_model_slug": "gpt-4o",
    }
    for branch in ("a2-old", "a2-regenerated"):
        fork = record(store, f"{TRIP}/{branch}")
        assert fork.title == "Trip to Kyōto"
        assert fork.metadata["forked_from"] == TRIP


def test_chatgpt_messages() -> None:
    store = imported(CHATGPT)
    profile, question, answer, *_ = store.get_messages(TRIP)

    assert (profile.role.value, profile.text) == ("system", "I live in Berlin.\nBe brief.")
    assert profile.metadata == {"hidden": True}
    assert (question.role.value, question.content) == ("user", "Where should I go?")
    assert question.created_at == at(1755444801.25)
    assert (answer.content, answer.metadata) == ("Kyōto.", {"model": "gpt-4o"})
    assert answer.created_at == at(1755444801.25)  # it has no time of its own


def test_chatgpt_tools_and_files() -> None:
    messages = imported(CHATGPT).get_messages("conversation-2")

    assert [one.role.value for one in messages] == [
        "user",
        "assistant",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    picture, thoughts, run, output, browse, page, answer, voice, unknown = messages
    assert picture.text == "[image: file-service://file-abc]\nWhat is this?"
    assert picture.metadata["attachments"] == ["chart.png"]
    assets: Any = picture.metadata["chatgpt_assets"]
    assert [one["asset_pointer"] for one in assets] == ["file-service://file-abc"]
    assert thoughts.model_dump(exclude_none=True)["content"] == [
        {"type": "thinking", "thinking": "Look\nI look at the chart."}
    ]
    [call] = calls_of(run)
    assert (call.name, json.loads(call.arguments)) == ("python", {"input": "print(1 + 1)"})
    assert [one.id for one in results_of(output)] == [call.id] == ["t-run"]
    assert output.text == "2"
    [call] = calls_of(browse)
    assert (call.name, call.arguments) == ("web.search", '{"query": "charts"}')
    assert [one.id for one in results_of(page)] == [call.id]
    assert page.text == "A page\nhttps://example.com\nAbout charts"
    assert answer.text == "It is a chart."
    assert voice.text.startswith("Thank you!\n[audio: sediment://")
    assert unknown.text == '{"new_field": {"x": 1}}'
    window = ChatMemoryBuffer(4000, imported(CHATGPT), "conversation-2", str.split).get()
    assert {one.id for one in messages if one.id != "t-thoughts"} == {one.id for one in window}
    roles = [one["role"] for one in to_openai(window)]
    assert roles.count("tool") == 2


def test_chatgpt_zip_with_several_files() -> None:
    first, second = (json.dumps([one]).encode() for one in json.loads(CHATGPT))
    split = zipped(conversations_000=first, conversations_001=second, shared_conversations=b"[]")
    assert sorted(imported(split).get_keys()) == sorted(imported(CHATGPT).get_keys())
    with pytest.raises(DamagedFileError, match="the id 68a1"):
        imported(zipped(conversations_000=first, conversations_001=first))


def test_claude_branches() -> None:
    store = imported(zipped(conversations=CLAUDE, projects=b"[]"), owner="u1")

    assert sorted(store.get_keys()) == [COFFEE, f"{COFFEE}/m-a2-old", "claude-2", "claude-3"]
    assert ids(store, COFFEE) == ["m-u1", "m-a1", "m-a1:1", "m-a1:2", "m-u2-new", "m-a2-new"]
    assert ids(store, f"{COFFEE}/m-a2-old")[-2:] == ["m-u2-old", "m-a2-old"]
    conversation = record(store, COFFEE)
    assert (conversation.title, conversation.owner) == ("Coffee", "u1")
    assert conversation.metadata["created_at"] == "2026-05-19T10:00:00+00:00"
    assert conversation.metadata["imported_from"] == "claude"
    assert record(store, f"{COFFEE}/m-a2-old").metadata["forked_from"] == COFFEE


def test_claude_messages() -> None:
    store = imported(CLAUDE)
    question, call, result, answer, *_ = store.get_messages(COFFEE)

    assert question.created_at == datetime(2026, 5, 19, 10, 0, 1, 123456, timezone.utc)
    assert question.metadata == {"files": ["beans.png", "scan.pdf"]}
    assert question.model_dump(exclude_none=True)["content"] == [
        {
            "type": "document",
            "name": "notes.txt",
            "source": {"type": "text", "media_type": "text/plain", "data": "Arabica 60 %"},
        },
        {"type": "text", "text": "Which coffee?"},
    ]
    [reference] = calls_of(call)
    assert (reference.id, reference.name) == ("toolu_1", "web_search")
    assert result.role.value == "tool"
    [one] = results_of(result)
    assert one.id == "toolu_1"
    assert (answer.role.value, answer.text) == ("assistant", "Arabica.")
    assert to_anthropic(store.get_messages(COFFEE)) is not None
    linear = store.get_messages("claude-2")
    assert contents(linear) == ["Hello", "Hi!"]
    assert [one.role.value for one in linear] == ["user", "assistant"]
    [first, *_] = calls_of(store.get_messages("claude-3")[0])
    [second] = results_of(store.get_messages("claude-3")[1])
    assert first.id == second.id != ""


def test_windows_of_imports_are_accepted() -> None:
    for data, key in ((CHATGPT, TRIP), (CLAUDE, COFFEE), (CLAUDE, "claude-3")):
        window = ChatMemoryBuffer(4000, imported(data), key, str.split).get()
        assert all(isinstance(one, ChatMessage) for one in window)
        openai = to_openai(window)
        calls = [call["id"] for one in openai for call in one.get("tool_calls") or []]
        results = [one["tool_call_id"] for one in openai if one["role"] == "tool"]
        assert calls == results


@pytest.mark.parametrize(
    "data",
    [
        CHATGPT[:-30],
        CLAUDE[: len(CLAUDE) // 2],
        zipped(conversations=CHATGPT)[:-100],
        zipped(other=CHATGPT),
        b"[]",
        b'[{"mapping": {}}]',
        b'[{"uuid": "x", "chat_messages": []}, {"mapping": {}, "id": "y"}]',
        b'[{"id": "x", "mapping": {"a": {"message": {"id": 1, "content": "text"}}}}, 1, {}]',
        b'[{"id": "x", "mapping": {}, "is_starred": ' + b"[" * 9000 + b"]" * 9000 + b"}]",
        b'{"mapping": {}, "id": "x"}',
        zipped(conversations=CHATGPT).replace(DIRECTORY + b"\0\0", DIRECTORY + b"\1\0"),
    ],
)
def test_damaged_exports_are_refused_before_anything_is_written(data: bytes) -> None:
    store = SimpleChatStore()
    with pytest.raises(DamagedFileError):
        import_conversations(io.BytesIO(data), store)
    assert store.get_keys() == []


def test_circles_and_strange_values_do_no_harm() -> None:
    content = {"parts": ["x\ud83d"]}  # half of a surrogate pair
    node = {"message": {"author": {"role": "user"}, "content": content}}
    mapping = {"a": {**node, "parent": "b"}, "b": {**node, "parent": "a"}, "c": None, "d": {}}
    data = json.dumps([{"id": "k", "title": 7, "current_node": "a", "mapping": mapping}])
    assert contents(imported(data.encode()).get_messages("k")) == ["x?"] * 2


def test_a_zip_file_that_expands_without_bound_is_refused() -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("conversations.json", "w") as member,
    ):
        for _ in range(101):
            member.write(b" " * 1_000_000)
        member.write(b"[]")
    with pytest.raises(DamagedFileError, match="compressed to"):
        imported(file.getvalue())


def test_a_circle_without_a_current_node_is_kept() -> None:
    node = {"message": {"author": {"role": "user"}, "content": {"parts": ["x"]}}}
    mapping = {"a": {**node, "parent": "b"}, "b": {**node, "parent": "a"}}
    data = json.dumps([{"id": "k", "mapping": mapping}]).encode()
    assert contents(imported(data).get_messages("k")) == ["x"] * 2


def test_two_messages_of_claude_with_one_id_are_kept() -> None:
    messages = [{"uuid": "m", "sender": "human", "text": text} for text in ("first", "second")]
    data = json.dumps([{"uuid": "k", "chat_messages": messages}]).encode()
    assert contents(imported(data).get_messages("k")) == ["first", "second"]
