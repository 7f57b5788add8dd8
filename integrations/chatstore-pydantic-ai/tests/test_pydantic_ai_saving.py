"""Messages are saved in parts, again, and after an edit: each of them is kept once."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import pickle
from datetime import datetime, timezone
from itertools import combinations

import pytest
from generated_pydantic_ai import conversations
from hypothesis import HealthCheck, given, settings
from pydantic_ai import (
    Agent,
    CallDeferred,
    DeferredToolRequests,
    DeferredToolResults,
    ModelRetry,
    capture_run_messages,
)
from pydantic_ai.messages import (
    BinaryContent,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    RetryFeedbackPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

from chatstore.core import (
    ChatMessage,
    InvalidArgumentError,
    InvalidMessageError,
    SimpleChatStore,
    open_store,
)
from chatstore.pydantic_ai import HistoryWindow, MessageHistory, to_messages

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def answer(messages, info):
    """Call a tool until it has answered twice; the first answer asks for a retry."""
    returned = sum(p.part_kind == "tool-return" for m in messages for p in m.parts)
    if returned % 2:
        return ModelResponse([ToolCallPart("look", {"word": "right"})])
    last = messages[-1].parts[-1]
    if last.part_kind == "tool-return":
        return ModelResponse([ThinkingPart("hm", signature="s"), TextPart("done")])
    return ModelResponse([TextPart("let me see"), ToolCallPart("look", {"word": "wrong"})])


def agent():
    made = Agent(FunctionModel(answer), system_prompt="Be nice.", instructions="Be brief.")

    @made.tool_plain
    def look(word: str) -> str:
        if word == "wrong":
            raise ModelRetry("another word")
        return f"{word} is there"

    return made


def history():
    return MessageHistory(SimpleChatStore(), "k")


def test_a_run_saved_in_any_parts_comes_back():
    run = agent().run_sync(["look", ImageUrl("https://example.org/a.png")]).new_messages()
    assert len(run) == 6
    for count in range(4):
        for cuts in combinations(range(1, len(run)), count):
            kept = history()
            for start, end in zip((0, *cuts), (*cuts, len(run)), strict=True):
                kept.save(run[start:end])
                kept.save(run[: end - 1])  # again, what another part held
            assert kept.load() == run, cuts


def test_a_run_saved_message_by_message_while_it_goes_on(store_url):
    async def main():
        async with open_store(store_url) as store:
            kept = MessageHistory(store, "k")
            for question in ("one", "two"):
                before = await kept.async_load()
                async with agent().iter(question, message_history=before) as run:
                    async for _ in run:
                        await kept.async_save(run.new_messages())
                assert await kept.async_load() == run.result.all_messages()
                await kept.async_save(run.result.all_messages())
                assert await kept.async_load() == run.result.all_messages()

    asyncio.run(main())


def test_what_was_said_before_a_failure_is_saved_again_later():
    def failing(messages, info):
        if len(messages) > 1:
            raise RuntimeError("no model")
        return answer(messages, info)

    kept, broken = history(), agent()
    with capture_run_messages() as messages, pytest.raises(RuntimeError, match="no model"):
        broken.run_sync("one", model=FunctionModel(failing))
    kept.save(messages[:2])
    kept.save(messages)
    assert kept.load() == messages


@given(conversations())
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_what_was_loaded_is_not_added_again(messages):
    kept = history()
    kept.save(messages)
    loaded = kept.load()
    kept.save(messages)
    kept.save(loaded)
    assert kept.load() == loaded
    assert [m.id for m in to_messages(loaded)] == [m.id for m in kept.store.get_messages("k")]


def test_messages_of_no_run_are_saved_once_too():
    messages = [
        ModelRequest([UserPromptPart("hi", timestamp=NOW)]),
        ModelResponse([TextPart("yo")], timestamp=NOW),
    ]
    kept = history()
    for _ in range(2):
        kept.save(messages)
    assert kept.load() == messages


def test_the_same_words_at_another_time_are_another_message():
    kept = history()
    for _ in range(2):
        kept.save([ModelRequest.user_text_prompt("yes")])
    kept.save([ModelRequest([], run_id="r")] * 2)
    assert [len(message.parts) for message in kept.load()] == [1, 1, 0, 0]


def test_a_history_without_some_messages_is_no_conflict():
    run = agent().run_sync("one").new_messages()
    kept = history()
    kept.save(run)
    kept.save([run[0], *run[3:]])
    assert kept.load() == run


@pytest.mark.parametrize("is_async", [False, True])
def test_an_edited_history_replaces_what_is_stored(is_async):
    run = agent().run_sync("one").new_messages()
    kept = history()
    kept.save(run)
    edited = [dataclasses.replace(run[0], parts=[UserPromptPart("[removed]")]), *run[-1:]]
    if is_async:
        asyncio.run(kept.async_replace(edited))
    else:
        kept.replace(edited)
    assert kept.load() == edited
    kept.save(edited)
    assert kept.load() == edited


def test_any_run_id_is_taken():
    kept = history()
    run = agent().run_sync("one", run_id="long " * 100).new_messages()
    kept.save(run[:1])
    kept.save(run)
    assert kept.load() == run


def deferring():
    made = Agent(
        FunctionModel(
            lambda messages, info: ModelResponse(
                [TextPart("done")]
                if messages[-1].parts[0].part_kind == "tool-return"
                else [ToolCallPart("ask", {}, "c1"), ToolCallPart("ask", {}, "c2")]
            )
        ),
        output_type=[str, DeferredToolRequests],
    )

    @made.tool_plain
    def ask() -> str:
        raise CallDeferred

    return made


def test_results_of_deferred_tools_are_saved_when_they_come():
    kept = history()
    first = deferring().run_sync("buy it?")
    kept.save(first.new_messages())
    results = DeferredToolResults(calls={"c1": "yes", "c2": "no"})
    second = deferring().run_sync(message_history=kept.load(), deferred_tool_results=results)
    for _ in range(2):
        kept.save(second.new_messages())
    assert kept.load() == second.all_messages()
    assert second.output == "done"


def test_everything_that_a_message_knows_comes_back():
    messages = [
        ModelRequest(
            [
                UserPromptPart(["look", BinaryContent(b"12", media_type="application/pdf")]),
                ToolReturnPart("t", {"a": [1, None]}, "c", outcome="denied", metadata={"m": 1}),
            ],
            run_id="r",
            conversation_id="conversation",
            instructions="Be brief.",
            metadata={"user": "u1"},
            timestamp=NOW,
        ),
        ModelResponse(
            [
                ThinkingPart("hm", id="rs_1", signature="s", provider_name="openai"),
                NativeToolCallPart("web_search", {"query": "q"}, "ws_1", provider_name="openai"),
                NativeToolReturnPart("web_search", ["a", "b"], "ws_1", provider_name="openai"),
                TextPart("yes", id="msg_1"),
            ],
            usage=RequestUsage(input_tokens=3, output_tokens=5, details={"reasoning_tokens": 2}),
            model_name="m",
            timestamp=NOW,
            provider_response_id="resp_1",
            provider_details={"finish_reason": "stop"},
            finish_reason="stop",
            run_id="r",
        ),
    ]
    kept = history()
    kept.save(messages)
    assert kept.load() == messages


def test_a_retry_is_part_of_the_run():
    tries = []

    def model(messages, info):
        tries.append(messages)
        return ModelResponse([TextPart("wrong" if len(tries) == 1 else "right")])

    made = Agent(FunctionModel(model))

    @made.output_validator
    def check(text: str) -> str:
        if text == "wrong":
            raise ModelRetry("again")
        return text

    kept = history()
    run = made.run_sync("q")
    for message in run.new_messages():
        kept.save([message])
    assert kept.load() == run.all_messages()
    assert isinstance(kept.load()[2].parts[0], RetryFeedbackPart)


@pytest.mark.parametrize("message", [ChatMessage(role="user", content="secret"), "secret", {}])
def test_messages_of_others_are_refused_by_name(message):
    with pytest.raises(InvalidMessageError, match="ModelResponse of pydantic_ai, not ") as raised:
        history().save([message])
    assert type(message).__qualname__ in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_refused_message_is_quoted_nowhere():
    with pytest.raises(InvalidMessageError) as raised:
        history().save([ModelRequest([UserPromptPart("secret")], metadata={"a": object()})])
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("store", ["memory://", None, SimpleChatStore])
def test_a_store_is_required(store):
    with pytest.raises(InvalidArgumentError, match=r"store must be a ChatStore.*open_store"):
        MessageHistory(store, "k")


def test_a_history_is_copied_and_pickled(store_url):
    messages = [ModelRequest.user_text_prompt("hi")]
    with open_store(store_url) as store:
        kept = MessageHistory(store, "k")
        copy.deepcopy(kept).save(messages)
        assert kept.load() == messages
        restored = pickle.loads(pickle.dumps(kept))
        with restored.store:
            assert restored.load() == messages


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_window_is_copied(duplicate):
    assert duplicate(HistoryWindow(100, tokenizer_fn=len)).token_limit == 100
