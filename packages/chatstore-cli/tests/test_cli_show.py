"""``chatstore show``, in a pipe and in a terminal."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from command import Terminal, piped, shown, succeeded
from hostile import FORBIDDEN, HOSTILE

from chatstore.core import ChatMessage, ChatStore, open_store
from chatstore.core.testing.messages import message


def call(name: str, call_id: str, **arguments: object) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def calling(*calls: dict[str, Any]) -> ChatMessage:
    return ChatMessage(role="assistant", additional_kwargs={"tool_calls": list(calls)})


def result(call_id: str, content: str) -> ChatMessage:
    kwargs = {"tool_call_id": call_id}
    return ChatMessage(role="tool", content=content, additional_kwargs=kwargs)


WEATHER = [
    ChatMessage(role="system", content="Be brief."),
    message("How is the weather in Trieste and in Pula?"),
    calling(call("weather", "w1", city="Trieste"), call("weather", "w2", city="Pula")),
    result("w2", "27 degrees"),
    result("w1", "26 degrees, " + "sunny " * 100),
    ChatMessage(
        role="assistant",
        content=[
            {"type": "text", "text": "Both are warm. " + "Take a hat. " * 20},
            {"type": "image", "media_type": "image/png", "data": "A" * 4000},
            {"type": "document", "name": "hotels.pdf", "url": "https://example.org/hotels.pdf"},
        ],
    ),
]


def store_weather(url: str) -> None:
    with open_store(url) as store:
        store.create_conversation("chat/1", owner="u42", title="A weekend")
        store.add_messages("chat/1", WEATHER)


def test_results_are_under_their_calls(each_store_url: str) -> None:
    store_weather(each_store_url)

    lines = succeeded("show", "chat/1", each_store_url).out.splitlines()

    assert lines[0] == "A weekend"
    assert lines[1].startswith("chat/1, owner u42, 6 messages, updated 20")
    assert lines[3].startswith("system  20")
    assert lines[3].endswith(" tokens")
    assert lines[9].startswith("assistant  20")
    assert lines[10:12] == ['  → weather({"city": "Trieste"})', lines[11]]
    assert lines[11].startswith("    ← 26 degrees, sunny sunny")
    assert lines[11].endswith("… (451 more characters)")
    assert lines[12:14] == ['  → weather({"city": "Pula"})', "    ← 27 degrees"]
    assert lines[17:] == [
        "  [image, image/png, 3.0 KB]",
        "  [document, hotels.pdf, https://example.org/hotels.pdf]",
    ]
    full = succeeded("show", "--full", "chat/1", each_store_url).out
    assert "26 degrees, " + "sunny " * 100 in full
    last = succeeded("show", "--last", 1, "--json", "chat/1", each_store_url).records
    assert [ChatMessage.model_validate(record) for record in last] == WEATHER[-1:]


def test_a_terminal_wraps_and_colors(store_url: str) -> None:
    store_weather(store_url)

    wide, narrow = (
        shown("show", "chat/1", store_url),
        shown("show", "chat/1", store_url, columns=30),
    )

    assert wide.styles_of("A weekend") == {("default", True)}
    assert wide.styles_of("system") == {("magenta", True)}
    assert wide.styles_of("→ weather") == {("brown", False)}
    assert "  Both are warm. Take a hat. Take" in wide.text
    assert "  How is the weather in\n  Trieste and in Pula?" in narrow.text


def test_calls_without_results_and_results_without_calls(store_url: str) -> None:
    with open_store(store_url) as store:
        store.add_messages(
            "chat/1",
            [
                result("x", "lost"),
                calling(call("first", "a")),
                message("Are you there?"),
                calling(call("second", "b")),
                ChatMessage(
                    role="user",
                    content=[
                        {"type": "tool_result", "tool_use_id": "b", "content": "done"},
                        {"type": "text", "text": "And now?"},
                    ],
                ),
                calling(call("third", "c")),
            ],
        )

    text = succeeded("show", "chat/1", store_url).out

    assert "← lost" in text
    assert "→ first({})\n    ← no result" in text
    assert "→ second({})\n    ← done" in text
    assert "\n  And now?\n" in text
    assert text.endswith("→ third({})\n    ← no result\n")


def test_content_cannot_control_the_terminal(store_url: str) -> None:
    with open_store(store_url) as store:
        store.create_conversation("chat/1", owner=HOSTILE, title=HOSTILE)
        store.add_messages(
            "chat/1",
            [
                message(HOSTILE),
                calling(call(HOSTILE, HOSTILE, argument=HOSTILE)),
                result(HOSTILE, HOSTILE),
                result("x", HOSTILE),
                ChatMessage(
                    role="user",
                    content=[
                        {"type": "document", "name": HOSTILE, "url": HOSTILE},
                        {"type": "thinking", "thinking": HOSTILE},
                        {"type": HOSTILE, "text": HOSTILE},
                    ],
                ),
            ],
        )

    for option in ("--full", "--json"):
        output = succeeded("show", option, "chat/1", store_url).out
        assert not set(output) & {*FORBIDDEN, "\x1b", "\r"}
    terminal = shown("show", "--full", "chat/1", store_url, columns=200, lines=100)
    assert not set(terminal.raw.decode()) & set(FORBIDDEN)
    assert terminal.text.count(r"\x1b]0;title\x07") >= 8
    assert terminal.screen.title == ""
    missing = piped("show", HOSTILE, store_url)
    assert not set(missing.err) & {*FORBIDDEN, "\x1b", "\r"}


def test_a_missing_conversation(store_url: str) -> None:
    with open_store(store_url) as store:
        store.add_message("chat/1", message("hi"))

    done = piped("show", "chat/2", store_url)

    assert (done.code, done.out) == (1, "")
    assert "no conversation with the key 'chat/2'" in done.err


def test_damaged_messages_are_reported(store_url: str, tmp_path: Path) -> None:
    with open_store(store_url) as store:
        store.add_messages("chat/1", [message(f"hi {number}") for number in range(3)])
    with sqlite3.connect(tmp_path / "chat.db") as connection:
        changed = connection.execute(
            "UPDATE chatstore_messages SET body = '{' WHERE body LIKE '%hi 1%'"
        )
        assert changed.rowcount == 1
    connection.close()

    for options in ([], ["--last", "2"]):
        done = piped("show", *options, "chat/1", store_url)
        assert done.code == 5
        assert "1 damaged message left out" in done.err
        assert "hi 2" in done.out


@pytest.fixture
def store(each_store_url: str) -> Any:
    with open_store(each_store_url) as opened:
        opened.add_messages("chat/1", [message("hi", id="m1")])
        yield opened


def test_follow(store: ChatStore, each_store_url: str) -> None:
    terminal = Terminal("show", "--follow", "chat/1", each_store_url)
    terminal.wait_for("  hi")
    answer = ChatMessage(role="assistant", id="m2", content="Good")
    store.put_message("chat/1", answer)
    terminal.wait_for("  Good")
    store.put_message("chat/1", answer.model_copy(update={"content": "Good morning!"}))
    terminal.wait_for("   morning!")
    store.add_message("chat/1", calling(call("weather", "w1")))
    terminal.wait_for("no result")
    store.add_message("chat/1", result("w1", "27 degrees"))
    terminal.wait_for("← 27 degrees")
    terminal.resize(40, 60)
    store.truncate("chat/1", from_id="m2")
    terminal.wait_for("Messages at the end")
    store.add_message("chat/1", message("word " * 20))
    terminal.wait_for("\n  word word word word word word word\n  word")
    terminal.interrupt()

    assert terminal.end() == 130
    assert "Traceback" not in terminal.text


def test_follow_ends_with_the_conversation(store: ChatStore, each_store_url: str) -> None:
    terminal = Terminal("show", "-f", "--json", "chat/1", each_store_url, columns=300)
    terminal.wait_for('"content": "hi"')
    answer = message("there", id="m2")
    store.add_message("chat/1", answer)
    terminal.wait_for('"content": "there"')
    store.put_message("chat/1", answer.model_copy(update={"content": "there you are"}))
    terminal.wait_for('"content": "there you are"')
    store.delete_messages("chat/1")

    assert terminal.end() == 0
