"""What the middleware sends is what it counted, and what providers accept."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from agents_langchain import (
    LIMIT,
    LONG,
    Answer,
    Model,
    agent,
    ask,
    calling,
    result,
    search,
    words,
)
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
)
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import StructuredTool

from chatstore.core import ChatMemoryBuffer, SimpleChatStore, TokenLimitWarning, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import (
    ChatHistoryMiddleware,
    sent_payload,
    to_langchain,
    to_messages,
)
from chatstore.langchain.sending import sendable

ANTHROPIC = {"model_provider": "anthropic"}
OPENAI = {"model_provider": "openai"}
GOOGLE = {"model_provider": "google_genai"}
PROVIDERS: dict[str, Any] = {
    "web search": (
        [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": "s",
                "content": [
                    {"type": "web_search_result", "url": "https://x", "encrypted_content": LONG}
                ],
            },
            {"type": "text", "text": "found"},
        ],
        ANTHROPIC,
    ),
    "code execution": (
        [{"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": LONG}}],
        ANTHROPIC,
    ),
    "redacted thinking": (
        [{"type": "redacted_thinking", "data": LONG}, {"type": "text", "text": "a"}],
        ANTHROPIC,
    ),
    "citations": (
        [{"type": "text", "text": "a", "citations": [{"cited_text": LONG, "type": "char"}]}],
        ANTHROPIC,
    ),
    "reasoning": (
        [{"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": LONG}],
        OPENAI,
    ),
    "file search": (
        [{"type": "file_search_call", "id": "fs", "queries": ["q"], "results": [{"text": LONG}]}],
        OPENAI,
    ),
    "executable code": (
        [{"type": "executable_code", "executable_code": LONG, "language": "python"}],
        GOOGLE,
    ),
    "unknown": ([{"type": "of tomorrow", "value": {"deep": [LONG]}}], {}),
    "bedrock": ([{"reasoningContent": {"text": LONG}}, {"type": "text", "text": "a"}], {}),
}


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
@pytest.mark.parametrize("kind", PROVIDERS)
def test_blocks_of_providers_count(kind: str, by: str) -> None:
    content, metadata = PROVIDERS[kind]
    model = Model(outputs=[AIMessage(content, response_metadata=metadata)])
    runner = agent(SimpleChatStore(), model)
    for number in range(4):
        ask(runner, HumanMessage(f"q{number}"), by=by)

    assert sum(words(message.content) for message in model.seen[-1]) <= LIMIT
    assert model.seen[-1][-1].content == "q3"


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage([{"type": "document", "source": {"type": "text", "data": LONG}}]),
        HumanMessage([{"type": "search_result", "source": "s", "content": [{"text": LONG}]}]),
        HumanMessage(
            [{"type": "document", "source": {"type": "content", "content": [{"text": LONG}]}}]
        ),
        HumanMessage("a", additional_kwargs={"documents": [{"text": LONG}]}),
    ],
)
def test_documents_that_are_text_count(message: Any) -> None:
    model = Model(outputs=[AIMessage("a")])
    runner = agent(SimpleChatStore(), model)
    with pytest.warns(TokenLimitWarning):
        ask(runner, message)
    ask(runner, HumanMessage("q"))

    assert [one.content for one in model.seen[-1]] == ["q"]


PICTURE = "iVBORw0KGgo" + "A" * 400_000
PICTURES: dict[str, Any] = {
    "anthropic's": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
    },
    "openai's": {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{PICTURE}"},
    },
    "standard": {"type": "image", "base64": PICTURE, "mime_type": "image/png"},
}


@pytest.mark.parametrize("form", PICTURES)
def test_pictures_in_results_count_as_media(form: str) -> None:
    call = {"name": "t", "args": {}, "id": "1"}
    nested = {"type": "tool_result", "tool_use_id": "1", "content": [PICTURES[form]]}
    for message in (ToolMessage([PICTURES[form]], tool_call_id="1"), HumanMessage([nested])):
        store = SimpleChatStore()
        conversation = [
            HumanMessage("q"),
            AIMessage("", tool_calls=[call]),
            message,
            AIMessage("a"),
        ]
        store.add_messages("k", to_messages(conversation))
        buffer = ChatMemoryBuffer(1300, store, "k", str.split, payload_fn=sent_payload)

        assert to_langchain(buffer.get()) == conversation


def test_payload_is_what_is_sent() -> None:
    call = {"name": "t", "args": {"a": "b"}, "id": "1", "type": "tool_call"}
    used = {"type": "tool_use", "id": "1", "name": "t", "input": {"a": "b"}}
    contents: list[Any] = ["", [used]]
    for content in contents:
        message = AIMessage(
            content,
            tool_calls=[call],
            additional_kwargs={"tool_calls": [{"id": "1"}]},
            response_metadata={"headers": LONG},
            usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
            id="m",
        )
        text = json.dumps(sent_payload(to_messages([message])[0]))
        assert text.count('{"a": "b"}') == 1
        assert "word" not in text
    result = ToolMessage("r", tool_call_id="1", artifact={"a": LONG})
    assert "word" not in json.dumps(sent_payload(to_messages([result])[0]))
    assert sent_payload(to_messages([HumanMessage("q")])[0]) is None


DESCRIBED = StructuredTool.from_function(search, description="described " * 600)
BESIDES: dict[str, Any] = {
    "system prompt": {"system": "rule " * 600},
    "tools": {"tools": [DESCRIBED]},
    "provider's tool": {"tools": [{"type": "web_search", "description": "described " * 600}]},
}


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
@pytest.mark.parametrize("what", BESIDES)
def test_what_is_sent_besides_takes_room(what: str, by: str) -> None:
    model = Model(outputs=[AIMessage("a " * 100)])
    runner = agent(SimpleChatStore(), model, **BESIDES[what])
    for number in range(6):
        ask(runner, HumanMessage(f"q{number} " * 50), by=by)

    sent = [one for one in model.seen[-1] if not isinstance(one, SystemMessage)]
    assert 0 < sum(words(message.content) for message in sent) <= LIMIT - 600


def starts(cut: Any) -> int:
    """Return how many different questions the windows of a conversation begin with."""
    model = Model(outputs=[AIMessage("yes " * 20)])
    middleware = ChatHistoryMiddleware(
        SimpleChatStore(), token_limit=400, tokenizer_fn=str.split, cut=cut
    )
    runner = create_agent(model, [], middleware=[middleware])
    for number in range(40):
        ask(runner, HumanMessage(f"q{number} " * 20))
    return len({messages[0].content for messages in model.seen})


def test_the_start_stays_unless_the_window_slides() -> None:
    assert 3 * starts("steps") < 2 * starts("sliding")


@pytest.mark.parametrize("strategy", [ToolStrategy, ProviderStrategy])
def test_schemas_of_answers_take_room(strategy: Any) -> None:
    seen = []

    class Looking(AgentMiddleware):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            seen.append(request.messages)
            return handler(request)

    call = {"name": "Answer", "args": {"text": "a"}, "id": "1"}
    answer = AIMessage('{"text": "a"}', tool_calls=[call] if strategy is ToolStrategy else [])
    middleware: list[Any] = [
        ChatHistoryMiddleware(SimpleChatStore(), token_limit=500, tokenizer_fn=str.split),
        Looking(),
    ]
    runner = create_agent(
        Model(outputs=[answer]),
        [],
        response_format=strategy(Answer),
        middleware=middleware,
    )
    for number in range(6):
        ask(runner, HumanMessage(f"q{number} " * 50))

    assert sum(words(message.content) for message in seen[-1]) <= 200
    assert seen[-1][-1].content.startswith("q5")


def test_what_other_middleware_adds_takes_room() -> None:
    class Hinting(AgentMiddleware):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            *before, last = request.messages
            hint = HumanMessage("hint " * 500)
            longer = last.model_copy(update={"content": last.content + " more" * 200})
            return handler(request.override(messages=[*before, hint, longer]))

    model = Model(outputs=[AIMessage("a " * 50)])
    runner = agent(SimpleChatStore(), model, others=[Hinting()])
    for number in range(8):
        ask(runner, HumanMessage(f"q{number} " * 50))

    assert sum(words(message.content) for message in model.seen[-1]) <= LIMIT


def test_the_newest_turn_is_sent_even_without_room() -> None:
    model = Model(outputs=[AIMessage("a")])
    runner = agent(SimpleChatStore(), model, system="rule " * 2000)
    with pytest.warns(TokenLimitWarning):
        ask(runner, HumanMessage("q"))

    assert [one.content for one in model.seen[-1][1:]] == ["q"]


class TestSendable:
    def test_calls_without_results_are_not_sent(self) -> None:
        q, a = HumanMessage("q"), AIMessage("a")
        for broken in ([calling("1")], [calling("1", "2"), result("1")], [result("1")]):
            assert sendable([q, *broken, a, q]) == [q, a, q]
            assert sendable([q, *broken]) == [q]

    def test_words_between_call_and_result_are_moved_behind(self) -> None:
        q, wait, call, answer = HumanMessage("q"), HumanMessage("wait"), calling("1"), result("1")
        assert sendable([q, call, wait, answer]) == [q, call, answer, wait]

    def test_repeated_and_missing_ids(self) -> None:
        q = HumanMessage("q")
        for conversation in (
            [calling("a", "a"), result("a"), result("a")],
            [calling("a"), result("a"), calling("a"), result("a")],
            [calling(None), result("search")],
            [calling(None, None), result("", name="search"), result("", name="search")],
        ):
            assert sendable([q, *conversation]) == [q, *conversation]
        assert sendable([q, calling("a", "a"), result("a")]) == [q]

    def test_empty_answers_are_not_sent(self) -> None:
        q = HumanMessage("q")
        thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
        blank: list[Any] = ["", " \n", [], [""], [{"type": "text", "text": " "}]]
        for empty in blank:
            assert sendable([q, AIMessage(empty), q]) == [q, q]
        called = AIMessage("", additional_kwargs={"function_call": {"name": "f"}})
        contents: list[Any] = ["a", [thought], [{"type": "text", "text": "a"}]]
        for full in contents:
            assert sendable([q, AIMessage(full), q]) == [q, AIMessage(full), q]
        assert called in sendable([q, called])

    def test_results_in_anthropics_form(self) -> None:
        q, wait = HumanMessage("q"), {"type": "text", "text": "wait"}
        answers = [{"type": "tool_result", "tool_use_id": one, "content": "r"} for one in "ab"]
        conversation = [q, calling("a", "b"), HumanMessage([*answers, wait])]
        assert sendable(conversation) == conversation
        assert sendable([q, calling("a"), HumanMessage([*answers, wait])]) == [
            q,
            calling("a"),
            HumanMessage([answers[0], wait]),
        ]
        stored = to_messages(conversation)
        assert provider_violations(stored) == []
        assert to_langchain(stored) == conversation

    def test_calls_in_anthropics_form_only(self) -> None:
        used = AIMessage([{"type": "tool_use", "id": "a", "name": "t", "input": {}}])
        stored = to_messages([HumanMessage("q"), used, result("a"), AIMessage("done")])
        assert provider_violations(stored) == []
        assert to_langchain(stored)[1] == used


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _strict() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TokenLimitWarning)
        yield
