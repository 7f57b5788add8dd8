"""Windows count what is sent, and split requests with results and the next prompt."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.messages import (
    BinaryContent,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    RetryFeedbackPart,
    RetryInfo,
    RetryPromptPart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UploadedFile,
    UserPromptPart,
)
from pydantic_ai.models.function import FunctionModel

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore, TokenLimitWarning
from chatstore.core.tokens import TokenCounter
from chatstore.pydantic_ai import (
    HistoryWindow,
    MessageHistory,
    sent_payload,
    to_messages,
    to_model_messages,
)


class Answer(BaseModel):
    """The agent's answer."""

    answer: str


def select(messages: Any, limit: int) -> Any:
    return asyncio.run(HistoryWindow(limit, tokenizer_fn=str.split).select(messages))


def starts(cut: Any) -> int:
    """Return how many different starts the windows of a growing history have."""
    window = HistoryWindow(400, tokenizer_fn=str.split, cut=cut)
    messages: Any = []
    seen = set()
    for number in range(60):
        messages += [
            ModelRequest.user_text_prompt(f"q{number} " * 20),
            ModelResponse([TextPart("yes " * 20)]),
        ]
        seen.add(prompts(asyncio.run(window.select(messages)))[0])
    return len(seen)


def test_the_start_stays_unless_the_window_slides() -> None:
    assert 2 * starts("steps") < starts("sliding")


def prompts(messages: Any) -> Any:
    return [
        part.content
        for message in messages
        for part in message.parts
        if isinstance(part, UserPromptPart)
    ]


def violations(messages: Any) -> Any:
    """Return what a provider refuses; written independently of the package."""
    problems: list[str] = []
    open_calls: list[str] = []
    if isinstance(messages[0], ModelResponse):
        problems.append("begins with a response")
    for index, message in enumerate(messages):
        if isinstance(message, ModelResponse):
            if open_calls:
                problems.append(f"{index}: {open_calls} without results")
            open_calls = [p.tool_call_id for p in message.parts if isinstance(p, ToolCallPart)]
            continue
        for part in message.parts:
            if isinstance(part, ToolReturnPart):
                if part.tool_call_id not in open_calls:
                    problems.append(f"{index}: result without a call")
                else:
                    open_calls.remove(part.tool_call_id)
        if open_calls:
            problems.append(f"{index}: {open_calls} without results")
    return problems


def structured(seen: Any, limit: int) -> Any:
    def model(messages: Any, info: Any) -> Any:
        seen.append(list(messages))
        return ModelResponse([ToolCallPart(info.output_tools[0].name, {"answer": "a " * 30})])

    return Agent(
        FunctionModel(model),
        output_type=ToolOutput(Answer),
        system_prompt="Be nice.",
        capabilities=[HistoryWindow(limit, tokenizer_fn=str.split)],
    )


@pytest.mark.parametrize("limit", [200, 300, 400])
def test_a_history_with_structured_outputs_is_cut_at_prompts(limit: int) -> None:
    seen: list[Any] = []
    saved = MessageHistory(SimpleChatStore(), "k")
    for number in range(10):
        run = structured(seen, limit).run_sync(
            f"question {number} " + "q " * 20, message_history=saved.load()
        )
        saved.save(run.new_messages())

    for number, messages in enumerate(seen):
        sent = [int(prompt.split()[1]) for prompt in prompts(messages)]
        assert sent == list(range(number + 1 - len(sent), number + 1))
        assert violations(messages) == []
        assert messages[0].parts[0].content == "Be nice."
    assert 2 <= len(prompts(seen[-1])) < 10
    assert sum(len(json.dumps(sent_payload(m)).split()) for m in to_messages(seen[-1])) <= limit


def test_stored_requests_with_results_and_a_prompt_are_cut_between_them() -> None:
    everything: list[Any] = []
    results: list[Any] = []
    for number in range(10):
        prompt = UserPromptPart(["question", str(number)])
        everything += [
            ModelRequest([prompt, *results], run_id=str(number), instructions="Be brief."),
            ModelResponse([ToolCallPart("final", {"answer": "a " * 10}, f"f{number}")]),
        ]
        results = [ToolReturnPart("final", {"is": "done"}, f"f{number}")]
    everything.append(ModelRequest([*results, UserPromptPart("last")]))
    saved = MessageHistory(SimpleChatStore(), "k")
    saved.save(everything)
    buffer = ChatMemoryBuffer(120, saved.store, "k", str.split, payload_fn=sent_payload)
    window: Any = to_model_messages(buffer.get())

    assert violations(window) == []
    assert 3 <= len(window) < len(everything)
    whole = everything[-len(window)]
    assert [part.part_kind for part in whole.parts] == ["user-prompt", "tool-return"]
    assert window[0].parts == whole.parts[:1]  # unchanged, with its time
    assert (window[0].run_id, window[0].instructions) == (whole.run_id, "Be brief.")
    assert window[1:] == everything[1 - len(window) :]


def test_changed_common_fields_are_not_taken_from_the_payload() -> None:
    parts: list[Any] = [ToolReturnPart("t", "1", "a"), UserPromptPart("secret")]
    message: Any = to_messages([ModelRequest(parts)])[0]
    blocks = [message.content[0], {"type": "text", "text": "[removed]"}]
    changed = ChatMessage(
        role="user", content=blocks, additional_kwargs=message.additional_kwargs, id=message.id
    )

    converted: Any = to_model_messages([changed])
    assert [part.content for part in converted[0].parts] == ["1", "[removed]"]


TURN = st.lists(st.sampled_from(["text", "call", "calls", "feedback"]), max_size=3)


@given(st.lists(TURN, min_size=1, max_size=6), st.integers(20, 120), st.booleans())
@pytest.mark.filterwarnings("ignore::chatstore.core.TokenLimitWarning")
def test_windows_of_any_history_are_valid(turns: Any, limit: int, structured_output: Any) -> None:
    messages: list[Any] = []
    results: list[Any] = []
    name = 0
    for number, turn in enumerate(turns):
        request: list[Any] = [*results, UserPromptPart(f"question {number}")]
        results = []
        for kind in turn:
            messages.append(ModelRequest(request))
            if kind in {"call", "calls"}:
                names = [f"c{name + 1}", f"c{name + 2}"][: 1 if kind == "call" else 2]
                name += 2
                messages.append(ModelResponse([ToolCallPart("t", {}, call) for call in names]))
                request = [ToolReturnPart("t", "r " * 5, call) for call in names]
            else:
                messages.append(ModelResponse([TextPart("a " * 5)]))
                retry: Any = RetryInfo(cause="model_retry")
                request = [RetryFeedbackPart("again", retry=retry)]
        messages.append(ModelRequest(request))
        if structured_output:
            messages.append(ModelResponse([ToolCallPart("final", {}, f"f{number}")]))
            results = [ToolReturnPart("final", "done", f"f{number}")]
        else:
            messages.append(ModelResponse([TextPart("done")]))
    messages.append(ModelRequest([*results, UserPromptPart("last")]))
    window = select(messages, limit)

    assert violations(window) == []
    assert window[-1].parts[-1] is messages[-1].parts[-1]
    assert isinstance(window[0].parts[0], UserPromptPart)
    assert prompts(window) == prompts(messages)[-len(prompts(window)) :]


def sent_words(limit: int, **options: Any) -> int:
    """Return how many words are sent to a model in the last of ten turns."""
    seen: list[Any] = []

    def model(messages: Any, info: Any) -> Any:
        seen.append((list(messages), info))
        return ModelResponse([TextPart('{"answer": "' + "a " * 29 + '"}')])

    window = HistoryWindow(limit, tokenizer_fn=str.split)
    agent = Agent(FunctionModel(model), capabilities=[window], **options)

    def documented(city: str) -> str:
        return city

    documented.__doc__ = "Tell the weather. " * 20
    agent.tool_plain(documented)
    history: Any = []
    for number in range(10):
        history = agent.run_sync(f"{number} " * 20, message_history=history).all_messages()
    messages, info = seen[-1]
    assert 1 < len(prompts(messages)) < 10
    parts = [str(part.content) for message in messages for part in message.parts]
    tools = [
        json.dumps([t.description, t.parameters_json_schema])
        for t in (*info.function_tools, *info.output_tools)
    ]
    schema = info.model_request_parameters.output_object
    return sum(
        len(text.split())
        for text in (*parts, *tools, info.instructions or "", str(schema and schema.json_schema))
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"system_prompt": "s " * 280},
        {"instructions": "s " * 280},
        {"instructions": lambda: "s " * 280},
        {"system_prompt": "s " * 140, "instructions": "s " * 140},
        {"output_type": NativeOutput(Answer, description="s " * 200)},
    ],
    ids=["tools", "system prompt", "instructions", "dynamic instructions", "both", "output"],
)
def test_what_is_sent_is_at_most_the_limit(options: Any) -> None:
    assert sent_words(600, **options) <= 600


LONG = "word " * 50


@pytest.mark.parametrize(
    ("part", "least"),
    [
        (TextPart(LONG), 50),
        (NativeToolCallPart("web_search", {"query": LONG}, "w"), 50),
        (NativeToolReturnPart("web_search", {"page": LONG}, "w"), 50),
        (ToolCallPart("t", {"query": LONG}, "w"), 50),
    ],
)
def test_parts_of_a_response_are_counted(part: Any, least: int) -> None:
    message: Any = to_messages([ModelResponse([part])])[0]
    counted = TokenCounter(str.split, payload_fn=sent_payload).count(message)
    assert least <= counted <= least + 12


@pytest.mark.parametrize(
    ("part", "least", "most"),
    [
        (UserPromptPart(LONG), 50, 60),
        (SystemPromptPart(LONG), 50, 60),
        (ToolReturnPart("t", {"page": LONG}, "c"), 50, 60),
        (UserPromptPart(["look", BinaryContent(b"1" * 9000, media_type="image/png")]), 1105, 1115),
        (UserPromptPart([UploadedFile("file_1", provider_name="openai")]), 1105, 1115),
        (ToolReturnPart("t", BinaryContent(b"1" * 9000, media_type="image/png"), "c"), 1105, 1115),
    ],
)
def test_parts_of_a_request_are_counted(part: Any, least: int, most: int) -> None:
    prompt = UserPromptPart("and?")
    message: Any = to_messages([ModelRequest([part, prompt])])[0]
    counted = TokenCounter(str.split, payload_fn=sent_payload).count(message)
    assert least <= counted <= most


def test_results_whose_calls_are_gone_are_sent_as_they_are() -> None:
    request = ModelRequest([ToolReturnPart("t", "1", "gone")])
    assert select([ModelRequest.user_text_prompt("a"), request], 100)[-1] is request


def test_the_newest_turn_is_sent_whole_with_the_results_before_it_left_out() -> None:
    messages: list[Any] = [
        ModelRequest.user_text_prompt("q " * 50),
        ModelResponse([ToolCallPart("final", {"a": "x " * 50}, "f")]),
        ModelRequest([ToolReturnPart("final", "done", "f"), UserPromptPart("b " * 50)]),
    ]
    with pytest.warns(TokenLimitWarning):
        (request,) = select(messages, 30)
    assert request.parts == messages[-1].parts[1:]


def call(identity: Any, name: str = "t") -> Any:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": "{}"}}


@pytest.mark.parametrize("ids", [("", ""), ("t", "t"), (None, None), ("a", "a"), ("a", "")])
def test_calls_of_others_get_ids_of_their_own(ids: Any) -> None:
    """Ollama's calls have no ids, Vertex AI's are the tool's name."""
    calls = [call(identity) for identity in ids]
    results = [
        ChatMessage(
            role="tool", content=f"r{n}", additional_kwargs={"tool_call_id": identity, "name": "t"}
        )
        for n, identity in enumerate(ids)
    ]
    turn = [
        ChatMessage(role="user", content="q"),
        ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}),
        *results,
        ChatMessage(role="assistant", content="done"),
    ]
    with SimpleChatStore() as store:
        store.add_messages("k", [message.model_copy() for message in [*turn, *turn]])
        made: Any = to_model_messages(store.get_messages("k"))

    called = [part for message in made for part in message.parts if isinstance(part, ToolCallPart)]
    told = [part for message in made for part in message.parts if isinstance(part, ToolReturnPart)]
    assert len({part.tool_call_id for part in called}) == 4
    assert [part.tool_call_id for part in told] == [part.tool_call_id for part in called]
    assert [part.content for part in told] == ["r0", "r1"] * 2
    assert all(part.tool_call_id for part in called)


def test_results_of_others_answer_calls_that_keep_repeated_ids() -> None:
    called = ModelResponse([ToolCallPart("t", {}, "a")])
    messages = to_messages([called, ModelRequest([ToolReturnPart("t", "1", "a")]), called])
    result = ChatMessage(role="tool", content="2", additional_kwargs={"tool_call_id": "a"})

    made: Any = to_model_messages([*messages, result])
    assert [message.parts[0].tool_call_id for message in made] == ["a"] * 4


@pytest.mark.filterwarnings("ignore:.*RetryPromptPart")
def test_retries_of_the_deprecated_kind_answer_their_calls() -> None:
    messages: list[Any] = [
        ModelRequest.user_text_prompt("q"),
        ModelResponse([ToolCallPart("t", {}, "c"), ToolCallPart("t", {}, "d")]),
        ModelRequest([RetryPromptPart(LONG, tool_name="t", tool_call_id="c")]),
        ModelRequest([ToolReturnPart("t", "1", "d")]),
        ModelResponse([TextPart("done")]),
        ModelRequest([RetryPromptPart("again"), UserPromptPart("next")]),
    ]

    assert select(messages, 200) == messages
    # The text of the retry counts, so the exchange of the first turn is left out.
    assert select(messages, 60) == [messages[0], *messages[-2:]]
    saved = MessageHistory(SimpleChatStore(), "k")
    for _ in range(2):
        saved.save(messages)
    assert [part.part_kind for message in saved.load() for part in message.parts] == [
        "user-prompt", "tool-call", "tool-call", "tool-return", "tool-return", "text",
        "retry-feedback", "user-prompt",
    ]  # fmt: skip
