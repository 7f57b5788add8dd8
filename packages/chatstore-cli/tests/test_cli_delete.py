"""``chatstore delete`` and ``chatstore prune``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from command import Terminal, piped, succeeded

from chatstore.core import open_store
from chatstore.core.testing.messages import message


def keys(url: str) -> list[str]:
    with open_store(url) as store:
        return sorted(store.get_keys())


def fill(url: str) -> None:
    with open_store(url) as store:
        for number in range(4):
            store.create_conversation(f"chat/{number}", owner=f"u{number % 2}")
            store.add_message(f"chat/{number}", message("hi"))


def test_delete(each_store_url: str) -> None:
    fill(each_store_url)

    refused = piped("delete", "chat/1", each_store_url)
    assert (refused.code, refused.out) == (2, "")
    assert "add --yes" in refused.err
    assert len(keys(each_store_url)) == 4

    done = succeeded("delete", "--yes", "chat/1", each_store_url)
    assert done.out == "Deleted chat/1 with 1 message.\n"
    assert keys(each_store_url) == ["chat/0", "chat/2", "chat/3"]
    assert piped("delete", "--yes", "chat/1", each_store_url).code == 1
    assert succeeded("delete", "-y", "--json", "chat/2", each_store_url).records == [
        {"deleted": "chat/2", "messages": 1}
    ]


def test_delete_asks(store_url: str) -> None:
    fill(store_url)

    terminal = Terminal("delete", "chat/1", store_url)
    terminal.wait_for("Delete the conversation chat/1 with 1 message? [y/N]:")
    terminal.send("n\n")
    assert terminal.end() == 1
    assert "nothing was changed" in terminal.text

    interrupted = Terminal("delete", "chat/1", store_url)
    interrupted.wait_for("[y/N]:")
    interrupted.interrupt_question()
    assert interrupted.end() == 130
    assert "chat/1" in keys(store_url)

    agreed = Terminal("delete", "chat/1", store_url)
    agreed.wait_for("[y/N]:")
    agreed.send("y\n")
    assert agreed.end() == 0
    assert "chat/1" not in keys(store_url)


def test_a_conversation_that_changes_during_the_question_stays(store_url: str) -> None:
    fill(store_url)

    terminal = Terminal("delete", "chat/1", store_url)
    terminal.wait_for("[y/N]:")
    with open_store(store_url) as store:
        store.add_message("chat/1", message("still here"))
    terminal.send("y\n")

    assert terminal.end() == 1
    assert "has changed since" in " ".join(terminal.lines)
    assert "chat/1" in keys(store_url)


def age(path: Path, *old: str) -> None:
    """Let conversations be 100 days old."""
    with sqlite3.connect(path) as connection:
        for key in old:
            changed = connection.execute(
                "UPDATE chatstore_conversations SET updated_at = updated_at - ? WHERE key = ?",
                [100 * 86400, key],
            )
            assert changed.rowcount == 1
    connection.close()


def test_prune(store_url: str, tmp_path: Path) -> None:
    fill(store_url)
    age(tmp_path / "chat.db", "chat/0", "chat/1", "chat/2")

    listed = piped("prune", "--older-than", "90d", "--dry-run", "--json", store_url)
    assert sorted(record["key"] for record in listed.records) == ["chat/0", "chat/1", "chat/2"]
    text = piped("prune", "--older-than", "90d", "-n", "--owner", "u0", store_url)
    assert text.out.count("\n") == 2
    assert text.err == "2 conversations with 2 messages would be deleted.\n"
    assert piped("prune", "--older-than", "90d", store_url).code == 2
    assert len(keys(store_url)) == 4

    done = succeeded("prune", "--older-than", "90d", "--prefix", "chat/1", "--yes", store_url)
    assert done.out == "Deleted 1 conversation.\n"
    done = succeeded("prune", "--older-than", "12w", "--yes", "--json", store_url)
    assert done.records == [{"deleted": 2, "changed": 0}]
    assert keys(store_url) == ["chat/3"]
    assert succeeded("prune", "--older-than", "90d", store_url).out == "Deleted 0 conversations.\n"


def test_prune_keeps_what_changes_during_the_question(store_url: str, tmp_path: Path) -> None:
    fill(store_url)
    age(tmp_path / "chat.db", "chat/0", "chat/1")

    terminal = Terminal("prune", "--older-than", "90d", store_url)
    terminal.wait_for("[y/N]:")
    with open_store(store_url) as store:
        store.add_message("chat/0", message("still here"))
    terminal.send("y\n")

    assert terminal.end() == 0
    assert "Deleted 1 conversation; 1 changed during the run." in terminal.text
    assert keys(store_url) == ["chat/0", "chat/2", "chat/3"]


def test_prune_on_servers(each_store_url: str) -> None:
    fill(each_store_url)

    assert succeeded("prune", "--older-than", "1h", "--yes", each_store_url)
    assert len(keys(each_store_url)) == 4
    assert succeeded("prune", "--older-than", "0s", "--yes", each_store_url)
    assert keys(each_store_url) == []


def test_a_bad_age_is_refused(store_url: str) -> None:
    fill(store_url)

    for text in ("90", "d", "-1d", "90 d", "1y", "99999999d", "999999w"):
        done = piped("prune", f"--older-than={text}", "--yes", store_url)
        assert (done.code, done.out) == (2, ""), text
    assert len(keys(store_url)) == 4
