"""``chatstore ls``, in a pipe and in a terminal."""

from __future__ import annotations

import subprocess

import pytest
from command import COMMAND, piped, shown, succeeded
from hostile import FORBIDDEN, HOSTILE

from chatstore.core import open_store
from chatstore.core.testing.messages import message


def fill(url: str) -> None:
    with open_store(url) as store:
        for number in range(6):
            owner = f"u{number % 2}"
            store.create_conversation(f"chat/{number}", owner=owner, title=f"Title {number}")
            store.add_messages(f"chat/{number}", [message(f"hi {n}") for n in range(number)])
        store.add_message("other", message("hi"))


def test_conversations_are_listed(each_store_url: str) -> None:
    fill(each_store_url)

    everything = succeeded("ls", each_store_url)
    rows = sorted(line.split("\t")[1:] for line in everything.out.splitlines())

    assert len(rows) == 7
    assert rows[0] == ["0", "u0", "chat/0", "Title 0"]
    assert succeeded("ls", "--limit", 3, each_store_url).out.count("\n") == 3
    with_prefix = succeeded("ls", "--prefix", "chat/", "--json", each_store_url).records
    assert sorted(record["key"] for record in with_prefix) == [f"chat/{n}" for n in range(6)]
    owned = succeeded("ls", "--owner", "u1", "--json", each_store_url).records
    assert [record["key"] for record in owned] == ["chat/5", "chat/3", "chat/1"]
    assert [record["messages"] for record in owned] == [5, 3, 1]
    both = succeeded("ls", "--owner", "u1", "--prefix", "chat/3", each_store_url)
    assert both.out.endswith("\t3\tu1\tchat/3\tTitle 3\n")


def test_a_terminal_shows_a_table(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store_url)
    monkeypatch.setenv("CHATSTORE_URL", store_url)

    wide = shown("ls", "--owner", "u1")
    narrow = shown("ls", "--owner", "u1", columns=50)

    assert wide.lines[0].split() == ["updated", "messages", "owner", "key", "title"]
    assert wide.lines[1].split()[2:] == ["5", "u1", "chat/5", "Title", "5"]
    assert wide.styles_of("chat/5") == {("default", True)}
    assert len(narrow.lines) == 4
    assert "…" in narrow.lines[0]


def test_text_cannot_control_the_terminal(store_url: str) -> None:
    with open_store(store_url) as store:
        store.create_conversation(f"key{HOSTILE}", owner=f"owner{HOSTILE}", title=HOSTILE)

    for output in (succeeded("ls", store_url).out, succeeded("ls", "--json", store_url).out):
        assert "\x1b" not in output
        assert not set(output) & set(FORBIDDEN)
        assert len(output.splitlines()) == 1
    terminal = shown("ls", store_url, columns=400)
    assert not set(terminal.raw.decode()) & set(FORBIDDEN)
    assert r"\x1b[31mred\x1b[2J" in terminal.text
    assert terminal.screen.title == ""


def test_no_color_is_honored(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store_url)
    monkeypatch.setenv("NO_COLOR", "1")

    assert b"\x1b[3" not in shown("ls", store_url).raw


def test_a_closed_pipe_ends_the_command(store_url: str) -> None:
    with open_store(store_url) as store:
        for number in range(700):  # with titles, more than a pipe holds
            store.create_conversation(f"chat/{number}", title="x" * 200)

    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "-", *COMMAND, "ls", store_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (141, "")
    assert done.stdout.count("\n") == 1


def test_a_missing_file_is_not_created(store_url: str) -> None:
    done = piped("ls", store_url)

    assert done.code == 5
    assert "does not exist" in done.err
    assert "let your application call setup()" in done.err
    assert piped("ls", store_url).code == 5
