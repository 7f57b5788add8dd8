"""``chatstore search`` and ``chatstore stats``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from command import Terminal, piped, shown, succeeded
from hostile import FORBIDDEN, HOSTILE

from chatstore.core import ChatMessage, open_store
from chatstore.core.testing.messages import message

CALL = {"id": "w1", "function": {"name": "weather", "arguments": '{"city": "Trieste"}'}}


def fill(url: str) -> None:
    with open_store(url) as store:
        store.create_conversation("chat/1", owner="u1", title="Trieste by train")
        store.add_messages(
            "chat/1",
            [
                message("From Vienna,\nto TRIESTE" + " please" * 20, id="m1"),
                ChatMessage(role="assistant", additional_kwargs={"tool_calls": [CALL]}),
                message("Nothing here"),
            ],
        )
        store.create_conversation("chat/2", owner="u2")
        thinking = [{"type": "thinking", "thinking": "trieste?"}]
        store.add_message("chat/2", ChatMessage(role="assistant", content=thinking))


def test_text_is_matched_everywhere(each_store_url: str) -> None:
    fill(each_store_url)

    hits = succeeded("search", "trieste", "--json", each_store_url).records

    first = [hit for hit in hits if hit["key"] == "chat/1"]
    assert [hit["role"] for hit in first] == ["title", "user", "assistant"]
    assert (first[1]["id"], first[1]["text"][:23]) == ("m1", "From Vienna,\nto TRIESTE")
    assert len(hits) == 4
    plain = succeeded("search", "trieste", "--owner", "u1", "--limit", 2, each_store_url)
    assert [line.split("\t")[1] for line in plain.out.splitlines()] == ["title", "user"]
    assert "From Vienna, to TRIESTE please" in plain.out
    assert len(succeeded("search", "TRIESTE", "--case", each_store_url).out.splitlines()) == 1
    nothing = piped("search", "Pula", each_store_url)
    assert (nothing.code, nothing.out, nothing.err) == (1, "", "")
    assert piped("search", "", each_store_url).code == 2


def test_damaged_messages_are_reported(store_url: str, tmp_path: Path) -> None:
    fill(store_url)
    with sqlite3.connect(tmp_path / "chat.db") as connection:
        connection.execute("UPDATE chatstore_messages SET body = '{' WHERE body LIKE '%Nothing%'")
    connection.close()

    done = piped("search", "TRIESTE", "--case", store_url)

    assert (done.code, done.out.count("\n")) == (5, 1)
    assert "1 damaged message left out" in done.err


def test_a_terminal_highlights_the_text(store_url: str) -> None:
    fill(store_url)

    terminal = shown("search", "TRIESTE", "--case", store_url, columns=60)

    assert terminal.lines[0].startswith("chat/1  user  20")
    assert terminal.styles_of("TRIESTE") == {("black", True)}
    assert terminal.styles_of("From Vienna") == {("default", False)}


def test_a_bar_shows_progress_and_ends_with_an_interruption(store_url: str) -> None:
    with open_store(store_url) as store:
        for number in range(20):
            store.set_messages(f"chat/{number}", [message("x" * 100)] * 500)

    # The terminal holds few of its hits, so it cannot end before the interruption.
    terminal = Terminal("search", "x", store_url)
    terminal.wait_for("Searching")
    terminal.interrupt()

    assert terminal.end() == 130
    assert terminal.screen.cursor.hidden is False
    assert "Traceback" not in terminal.text


def test_a_bar_does_not_get_into_a_pipe(store_url: str, tmp_path: Path) -> None:
    """stderr is a terminal here, and stdout is a file."""
    fill(store_url)
    file = tmp_path / "hits"

    terminal = Terminal("search", "TRIESTE", "--case", store_url, stdout=file)

    assert terminal.end() == 0
    assert b"Searching" in terminal.raw
    assert file.read_text().startswith("chat/1\tuser\t20")
    assert "\x1b" not in file.read_text()


def test_hostile_text_is_harmless(store_url: str) -> None:
    with open_store(store_url) as store:
        store.create_conversation(HOSTILE, owner=HOSTILE, title=f"needle{HOSTILE}")
        store.add_message(HOSTILE, message(f"{HOSTILE}needle{HOSTILE}"))

    for arguments in (["search", "needle"], ["search", "needle", "--json"], ["stats"]):
        output = succeeded(*arguments, store_url).out
        assert not set(output) & {*FORBIDDEN, "\x1b", "\r"}
        terminal = shown(*arguments, store_url, columns=200)
        assert not set(terminal.raw.decode()) & set(FORBIDDEN)
        assert terminal.screen.title == ""


def test_stats(each_store_url: str) -> None:
    fill(each_store_url)
    with open_store(each_store_url) as store:
        store.add_message("other", message("hi"))

    [numbers] = succeeded("stats", "--json", each_store_url).records
    [owned] = succeeded("stats", "--owner", "u1", "--json", each_store_url).records

    assert (numbers["conversations"], numbers["messages"], numbers["owners"]) == (3, 5, 2)
    assert numbers["without_owner"] == 1
    assert numbers["longest"] == {"key": "chat/1", "messages": 3}
    assert {item["owner"] for item in numbers["largest_owners"]} == {"u1", "u2"}
    assert (owned["conversations"], owned["messages"], owned["owners"]) == (1, 3, 1)
    text = succeeded("stats", each_store_url).out
    assert "conversations  3\nmessages       5\nowners         2\n" in text


def test_stats_of_an_empty_store() -> None:
    assert "conversations  0\n" in succeeded("stats", "memory://").out
    assert succeeded("stats", "--json", "memory://").records[0]["longest"] is None


@pytest.mark.parametrize("command", ["search x", "stats"])
def test_prefixes(command: str, store_url: str) -> None:
    with open_store(store_url) as store:
        store.add_message("a/1", message("x"))
        store.add_message("b/1", message("x"))

    output = succeeded(*command.split(), "--prefix", "a/", "--json", store_url).out
    assert "a/1" in output
    assert "b/1" not in output
