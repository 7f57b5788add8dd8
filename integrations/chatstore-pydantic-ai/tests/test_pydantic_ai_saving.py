"""Messages are saved in groups, repeatedly, and after an edit: each is stored once."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from itertools import combinations
from typing import Any

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
    ConversationExistsError,
    InvalidArgumentError,
    InvalidMessageError,
    SimpleChatStore,
    open_store,
)
from chatstore.pydantic_ai import HistoryWindow, MessageHistory, to_messages

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def answer(messages: Any, info: Any) -> Any:
    """Call a tool until it has answered twice; the first answer asks for a retry."""
    returned = sum(p.part_kind == "tool-return" for m in messages for p in m.parts)
    if returned % 2:
        return ModelResponse([ToolCallPart("look", {"word": "right"})])
    last = messages[-1].parts[-1]
    if last.part_kind == "tool-return":
        return ModelResponse([ThinkingPart("hm", signature="s"), TextPart("done")])
    return ModelResponse([TextPart("let me see"), ToolCallPart("look", {"word": "wrong"})])


def agent() -> Any:
    made = Agent(FunctionModel(answer), system_prompt="Be nice.", instructions="Be brief.")

    @made.tool_plain
    def look(word: str) -> str:
        if word == "wrong":
            raise ModelRetry("another word")
        return f"{word} is there"

    return made


def history() -> Any:
    return MessageHistory(SimpleChatStore(), "k")


def test_a_run_saved_in_any_parts_comes_back() -> None:
    run = agent().run_sync(["look", ImageUrl("https://example.org/a.png")]).new_messages()
    assert len(run) == 6
    for count in range(4):
        for cuts in combinations(range(1, len(run)), count):
            saved = history()
            for start, end in zip((0, *cuts), (*cuts, len(run)), strict=True):
                saved.save(run[start:end])
                saved.save(run[: end - 1])  # messages of another group, again
            assert saved.load() == run, cuts


def test_a_run_saved_message_by_message_while_it_goes_on(store_url: str) -> None:
    async def main() -> None:
        async with open_store(store_url) as store:
            saved = MessageHistory(store, "k")
            for question in ("one", "two"):
                before = await saved.async_load()
                async with agent().iter(question, message_history=before) as run:
                    async for _ in run:
                        await saved.async_save(run.new_messages())
                assert await saved.async_load() == run.result.all_messages()
                await saved.async_save(run.result.all_messages())
                assert await saved.async_load() == run.result.all_messages()

    asyncio.run(main())


def test_what_was_said_before_a_failure_is_saved_again_later() -> None:
    def failing(messages: Any, info: Any) -> Any:
        if len(messages) > 1:
            raise RuntimeError("no model")
        return answer(messages, info)

    saved, broken = history(), agent()
    with capture_run_messages() as messages, pytest.raises(RuntimeError, match="no model"):
        broken.run_sync("one", model=FunctionModel(failing))
    saved.save(messages[:2])
    saved.save(messages)
    assert saved.load() == messages


@given(conversations())
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_what_was_loaded_is_not_added_again(messages: Any) -> None:
    saved = history()
    saved.save(messages)
    loaded = saved.load()
    saved.save(messages)
    saved.save(loaded)
    assert saved.load() == loaded
    assert [m.id for m in to_messages(loaded)] == [m.id for m in saved.store.get_messages("k")]


def test_messages_of_no_run_are_saved_once_too() -> None:
    messages = [
        ModelRequest([UserPromptPart("hi", timestamp=NOW)]),
        ModelResponse([TextPart("yo")], timestamp=NOW),
    ]
    saved = history()
    for _ in range(2):
        saved.save(messages)
    assert saved.load() == messages


def test_the_same_words_at_another_time_are_another_message() -> None:
    saved = history()
    for _ in range(2):
        saved.save([ModelRequest.user_text_prompt("yes")])
    saved.save([ModelRequest([], run_id="r")] * 2)
    assert [len(message.parts) for message in saved.load()] == [1, 1, 0, 0]


def test_a_history_without_some_messages_is_no_conflict() -> None:
    run = agent().run_sync("one").new_messages()
    saved = history()
    saved.save(run)
    saved.save([run[0], *run[3:]])
    assert saved.load() == run


@pytest.mark.parametrize("is_async", [False, True])
def test_an_edited_history_replaces_what_is_stored(is_async: bool) -> None:
    run = agent().run_sync("one").new_messages()
    saved = history()
    saved.save(run)
    edited = [dataclasses.replace(run[0], parts=[UserPromptPart("[removed]")]), *run[-1:]]
    if is_async:
        asyncio.run(saved.async_replace(edited))
    else:
        saved.replace(edited)
    assert saved.load() == edited
    saved.save(edited)
    assert saved.load() == edited


def test_any_run_id_is_taken() -> None:
    saved = history()
    run = agent().run_sync("one", run_id="long " * 100).new_messages()
    saved.save(run[:1])
    saved.save(run)
    assert saved.load() == run


def deferring() -> Any:
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


def test_results_of_deferred_tools_are_saved_when_they_come() -> None:
    saved = history()
    first = deferring().run_sync("buy it?")
    saved.save(first.new_messages())
    results = DeferredToolResults(calls={"c1": "yes", "c2": "no"})
    second = deferring().run_sync(message_history=saved.load(), deferred_tool_results=results)
    for _ in range(2):
        saved.save(second.new_messages())
    assert saved.load() == second.all_messages()
    assert second.output == "done"


def test_everything_that_a_message_knows_comes_back() -> None:
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
    saved = history()
    saved.save(messages)
    assert saved.load() == messages


def test_a_retry_is_part_of_the_run() -> None:
    tries = []

    def model(messages: Any, info: Any) -> Any:
        tries.append(messages)
        return ModelResponse([TextPart("wrong" if len(tries) == 1 else "right")])

    made = Agent(FunctionModel(model))

    @made.output_validator
    def check(text: str) -> str:
        if text == "wrong":
            raise ModelRetry("again")
        return text

    saved = history()
    run = made.run_sync("q")
    for message in run.new_messages():
        saved.save([message])
    assert saved.load() == run.all_messages()
    assert isinstance(saved.load()[2].parts[0], RetryFeedbackPart)


@pytest.mark.parametrize("message", [ChatMessage(role="user", content="secret"), "secret", {}])
def test_messages_of_others_are_refused_by_name(message: Any) -> None:
    with pytest.raises(InvalidMessageError, match="ModelResponse of pydantic_ai, not ") as raised:
        history().save([message])
    assert type(message).__qualname__ in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_refused_message_is_quoted_nowhere() -> None:
    with pytest.raises(InvalidMessageError) as raised:
        history().save([ModelRequest([UserPromptPart("secret")], metadata={"a": object()})])
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("store", ["memory://", None, SimpleChatStore])
def test_a_store_is_required(store: Any) -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"store must be a chatstore\.core\.ChatStore.*open_store"
    ):
        MessageHistory(store, "k")


def test_a_history_is_copied_and_pickled(store_url: str) -> None:
    messages = [ModelRequest.user_text_prompt("hi")]
    with open_store(store_url) as store:
        saved = MessageHistory(store, "k")
        copy.deepcopy(saved).save(messages)
        assert saved.load() == messages
        restored = pickle.loads(pickle.dumps(saved))
        with restored.store:
            assert restored.load() == messages


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_window_is_copied(duplicate: Any) -> None:
    assert duplicate(HistoryWindow(100, tokenizer_fn=str.split)).token_limit == 100


def test_a_history_has_an_owner_and_a_title_and_is_forked(each_store_url: str) -> None:
    messages = agent().run_sync("one").new_messages()
    with open_store(each_store_url) as store:
        saved = MessageHistory(store, "k", owner="ann", title="Words")
        saved.save(messages[:2])
        saved.save(messages)
        MessageHistory(store, "k", owner="bob").save(messages)  # begun by Ann
        asyncio.run(MessageHistory(store, "r", owner="ann", title="R").async_replace(messages))
        store.add_message("k", ChatMessage(role="assistant"))  # has nothing to send

        fork = saved.fork("f", messages=3)
        fork.save(messages[3:4])
        whole = asyncio.run(saved.async_fork("w", messages=len(messages)))

        assert (fork.key, fork.load(), whole.load()) == ("f", messages[:4], messages)
        assert saved.fork("all").load() == saved.load() == messages
        titles = {one.key: one.title for one in store.iter_conversations(owner="ann")}
        assert titles == {"k": "Words", "r": "R", "f": None, "w": None, "all": None}
        for count in (0, len(messages) + 1):
            with pytest.raises(InvalidArgumentError, match="messages"):
                saved.fork("x", messages=count)
        with pytest.raises(ConversationExistsError):
            saved.fork("f")


def test_a_deleted_conversation_begins_again_with_its_owner() -> None:
    store = SimpleChatStore()
    messages = [ModelRequest.user_text_prompt("one")]
    saved = MessageHistory(store, "k", owner="ann", title="Words")
    saved.save(messages)
    fork = saved.fork("f")
    saves: list[Callable[[MessageHistory], object]] = [
        lambda history: history.save(messages),
        lambda history: history.replace(messages),
        lambda history: asyncio.run(history.async_save(messages)),
        lambda history: asyncio.run(history.async_replace(messages)),
    ]
    for save in saves:
        store.delete_messages("k")
        store.delete_messages("f")
        save(saved)
        save(fork)
        owned = store.list_conversations(owner="ann").conversations
        assert {one.key: one.title for one in owned} == {"k": "Words", "f": None}


@pytest.mark.parametrize("wrong", [{"owner": ""}, {"title": "t" * 1001}])
def test_wrong_owners_and_titles_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        MessageHistory(SimpleChatStore(), "k", **wrong)
