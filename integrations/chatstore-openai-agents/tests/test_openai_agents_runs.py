"""The SDK's runner works with a session."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner, SessionSettings, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call

from chatstore.core import ChatMemoryBuffer, ChatMessage, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.openai_agents import ChatStoreSession


@pytest.fixture
def session(store_url: str) -> Any:
    return ChatStoreSession.from_url("s", store_url)


def with_session(test: Any) -> Any:
    """Run a coroutine as a test, and close its session."""

    @wraps(test)
    def run(session: Any) -> None:
        async def main() -> None:
            async with session:
                await test(session)

        asyncio.run(main())

    return run


@function_tool
def double(number: int) -> str:
    """Double a number."""
    return str(2 * number)


def calls(*numbers: Any) -> Any:
    return [
        function_call("double", {"number": number}, call_id=f"c{number}", item_id=f"fc{number}")
        for number in numbers
    ]


def kinds(items: Any) -> Any:
    return [item.get("type") or item["role"] for item in items]


TURN = ["user", "function_call", "function_call", "function_call_output", "function_call_output"]


@with_session
async def test_handoffs_are_kept(session: Any) -> None:
    specialist = Agent(name="specialist", model=ScriptedModel([[assistant_message("hello")]]))
    model = ScriptedModel([[function_call("transfer_to_specialist", "{}", call_id="h")]])
    await Runner.run(Agent(name="a", model=model, handoffs=[specialist]), "hi", session=session)

    assert kinds(await session.get_items()) == [
        "user", "function_call", "function_call_output", "message",
    ]  # fmt: skip


@with_session
async def test_streamed_runs_are_kept(session: Any) -> None:
    model = ScriptedModel([calls(1, 2), [assistant_message("2 and 4")]])
    result = Runner.run_streamed(
        Agent(name="a", model=model, tools=[double]), "hi", session=session
    )
    async for _ in result.stream_events():
        pass

    assert kinds(await session.get_items()) == [*TURN, "message"]
    assert await session.get_items() == result.to_input_list()


@with_session
async def test_a_run_reads_as_much_as_its_settings_say(session: Any) -> None:
    models = [
        ScriptedModel([[assistant_message(f"answer {number}", item_id=f"m{number}")]])
        for number in range(5)
    ]
    for number, model in enumerate(models):
        await Runner.run(
            Agent(name="a", model=model),
            f"question {number}",
            session=session,
            run_config=RunConfig(session_settings=SessionSettings(limit=2)),
        )

    [call] = models[-1].calls
    assert len(call.input) == 3
    assert call.input[0]["content"] == "question 3"
    assert len(await session.get_items()) == 10


@with_session
async def test_a_question_is_taken_back_with_pop(session: Any) -> None:
    """The SDK's documentation shows how to correct a question."""
    for place in range(2):
        model = ScriptedModel([[assistant_message("?", item_id=f"m{place}")]])
        await Runner.run(Agent(name="a", model=model), f"question {place}", session=session)
    await session.pop_item()
    await session.pop_item()

    question, answer = await session.get_items()
    assert (question["content"], answer["id"]) == ("question 0", "m0")


@with_session
async def test_a_failed_run_leaves_what_was_said(session: Any) -> None:
    model = ScriptedModel([ModelStep.raise_error(RuntimeError("no model"))])
    with pytest.raises(RuntimeError, match="no model"):
        await Runner.run(Agent(name="a", model=model), "hi", session=session)

    assert kinds(await session.get_items()) == ["user"]


def test_our_window_of_a_run_is_valid(store_url: str) -> None:
    async def main() -> None:
        async with open_store(store_url) as store:
            session = ChatStoreSession("s", store)
            for _ in range(20):
                model = ScriptedModel([calls(1, 2), [assistant_message("2 and 4")]])
                await Runner.run(
                    Agent(name="a", model=model, tools=[double]), "hi", session=session
                )
            everything = await store.async_get_messages("s")
            window = await ChatMemoryBuffer(400, store, "s", str.split).async_get()
            assert provider_violations(everything) == provider_violations(window) == []
            assert 6 <= len(window) < len(everything)
            assert window[0] == ChatMessage(role="user", content="hi")

    asyncio.run(main())
