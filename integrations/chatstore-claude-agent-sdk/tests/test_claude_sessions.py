"""Transcripts and summaries: repetitions, order, names, sizes, deletion and concurrent writers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import (
    SessionKey,
    delete_session_via_store,
    fold_session_summary,
    fork_session_via_store,
    get_session_messages_from_store,
    list_sessions_from_store,
    project_key_for_directory,
    rename_session_via_store,
)
from session_entries import KEY, assistant, entry, run, user

from chatstore.claude_agent_sdk import ChatStoreSessions, conversation_key
from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    InvalidKeyError,
    InvalidMessageError,
    StoreUnavailableError,
    to_openai,
)

WRITER = Path(__file__).parent / "session_writer.py"


def test_entries_come_back_equal(store_url: str) -> None:
    deep: Any = None
    for _ in range(600):
        deep = [deep]
    entries = [
        entry(uuid="a", n=2**70, f=1.0, s="é\0 ", t=None, nested={"chatstore.text": [0, ""]}),
        entry(uuid="b", cut="\ud83d", message={"content": "\ud83d"}),
        user("c", "cut \ud83d"),
        entry(uuid="d", deep=deep),
        user("e", [{"type": "text", "text": "x" * 3_000_000}]),
        assistant("f", {"type": "unknown", "data": 1}, {"type": "text", "text": "long" * 50}),
        user("g", 5),
        entry(uuid=7),
        entry(uuid=""),
    ]

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        await sessions.append(KEY, entries)
        loaded = await sessions.load(KEY)
        assert loaded is not None
        assert json.dumps(loaded) == json.dumps(entries)

    run(store_url, use)


@pytest.mark.parametrize("value", [{"f": float("nan")}, {"t": (1, 2)}, {1: "key"}, {"b": b""}])
def test_what_is_not_json_is_refused(store_url: str, value: Any) -> None:
    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        with pytest.raises(InvalidMessageError):
            await sessions.append(KEY, [entry(uuid="a"), entry(value=value)])
        with pytest.raises(InvalidMessageError):
            await sessions.append(KEY, [5])  # type: ignore[list-item]
        with pytest.raises(InvalidKeyError):
            await sessions.append({**KEY, "subpath": ""}, [entry()])
        assert await sessions.load(KEY) is None
        assert await sessions.list_sessions("proj") == []

    run(store_url, use)


def test_an_append_after_a_failed_one_is_checked(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        async def fail(*_: Any, **__: Any) -> Any:
            raise StoreUnavailableError("the server is down")

        with monkeypatch.context() as patch:
            patch.setattr(store, "async_run", fail)
            with pytest.raises(StoreUnavailableError):
                await sessions.append(KEY, [entry(n=1)])
        for value in ({"b": b""}, {1: "key"}):
            with pytest.raises(InvalidMessageError):
                await sessions.append(KEY, [entry(value=value)])

    run(store_url, use)


def test_an_entry_is_appended_once(store_url: str) -> None:
    first, second = user("a", "Hi"), user("b", "there")

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        other = ChatStoreSessions(store)  # like another process
        await sessions.append(KEY, [first, second, first, user("a", "changed")])
        await other.append(KEY, [second, entry(n=1), first])
        await other.append(KEY, [entry(n=1), entry(n=1)])
        await sessions.append({**KEY, "session_id": "other"}, [first])
        unnamed = entry(n=1)
        assert await sessions.load(KEY) == [first, second, unnamed, unnamed, unnamed]

    run(store_url, use)


def test_a_repeated_append_takes_effect_once(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [entry(title="T"), user("a", "Hi"), entry(title="T")]

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        original = store.async_run

        async def lose_reply(operation: str, *args: Any, **kwargs: Any) -> Any:
            result = await original(operation, *args, **kwargs)
            if operation in losses:
                losses.remove(operation)
                raise StoreUnavailableError("the reply was lost")
            return result

        monkeypatch.setattr(store, "async_run", lose_reply)
        losses = ["append", "snapshot", "update_conversation"]
        for _ in range(3):
            with pytest.raises(StoreUnavailableError):
                await sessions.append(KEY, batch)
        await sessions.append(KEY, batch)
        assert await sessions.load(KEY) == batch
        await sessions.append(KEY, batch)  # not a repetition
        assert await sessions.load(KEY) == [*batch, batch[0], batch[2]]

    run(store_url, use)


def test_appends_take_effect_in_the_order_of_calls(store_url: str) -> None:
    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        await asyncio.gather(*[sessions.append(KEY, [entry(n=number)]) for number in range(20)])
        assert await sessions.load(KEY) == [entry(n=number) for number in range(20)]

    run(store_url, use)


NAMES: list[list[str]] = [
    ["a", "b"],
    ["a", "b", "c"],
    ["a", "b", "c/d"],
    ["a", "b", "c%2Fd"],
    ["a", "b/c"],
    ["a", "b%2Fc"],
    ["a/b", "c"],
    ["a%2Fb", "c"],
    ["a", "b", "s" * 250],
    ["a", "b", "s" * 251],
    ["p" * 300, "b"],
    ["p" * 301, "b"],
]


def test_no_name_is_taken_for_another(each_store_url: str) -> None:
    def key_of(project_key: str, session_id: str, subpath: str | None = None) -> SessionKey:
        key: SessionKey = {"project_key": project_key, "session_id": session_id}
        return key if subpath is None else {**key, "subpath": subpath}

    keys = [key_of(*names) for names in NAMES]

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        for number, key in enumerate(keys):
            await sessions.append(key, [entry(n=number)])
        for number, key in enumerate(keys):
            assert await sessions.load(key) == [entry(n=number)]
        for project in {key["project_key"] for key in keys}:
            listed = await sessions.list_sessions(project)
            expected = {names[1] for names in NAMES if names[0] == project and len(names) == 2}
            assert {one["session_id"] for one in listed} == expected
            assert len(listed) == len(expected)
        subpaths = [names[2] for names in NAMES if len(names) == 3]
        assert sorted(await sessions.list_subkeys(key_of("a", "b"))) == sorted(subpaths)
        await sessions.delete(key_of("a", "b"))
        rest = [key for key in keys if await sessions.load(key) is not None]
        assert rest == [key_of(*names) for names in NAMES if names[:2] != ["a", "b"]]

    run(each_store_url, use)


async def folded(sessions: ChatStoreSessions, key: SessionKey) -> dict[str, Any]:
    """Return the summary of all entries in their stored order."""
    entries = await sessions.load(key)
    assert entries is not None
    return fold_session_summary(None, key, entries)["data"]


def recorded(store: ChatStore) -> Any:
    """Return what the record of the session says."""
    conversation = store.get_conversation(conversation_key(KEY))
    assert conversation is not None
    return conversation.metadata["claude_agent_sdk"]


async def summary_of(sessions: ChatStoreSessions, key: SessionKey) -> Any:
    """Return the only summary; its time is that of the list of sessions."""
    [summary] = await sessions.list_session_summaries(key["project_key"])
    assert await sessions.list_sessions(key["project_key"]) == [
        {"session_id": key["session_id"], "mtime": summary["mtime"]}
    ]
    return summary["data"]


def test_processes_append_at_the_same_time(each_store_url: str) -> None:
    """Nothing is lost, and the summary is that of all entries, in their stored order."""
    command = [sys.executable, str(WRITER), each_store_url]
    writers = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE) for number in range(2)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        entries: Any = await sessions.load(KEY)
        for number in range(2):
            own = [one["n"] for one in entries if one["writer"] == number]
            assert own == list(range(10))
        assert len(entries) == 20
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)
        # The record has it, since the last writer folded the entries of the others.
        assert recorded(store)["entries"] == 20

    run(each_store_url, use)


def test_a_slower_process_does_not_undo_a_summary(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        update = store.async_update_conversation
        others = [entry(customTitle="other")]

        async def update_late(*args: Any, **kwargs: Any) -> Any:
            if others:
                await ChatStoreSessions(store).append(KEY, [others.pop()])
            return await update(*args, **kwargs)

        monkeypatch.setattr(store, "async_update_conversation", update_late)
        await sessions.append(KEY, [user("a", "Hi")])
        assert recorded(store)["entries"] == 2
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)

    run(store_url, use)


def test_a_conversation_of_another_program_becomes_a_session(store_url: str) -> None:
    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        store.create_conversation("user:42", owner="ann")
        store.add_message("user:42", ChatMessage(role="user", content="Hi"))
        store.fork("user:42", conversation_key(KEY))
        assert await sessions.list_sessions("proj") == []
        await sessions.append(KEY, [entry(customTitle="T")])
        data = await summary_of(sessions, KEY)
        assert (data["first_prompt"], data["custom_title"]) == ("Hi", "T")
        [conversation] = store.list_conversations(owner="proj").conversations
        assert conversation.metadata["forked_from"] == "user:42"

    run(store_url, use)


def test_summaries_of_a_process_that_ended_early(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        await sessions.append(KEY, [user("a", "First"), entry(customTitle="One")])
        with monkeypatch.context() as patch:
            patch.setattr("chatstore.claude_agent_sdk.store.update_summary", fail)
            with pytest.raises(KeyboardInterrupt):
                await sessions.append(KEY, [entry(customTitle="Two") for _ in range(5)])
        before = await sessions.list_sessions("proj")
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)
        assert await sessions.list_sessions("proj") == before  # listing writes nothing
        await ChatStoreSessions(store).append(KEY, [entry(uuid="b")])
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)
        conversation = store.get_conversation(conversation_key(KEY))
        assert conversation is not None
        assert conversation.title == "Two"
        store.delete_message(conversation.key, -1)  # by another program
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)

    async def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    run(store_url, use)


def test_summaries_that_are_too_long_for_a_record(store_url: str) -> None:
    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        await sessions.append(KEY, [user("a", "First"), entry(lastPrompt="p" * 20_000)])
        assert recorded(store)["is_too_long"] is True  # so later appends do not read everything
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)
        await sessions.append(KEY, [entry(customTitle="T"), entry(lastPrompt="short")])
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)
        conversation = store.get_conversation(conversation_key(KEY))
        assert conversation is not None
        assert conversation.title == "T"

    run(store_url, use)


def test_functions_of_the_sdk(each_store_url: str, tmp_path: Path) -> None:
    """Sessions are listed, renamed, forked and deleted by the SDK, with their subagents."""
    project, session_id = project_key_for_directory(tmp_path), str(uuid.uuid4())
    key: SessionKey = {"project_key": project, "session_id": session_id}
    answer, question = str(uuid.uuid4()), str(uuid.uuid4())
    entries = [
        user(question, "Hi", sessionId=session_id),
        assistant(answer, {"type": "text", "text": "Hello!"}, parent=question),
    ]

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        await sessions.append(key, entries)
        await sessions.append({**key, "subpath": "subagents/agent-1"}, [entry()])
        await rename_session_via_store(sessions, session_id, "A title", directory=str(tmp_path))
        [listed] = await list_sessions_from_store(sessions, directory=str(tmp_path))
        assert (listed.summary, listed.first_prompt) == ("A title", "Hi")
        conversation = store.get_conversation(conversation_key(key))
        assert conversation is not None
        assert (conversation.title, conversation.owner) == ("A title", project)

        fork = await fork_session_via_store(sessions, session_id, directory=str(tmp_path))
        assert len(await list_sessions_from_store(sessions, directory=str(tmp_path))) == 2
        await delete_session_via_store(sessions, session_id, directory=str(tmp_path))
        [listed] = await list_sessions_from_store(sessions, directory=str(tmp_path))
        assert listed.session_id == fork.session_id
        [first, second] = await get_session_messages_from_store(
            sessions, fork.session_id, directory=str(tmp_path)
        )
        assert (first.message["content"], second.type) == ("Hi", "assistant")
        assert store.get_keys() == [conversation_key({**key, "session_id": fork.session_id})]

    run(each_store_url, use)


def test_expired_sessions_return_to_the_lists(store_url: str) -> None:
    """A session that another program deleted, and that is appended to again, is listed."""

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        sub: SessionKey = {**KEY, "subpath": "s"}
        for key in (KEY, sub):
            await sessions.append(key, [entry(n=1)])
            store.delete_messages(conversation_key(key))
            await sessions.append(key, [entry(n=2)])
            assert await sessions.load(key) == [entry(n=2)]
        assert len(await sessions.list_sessions("proj")) == 1
        assert await sessions.list_subkeys(KEY) == ["s"]
        assert await summary_of(sessions, KEY) == await folded(sessions, KEY)

    run(store_url, use)


def test_many_sessions_are_listed_once(store_url: str) -> None:
    names = {f"session-{number}" for number in range(250)}

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        for name in sorted(names):
            await sessions.append({"project_key": "proj", "session_id": name}, [entry(n=name)])
        for listed in (
            await sessions.list_sessions("proj"),
            await sessions.list_session_summaries("proj"),
        ):
            assert len(listed) == 250
            assert {one["session_id"] for one in listed} == names

    run(store_url, use)


def test_other_frameworks_get_valid_windows(store_url: str) -> None:
    """The CLI writes parallel calls as messages in front of all results."""
    calls: list[dict[str, Any]] = [
        {"type": "tool_use", "id": name, "name": "f", "input": {}} for name in ("c1", "c2")
    ]
    results = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": f"result {call['id']}"}
        for call in calls
    ]
    entries = [
        user("1", "Hi"),
        user("2", "a reminder", isMeta=True),
        assistant("3", {"type": "thinking", "thinking": "hm", "signature": "s"}),
        assistant("4", calls[0]),
        entry(customTitle="T"),
        assistant("5", calls[1]),
        user("6", [results[0]]),
        user("7", [results[1]]),
        assistant("8", {"type": "text", "text": "Done"}),
    ]

    async def use(sessions: ChatStoreSessions, store: ChatStore) -> None:
        await sessions.append(KEY, entries)
        window = ChatMemoryBuffer(3000, store, conversation_key(KEY), tokenizer_fn=str.split).get()
        assert [message.id for message in window] == ["1", "4", "6", "5", "7", "8"]
        sent = to_openai(window)
        assert [message["role"] for message in sent] == [
            *["user", "assistant", "tool", "assistant", "tool", "assistant"]
        ]
        assert [sent[2]["content"], sent[4]["content"]] == ["result c1", "result c2"]

    run(store_url, use)
