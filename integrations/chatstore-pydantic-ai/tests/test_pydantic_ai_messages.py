"""Messages of every type come back equal; a run is saved once; windows are valid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from generated_pydantic_ai import REQUEST_PARTS, RESPONSE_PARTS, conversations, made_of
from hypothesis import HealthCheck, given, settings
from pydantic_ai import Agent
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel

from chatstore.core import (
    ChatMessage,
    InvalidKeyError,
    InvalidMessageError,
    SimpleChatStore,
    TokenLimitWarning,
    open_store,
)
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.pydantic_ai import HistoryWindow, MessageHistory, to_messages, to_model_messages

TestModel.__test__ = False  # pytest would collect it
KINDS: list[tuple[Any, type]] = [(ModelRequest, kind) for kind in REQUEST_PARTS]
KINDS += [(ModelResponse, kind) for kind in RESPONSE_PARTS]


def as_json(messages: Any) -> Any:
    """Return messages after Pydantic AI's own JSON, in which bytes of type `Any` become text."""
    json = ModelMessagesTypeAdapter.dump_json(messages)
    return ModelMessagesTypeAdapter.validate_json(json)


def part_contents(message: ChatMessage) -> list[Any]:
    converted: list[Any] = to_model_messages([message])
    return [part.content for part in converted[0].parts]


def check_return(messages: Any) -> None:
    with SimpleChatStore() as store:
        history = MessageHistory(store, "k")
        history.save(messages)
        assert history.load() == as_json(messages)
        assert store.count_messages("k") == len(messages)


@pytest.mark.parametrize(
    ("message", "kind"), KINDS, ids=[f"{m.__name__}-{p.__name__}" for m, p in KINDS]
)
def test_every_part_comes_back_equal(message: Any, kind: type) -> None:
    @given(made_of(kind))
    @settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
    def check(part: Any) -> None:
        try:
            made = message([part])
        except ValueError:
            return  # such a message cannot have this part: a response has no user's speech
        check_return([made])

    check()


@given(conversations())
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_conversations_come_back_equal(messages: Any) -> None:
    check_return(messages)


def test_parts_are_still_generated() -> None:
    assert len(REQUEST_PARTS) >= 10
    assert len(RESPONSE_PARTS) >= 12


def answer(messages: Any, info: Any) -> Any:
    last = messages[-1].parts[-1]
    if last.part_kind == "tool-return":
        return ModelResponse([TextPart(f"done: {last.content}")])
    calls = [ToolCallPart("look", {"word": last.content, "place": place}) for place in (1, 2)]
    return ModelResponse([ThinkingPart("hm", signature="s"), *calls])


def agent(model: Any = answer, **options: Any) -> Any:
    made = Agent(FunctionModel(model), system_prompt="Be nice.", **options)

    @made.tool_plain
    def look(word: str, place: int) -> str:
        return f"{word} at {place}"

    return made


def test_a_run_is_saved_once(store_url: str) -> None:
    with open_store(store_url) as store:
        history = MessageHistory(store, "k")
        first = agent().run_sync("one")
        history.save(first.new_messages()[:2])  # as if the process had crashed in between
        for _ in range(2):
            history.save(first.new_messages())
        second = agent().run_sync("two", message_history=history.load())
        for _ in range(2):
            history.save(second.new_messages())

        assert history.load() == first.all_messages() + second.new_messages()
        assert len({message.id for message in store.get_messages("k")}) == 8


def test_async_is_the_same(store_url: str) -> None:
    async def main() -> None:
        async with open_store(store_url) as store:
            history = MessageHistory(store, "k")
            for text in ("one", "two"):
                result = await agent().run(text, message_history=await history.async_load())
                await history.async_save(result.new_messages())
                await history.async_save(result.new_messages())
            assert await history.async_load() == result.all_messages()

    asyncio.run(main())


def test_a_key_is_checked_at_once() -> None:
    with pytest.raises(InvalidKeyError):
        MessageHistory(SimpleChatStore(), "")


@pytest.mark.parametrize("text", ["\ud800", object()])
def test_what_json_cannot_hold_is_refused(text: Any) -> None:
    with SimpleChatStore() as store, pytest.raises(InvalidMessageError):
        MessageHistory(store, "k").save([ModelRequest([UserPromptPart("a")], metadata={"a": text})])
    with pytest.raises(InvalidMessageError):
        to_messages([ModelResponse([TextPart("\ud800")])])


def test_changes_of_common_fields_win_over_the_payload() -> None:
    message: Any = to_messages([ModelResponse([TextPart("my password is 1234")])])[0]
    message.content = "[removed]"

    assert part_contents(message) == ["[removed]"]


def test_payload_that_cannot_be_read_leaves_the_common_fields() -> None:
    message: Any = to_messages([ModelResponse([TextPart("hi")])])[0]
    message.additional_kwargs["chatstore.payload"]["pydantic_ai"]["payload"]["parts"][0][
        "part_kind"
    ] = "new"

    assert part_contents(message) == ["hi"]


def test_common_fields() -> None:
    run = agent().run_sync("one").all_messages()
    stored: Any = to_messages(run)
    question, calls, results, final = stored

    assert (question.role.value, question.content) == ("user", "one")
    assert [block.model_dump() for block in calls.content] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"}
    ]
    requests = calls.additional_kwargs["tool_calls"]
    assert [call["function"]["name"] for call in requests] == ["look", "look"]
    assert results.role.value == "user"
    assert [block.tool_use_id for block in results.content] == [call["id"] for call in requests]
    assert [block.content for block in results.content] == ["one at 1", "one at 2"]
    assert final.content == "done: one at 2"
    assert provider_violations([question, calls, results, final]) == []


def test_one_result_is_a_tool_message() -> None:
    message: Any = to_messages([ModelRequest([ToolReturnPart("t", {"a": 1}, "c")])])[0]

    assert (message.role.value, message.content) == ("tool", '{"a":1}')
    assert message.additional_kwargs["tool_call_id"] == "c"
    assert message.additional_kwargs["name"] == "t"


def test_messages_of_other_frameworks() -> None:
    messages = [
        ChatMessage(role="system", content="Be nice."),
        ChatMessage(role="user", content=[{"type": "image", "url": "https://example.org/a.png"}]),
        ChatMessage(
            role="assistant",
            content=[{"type": "thinking", "thinking": "hm"}, {"type": "image", "data": "AAAA"}],
            additional_kwargs={
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}
                ]
            },
        ),
        ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "c"}),
        ChatMessage(role="assistant", content=None),
        ChatMessage(role="assistant", content="yo"),
    ]
    converted: Any = to_model_messages(messages)

    assert [[part.part_kind for part in message.parts] for message in converted] == [
        ["system-prompt"],
        ["user-prompt"],
        ["thinking", "file", "tool-call"],
        ["tool-return"],
        ["text"],
    ]
    assert converted[3].parts[0].tool_name == "t"
    assert agent(lambda m, i: ModelResponse([TextPart("ok")])).run_sync(
        "and?", message_history=converted
    ).output == "ok"  # fmt: skip


def test_media_and_results_of_other_frameworks() -> None:
    kinds = ["image", "audio", "video", "document"]
    blocks: list[Any] = [{"type": "text", "text": "look"}]
    blocks += [{"type": kind, "url": f"https://example.org/{kind}"} for kind in kinds]
    blocks += [{"type": kind, "data": "AAAA"} for kind in kinds]
    blocks += [{"type": "image", "data": "no base64"}, {"type": "new", "data": "AAAA"}]
    call = {"type": "tool_use", "id": "a", "name": "t", "input": {"x": 1}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": blocks[:2]}
    messages = [
        ChatMessage(role="user", content=blocks),
        ChatMessage(role="model", content=[call]),
        ChatMessage(role="user", content=[result, {"type": "text", "text": "and?"}]),
        ChatMessage(
            role="assistant", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}}
        ),
        ChatMessage(role="function", content="1", additional_kwargs={"name": "f"}),
    ]
    converted: Any = to_model_messages(messages)
    question, calling, tool_return, calling_again, tool_return_again = converted

    words = question.parts[0].content
    assert words[0] == "look"
    assert [item.kind for item in words[1:5]] == [f"{kind}-url" for kind in kinds]
    assert [item.media_type for item in words[5:]] == [
        "image/png", "audio/wav", "video/mp4", "application/octet-stream",
    ]  # fmt: skip
    assert (calling.parts[0].tool_name, calling.parts[0].args) == ("t", '{"x": 1}')
    returned, prompt = tool_return.parts
    assert (returned.tool_name, returned.content[0]) == ("t", "look")
    assert returned.files[0].url == "https://example.org/image"
    assert prompt.content == "and?"
    assert calling_again.parts[0].tool_call_id == tool_return_again.parts[0].tool_call_id
    assert tool_return_again.parts[0].tool_name == "f"


def recording_model(seen: Any) -> Any:
    def model(messages: Any, info: Any) -> Any:
        seen.append(list(messages))
        return answer(messages, info)

    return model


@pytest.mark.parametrize("limit", [75, 95, 135])
def test_the_model_receives_a_valid_window_and_the_run_keeps_everything(limit: int) -> None:
    seen: list[Any] = []
    window = HistoryWindow(limit, tokenizer_fn=str.split)
    guide = agent(recording_model(seen), capabilities=[window])
    history: Any = []
    for number in range(5):
        run = guide.run_sync(f"question {number}", message_history=history)
        assert len(run.new_messages()) == 4
        history = run.all_messages()

    assert len(history) == 20
    for messages in seen:
        kinds = [part.part_kind for message in messages for part in message.parts]
        assert kinds[:2] == ["system-prompt", "user-prompt"]
        assert kinds.count("tool-call") == kinds.count("tool-return")
        assert kinds.count("system-prompt") == 1
    assert len(seen[-1]) < 20


def test_it_is_a_history_processor_too() -> None:
    seen: list[Any] = []
    window = HistoryWindow(60, tokenizer_fn=str.split)
    guide = agent(recording_model(seen), capabilities=[ProcessHistory(window.select)])
    history: Any = []
    for number in range(3):
        run = guide.run_sync(f"question {number}", message_history=history)
        assert len(run.new_messages()) == 4
        history = run.all_messages()

    assert len(history) < 12
    contents = [part.content for message in history[:2] for part in message.parts]
    assert contents == ["Be nice.", "question 2"]


def test_a_turn_above_the_limit_is_sent_whole() -> None:
    window = HistoryWindow(1, tokenizer_fn=str.split)
    messages = [ModelRequest.user_text_prompt("a"), ModelRequest.user_text_prompt("b c d e f")]
    with pytest.warns(TokenLimitWarning):
        assert asyncio.run(window.select(messages)) == messages[1:]


def test_an_empty_list_has_an_empty_window() -> None:
    assert asyncio.run(HistoryWindow(9, tokenizer_fn=str.split).select([])) == []


def test_a_system_prompt_of_its_own_stays() -> None:
    window = HistoryWindow(20, tokenizer_fn=str.split)
    prompt = ModelRequest([SystemPromptPart("Be nice.")])
    turns = [ModelRequest.user_text_prompt("many words " * 5) for _ in range(9)]
    chosen = asyncio.run(window.select([prompt, *turns]))

    assert chosen[0] is prompt
    assert chosen[1:] == turns[-len(chosen[1:]) :]


def test_media_in_the_forms_of_providers_are_read() -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": [image]}
    messages = [
        ChatMessage(role="user", content=[image]),
        ChatMessage(role="user", content=[result]),
    ]

    question, answer = to_model_messages(messages)

    media = BinaryContent(bytes(3), media_type="image/png")
    contents: list[Any] = [part for one in (question, answer) for part in one.parts]
    assert [part.content for part in contents] == [[media], [media]]
