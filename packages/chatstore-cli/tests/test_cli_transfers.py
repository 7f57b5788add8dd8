"""``chatstore export``, ``import`` and ``copy``, in a pipe and in a terminal."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from command import COMMAND, SECONDS, Terminal, piped, shown, succeeded

from chatstore.cli.exit_codes import ExitCode
from chatstore.core import open_store
from chatstore.core.testing.messages import contents, message
from chatstore.migrate import fingerprint

CHATGPT = [
    {
        "id": "chat-1",
        "title": "Trip",
        "create_time": 1755444800.5,
        "current_node": "u2",
        "mapping": {
            name: {
                "id": name,
                "parent": parent,
                "children": [],
                "message": {
                    "id": name,
                    "author": {"role": "user"},
                    "create_time": 1755444800.5,
                    "content": {"content_type": "text", "parts": [name]},
                },
            }
            for name, parent in [("u1", None), ("u2-old", "u1"), ("u2", "u1")]
        },
    }
]


def fill(url: str, count: int = 3) -> None:
    with open_store(url) as store:
        for number in range(count):
            key = f"chat/{number}"
            store.create_conversation(key, owner=f"u{number % 2}", title=f"Title {number}")
            store.add_messages(key, [message(f"hi {n}") for n in range(number + 1)])


def digest(url: str) -> str | None:
    with open_store(url) as store:
        return fingerprint(store).digest


def other(tmp_path: Path, name: str = "other") -> str:
    return f"sqlite:///{tmp_path}/{name}.db"


def test_copy_and_again(each_store_url: str, tmp_path: Path) -> None:
    fill(each_store_url)
    target = other(tmp_path)
    first = succeeded("copy", each_store_url, target)
    again = succeeded("copy", each_store_url, target, "--json").records

    assert first.out.splitlines() == [
        "3 conversations with 6 messages: 6 copied",
        f"verified, digest {digest(each_store_url)}",
    ]
    assert digest(target) == digest(each_store_url)
    assert again == [
        {
            "conversations": 3,
            "messages": 6,
            "copied": 0,
            "digest": digest(target),
            "skipped": [],
        }
    ]


def test_copy_a_selection(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store_url)
    monkeypatch.setenv("CHATSTORE_URL", other(tmp_path))
    done = succeeded("copy", store_url, "--owner", "u0", "--prefix", "chat/2", "--no-verify")

    assert done.out == "1 conversation with 3 messages: 3 copied\n"


def test_copy_into_what_differs(store_url: str, tmp_path: Path) -> None:
    fill(store_url)
    target = other(tmp_path)
    with open_store(target) as store:
        store.create_conversation("chat/1", owner="somebody else")
    refused = piped("copy", store_url, target)
    skipped = piped("copy", store_url, target, "--skip-errors")
    replaced = piped("copy", store_url, target, "--overwrite")

    reason = (
        "conversation 'chat/1': the store's conversation has another owner; "
        "copy to another key, or overwrite it"
    )
    assert (refused.code, refused.err) == (ExitCode.FAILED, f"chatstore: {reason}\n")
    assert skipped.code == ExitCode.FAILED
    assert f"skipped 'chat/1': {reason}" in skipped.out
    assert skipped.err == "chatstore: 1 conversation skipped; the output says why\n"
    assert (replaced.code, digest(target)) == (0, digest(store_url))


def test_a_source_that_does_not_exist(tmp_path: Path) -> None:
    done = piped("copy", other(tmp_path, "missing"), other(tmp_path))

    assert done.code == ExitCode.SETUP
    assert not list(tmp_path.iterdir())


def test_copy_from_another_library(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"
        )
        value = json.dumps({"type": "human", "data": {"content": "Hello!"}})
        database.execute("INSERT INTO message_store VALUES (1, 'user:1', ?)", (value,))
    target = other(tmp_path)
    done = succeeded("copy", f"langchain+sqlite:///{path}", target)

    assert done.out.startswith("1 conversation with 1 message: 1 copied\n")
    with open_store(target) as store:
        assert contents(store.get_messages("user:1")) == ["Hello!"]
    for url, code, reason in (
        (f"langchain+sqlite:///{path}?table_name=x", ExitCode.FAILED, "NoSuchTableError"),
        (f"langchain+sqlite:///{path}?tabel=x", ExitCode.USAGE, "do not fit"),
        ("langchain+mongodb://u:hunter2@host", ExitCode.USAGE, "is not known; known: langchain+"),
        ("langchain+redis://:hunter2@127.0.0.1:1", ExitCode.FAILED, "ConnectionError"),
        ("langchain+redis://:hunter2@host:port", ExitCode.USAGE, "check the address"),
        ("langchain+postgresql://u:hunter2@host:port/x", ExitCode.USAGE, "check the address"),
        (f"langchain+file://{tmp_path}/missing.json", ExitCode.FAILED, "No such file"),
    ):
        failed = piped("copy", url, target)
        assert (failed.code, "hunter2" in failed.err) == (code, False), failed
        assert reason in failed.err


def test_a_bar_shows_rate_and_remaining_time(store_url: str, tmp_path: Path) -> None:
    fill(store_url, 60)
    terminal = shown("copy", store_url, other(tmp_path))

    assert "60 conversations with 1,830 messages: 1,830 copied" in terminal.text
    raw = terminal.raw.decode()
    assert "Copying" in raw
    assert "messages" in raw
    assert "0:00:00" in raw  # the remaining time at the end


def test_a_killed_copy_continues(store_url: str, tmp_path: Path) -> None:
    with open_store(store_url) as store:
        for number in range(30):
            store.add_messages(f"chat/{number}", [message(f"{n}") for n in range(200)])
    target = other(tmp_path)
    with open_store(target) as store:
        store.setup()
        process = subprocess.Popen([*COMMAND, "copy", store_url, target])
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        while process.poll() is None and not store.get_keys():
            pass
        process.kill()  # unless it has ended already, on a busy machine
        process.wait()
        watchdog.cancel()
        there = sum(store.count_messages(key) for key in store.get_keys())
    [report] = succeeded("copy", store_url, target, "--json").records

    assert report["copied"] == 6000 - there
    assert digest(target) == digest(store_url)


@pytest.mark.parametrize("name", ["chats.jsonl", "chats.md", "chats.html", "chats.parquet"])
def test_export_by_name(store_url: str, tmp_path: Path, name: str) -> None:
    fill(store_url)
    path = tmp_path / name
    done = succeeded("export", path, store_url)

    assert done.out == "3 conversations with 6 messages written\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    assert b"hi 2" in before or name == "chats.parquet"
    refused = piped("export", path, store_url)
    assert (refused.code, path.read_bytes()) == (ExitCode.FAILED, before)
    assert "exists: add --overwrite" in refused.err
    [numbers] = succeeded(
        "export", path, store_url, "--overwrite", "--json", "--key", "chat/1"
    ).records
    assert numbers == {"conversations": 1, "messages": 2}
    assert sorted(one.name for one in tmp_path.iterdir()) == ["chat.db", name]


def test_what_cannot_be_exported(store_url: str, tmp_path: Path) -> None:
    fill(store_url)
    cases: list[tuple[list[object], ExitCode, str]] = [
        (["export", tmp_path / "x.txt"], ExitCode.USAGE, "does not say the format"),
        (["export", tmp_path / "x.md", "--key", "chat/9"], ExitCode.FAILED, "one of the keys"),
        (["export", "sqlite:///chat.db"], ExitCode.USAGE, "chatstore export FILE URL"),
        (
            ["export", tmp_path, "--format", "html", "--overwrite"],
            ExitCode.USAGE,
            "not a regular file",
        ),
        (["export", tmp_path / "no" / "x.md"], ExitCode.FAILED, "No such file"),
        (["export", tmp_path / "x.md", "--format", "pdf"], ExitCode.USAGE, "--format"),
    ]
    for arguments, code, reason in cases:
        done = piped(*arguments, store_url)
        assert (done.code, reason in done.err) == (code, True), done
    assert [one.name for one in tmp_path.iterdir()] == ["chat.db"]
    assert "FILE URL" in piped("import", store_url).err
    terminal = Terminal("export", "-", store_url)
    assert terminal.end() == ExitCode.USAGE
    assert "could control the terminal" in terminal.text


def test_through_a_pipe(store_url: str, tmp_path: Path) -> None:
    fill(store_url)
    target = other(tmp_path)
    exported = subprocess.run(
        [*COMMAND, "export", "-", store_url], capture_output=True, timeout=SECONDS, check=True
    )
    command = [*COMMAND, "import", "-", target]
    subprocess.run(command, input=exported.stdout, timeout=SECONDS, check=True)

    assert exported.stderr == b""
    assert digest(target) == digest(store_url)


def test_import_our_own_format_twice(each_store_url: str, tmp_path: Path) -> None:
    source = other(tmp_path)
    fill(source)
    path = tmp_path / "chats.jsonl"
    succeeded("export", path, source)
    first = succeeded("import", path, each_store_url)
    again = succeeded("import", path, each_store_url, "--json").records

    assert first.out.startswith("3 conversations with 6 messages: 6 copied\n")
    assert digest(each_store_url) == digest(source)
    assert again[0]["copied"] == 0


def test_import_another_programs_export(store_url: str, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(CHATGPT))
    succeeded("import", path, store_url, "--owner", "u1", "--key-prefix", "gpt/")

    with open_store(store_url) as store:
        assert contents(store.get_messages("gpt/chat-1")) == ["u1", "u2"]
        fork = store.get_conversation("gpt/chat-1/u2-old")
    assert fork is not None
    assert (fork.owner, fork.metadata["forked_from"]) == ("u1", "gpt/chat-1")


def test_import_openai_chat(store_url: str, tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"messages":[{"role":"user","content":"Hi"}]}\n')
    succeeded("import", path, store_url)

    assert [line.split("\t")[3] for line in succeeded("ls", store_url).out.splitlines()] == [
        "train:1"
    ]


def test_a_damaged_file_writes_nothing(store_url: str, tmp_path: Path) -> None:
    source = other(tmp_path)
    fill(source)
    path = tmp_path / "chats.jsonl"
    succeeded("export", path, source)
    path.write_bytes(path.read_bytes()[:-150])
    done = piped("import", path, store_url)

    assert done.code == ExitCode.USAGE
    assert "export it again" in done.err
    assert not (tmp_path / "chat.db").exists()
    missing = piped("import", tmp_path / "missing.jsonl", store_url)
    assert (missing.code, "No such file" in missing.err) == (ExitCode.FAILED, True)


def test_a_missing_package_is_named(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store_url)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = piped("export", tmp_path / "x.parquet", store_url)

    assert done.code == ExitCode.USAGE
    assert "pip install 'chatstore-migrate[parquet]'" in done.err
