"""The SDK with its real CLI and a fake model: processes continue sessions, also of others."""

from __future__ import annotations

import uuid
from pathlib import Path

import anthropic_model
import pytest
from claude_agent_sdk import SessionKey, project_key_for_directory
from claude_programs import ProcessKilledError, dialog, run_agent
from model_server import ModelServer
from programs import snippets

from chatstore.claude_agent_sdk import conversation_key
from chatstore.core import ChatMessage, open_store, to_openai
from chatstore.core.tool_calls import calls_of, results_of

GUIDE = Path(__file__).parent / "guide_claude_agent_sdk.py"
EXAMPLE, FORK = snippets(Path(__file__).parent.parent / "README.md")


def turn(cities: str) -> list[list[str]]:
    """Return what a model receives of a turn, with its answer."""
    results = [f"sunny in {city}" for city in cities.split(",")]
    return [
        ["user", cities],
        *[["assistant", f"call {city}"] for city in cities.split(",")],
        *[["user", result] for result in results],
        ["assistant", " and ".join(results)],
    ]


def test_model_receives_the_whole_conversation(each_store_url: str, tmp_path: Path) -> None:
    """Three turns run, the process is killed in the fourth, and one on another machine goes on."""
    arguments = each_store_url, str(uuid.uuid4())
    cities = ["Oslo", "Rome,Paris", "Lima"]
    with ModelServer(anthropic_model.answer) as model, pytest.raises(ProcessKilledError) as killed:
        run_agent(GUIDE, *arguments, *cities, "crash", model_url=model.url, home=tmp_path / "one")
    assert killed.value.lines == [turn(city)[-1][1] for city in cities]
    before = [line for city in cities for line in turn(city)]
    assert dialog(model.requests[6]) == [*before, ["user", "crash"]]

    with ModelServer(anthropic_model.answer) as model:
        lines = run_agent(GUIDE, *arguments, "Bonn", model_url=model.url, home=tmp_path / "two")
    assert lines == ["sunny in Bonn"]
    expected = [*before, *turn("Bonn")]
    assert [dialog(body) for body in model.requests] == [expected[:-3], expected[:-1]]


def test_other_frameworks_and_the_sdk_continue_each_other(store_url: str, tmp_path: Path) -> None:
    session_id, home = str(uuid.uuid4()), tmp_path / "home"
    project = project_key_for_directory(tmp_path / "work")
    session: SessionKey = {"project_key": project, "session_id": session_id}
    key = conversation_key(session)
    arguments = store_url, session_id
    call = {"id": "c1", "type": "function"}
    call["function"] = {"name": "weather", "arguments": '{"city": "Oslo"}'}  # type: ignore[assignment]
    begun = [
        ChatMessage(role="system", content="Be polite."),
        ChatMessage(role="user", content="Oslo"),
        ChatMessage(role="assistant", additional_kwargs={"tool_calls": [call]}),
        ChatMessage(role="tool", content="sunny in Oslo", additional_kwargs={"tool_call_id": "c1"}),
        ChatMessage(role="assistant", content="sunny in Oslo"),
    ]
    continued = [
        ChatMessage(role="user", content="Thanks"),
        ChatMessage(role="assistant", content="Welcome"),
    ]
    with open_store(store_url) as store, ModelServer(anthropic_model.answer) as model:
        store.add_messages(key, begun)
        run_agent(GUIDE, *arguments, "Rome,Paris", model_url=model.url, home=home)
        expected = [*turn("Oslo"), *turn("Rome,Paris")]
        assert dialog(model.requests[-1]) == expected[:-1]

        store.add_messages(key, continued)
        run_agent(GUIDE, *arguments, "Lima", model_url=model.url, home=home)
        expected += [["user", "Thanks"], ["assistant", "Welcome"], *turn("Lima")]
        assert dialog(model.requests[-1]) == expected[:-1]

        messages = store.get_messages(key)
        assert sent_lines(messages[1:]) == expected
        to_openai(messages)


def test_examples(tmp_path: Path) -> None:
    """A session goes on; then one continues another framework's conversation."""
    home = tmp_path / "home"
    with ModelServer(
        lambda path, body: anthropic_model.answer(path, {**body, "tools": []})
    ) as model:
        for _ in range(2):
            lines = run_agent(EXAMPLE, model_url=model.url, home=home)
            assert lines == ["Hello!"]
        expected = [["user", "Hello!"], ["assistant", "Hello!"], ["user", "Hello!"]]
        assert dialog(model.requests[-1]) == expected
        resume = EXAMPLE.replace("continue_conversation=True", "resume=session_id")
        run_agent(FORK + resume, model_url=model.url, home=home)
    received = [line for line in dialog(model.requests[-1]) if line[0] == "user"]
    assert received == [["user", "Hello!"], ["user", "Hello!"]]


def sent_lines(messages: list[ChatMessage]) -> list[list[str]]:
    """Return what the common fields of messages contain, as pairs of role and text."""
    lines = []
    for message in messages:
        results = [result.content for result in results_of(message)]
        outputs = [
            text if isinstance(text, str) else text[0].model_dump()["text"] for text in results
        ]
        lines += [["user", text] for text in outputs]
        lines += [["assistant", f"call {call.arguments[10:-2]}"] for call in calls_of(message)]
        if message.text and not results:
            lines.append([message.role.value, message.text])
    return lines
