"""Windows of the SDK's conversations are accepted by the Responses API and by chat models."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner, function_tool, handoff
from agents.testing import ScriptedModel, assistant_message, function_call
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from responses_conversations import (
    CALLS,
    HOSTED,
    TURNS,
    assistant,
    conversation,
    reasoning,
    stored_window,
    user,
)
from responses_rules import responses_violations

from chatstore.core import ChatMessage, InvalidMessageError, SimpleChatStore
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.core.tokens import TokenCounter
from chatstore.openai_agents import (
    ChatStoreSession,
    InputWindow,
    sent_payload,
    to_items,
    to_messages,
)

pytestmark = pytest.mark.filterwarnings("ignore::chatstore.core.TokenLimitWarning")


def as_given(window: Any, items: Any) -> Any:
    """Return the items of a window."""
    return [next(item for item in items if item == selected) for selected in to_items(window)]


@given(TURNS, st.integers(20, 300))
def test_a_stored_conversation_is_valid_for_both_apis(turns: Any, limit: int) -> None:
    items = conversation(turns)
    window = stored_window(items, limit)

    assert provider_violations(window) == []
    assert responses_violations(to_items(window)) == []
    sent = as_given(window, [item for item in items if item.get("role") != "user"] + items)
    assert responses_violations(sent, items) == []
    assert sent[0] == items[0]
    assert sent[-1] == items[-1]


@given(TURNS, st.integers(20, 300))
def test_an_input_is_shortened_to_a_valid_one(turns: Any, limit: int) -> None:
    items = conversation(turns)
    sent = asyncio.run(InputWindow(limit, tokenizer_fn=str.split).select(items))

    assert responses_violations(sent, items) == []
    assert sent[0] is items[0]
    assert sent[-1] is items[-1]


def starts(cut: Any) -> int:
    """Return how many different starts the windows of a growing input have."""
    window = InputWindow(400, tokenizer_fn=str.split, cut=cut)
    items: Any = []
    seen = set()
    for number in range(60):
        items += [user(f"q{number} " * 20), assistant("yes " * 20)]
        seen.add(str(asyncio.run(window.select(items))[0]))
    return len(seen)


def test_the_start_stays_unless_the_window_slides() -> None:
    assert 2 * starts("steps") < starts("sliding")


@pytest.mark.parametrize("kind", CALLS)
def test_an_unanswered_call_takes_all_of_its_response_along(kind: str) -> None:
    first, answer = CALLS[kind]("a")
    other, _ = CALLS["function"]("b")
    before = [user("one"), assistant("yes"), user("two")]
    response = [reasoning(1), first, reasoning(2, "hm"), other]
    window: Any = to_items(stored_window([*before, *response, answer, user("three")], 3000))

    assert window == [*before, user("three")]


@pytest.mark.parametrize("kind", CALLS)
def test_an_answered_call_stays_with_all_of_its_response(kind: str) -> None:
    first, answer = CALLS[kind]("a")
    other, told = CALLS["function"]("b")
    response = [reasoning(1), first, reasoning(2, "hm"), other, answer, told]
    items = [user("one"), *response, assistant("yes"), user("two")]

    assert to_items(stored_window(items, 3000)) == items
    assert to_items(stored_window(items, 3000, batches=1)) == items


def test_reasoning_that_led_to_nothing_is_left_out() -> None:
    """A response that was cut off while the model was reasoning."""
    items = [user("one"), reasoning(1), reasoning(2, "hm"), user("two")]

    assert to_items(stored_window(items, 3000)) == [user("one"), user("two")]


def test_a_running_exchange_keeps_its_reasoning() -> None:
    call, _ = CALLS["computer"]("a")
    items = [user("one"), reasoning(1), call]

    assert to_items(stored_window(items, 3000)) == items


def test_what_a_compaction_left_stays() -> None:
    compaction = {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}
    items = [user("one"), compaction, user("two"), assistant("yes"), user("three")]

    assert to_items(stored_window(items, 3000)) == items


def test_an_approval_says_what_was_decided() -> None:
    request, response = CALLS["approval"]("a")
    denied: Any = {**response, "approve": False, "reason": "too risky"}
    contents = [to_messages([request, item])[1].content for item in (response, denied)]

    assert contents == ["approved", "denied: too risky"]


@pytest.mark.parametrize("ids", [("a", "a"), ("", ""), (None, None)])
def test_calls_of_others_get_ids_of_their_own(ids: Any) -> None:
    calls = [
        {"id": identity, "type": "function", "function": {"name": "t", "arguments": "{}"}}
        for identity in ids
    ]
    results = [
        ChatMessage(role="tool", content=f"r{n}", additional_kwargs={"tool_call_id": identity})
        for n, identity in enumerate(ids)
    ]
    turn = [
        ChatMessage(role="user", content="q"),
        ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}),
        *results,
    ]
    with SimpleChatStore() as store:
        store.add_messages("k", [message.model_copy() for message in turn * 2])
        items: Any = to_items(store.get_messages("k"))

    assert responses_violations(items) == []
    called = [item["call_id"] for item in items if item.get("type") == "function_call"]
    assert len(set(called)) == 4
    assert all(called)


def test_results_of_others_answer_calls_that_keep_repeated_ids() -> None:
    called, output = CALLS["function"]("a")
    messages = to_messages([user("q"), called, output, called])
    kwargs = {"tool_call_id": called["call_id"]}
    result = ChatMessage(role="tool", content="2", additional_kwargs=kwargs)

    items: Any = to_items([*messages, result])
    assert [item["call_id"] for item in items[1:]] == 4 * [called["call_id"]]


@given(st.lists(st.sampled_from(["a", "b"]), min_size=2, max_size=6))
def test_repeated_ids_of_calls_are_kept_together(names: Any) -> None:
    """Ollama and Vertex AI give parallel calls the same id."""
    calls, outputs = zip(*(CALLS["function"](name) for name in names), strict=True)
    items = [user("q"), *calls, *outputs, user("next")]

    assert to_items(stored_window(items, 3000)) == items
    assert to_items(stored_window([*items[:-2], items[-1]], 3000)) == [items[0], items[-1]]


LONG = "word " * 50


@pytest.mark.parametrize(
    "item",
    [
        user(LONG),
        assistant(LONG),
        {**HOSTED[3], "output": LONG},
        {**HOSTED[1], "results": [{"text": LONG}]},
        {**HOSTED[2], "code": LONG},
        {"type": "function_call", "call_id": "a", "name": "t", "arguments": LONG},
        {"type": "function_call_output", "call_id": "a", "output": LONG},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": LONG}]},
        {
            "type": "program_output",
            "id": "p",
            "call_id": "a",
            "result": LONG,
            "status": "completed",
        },
    ],
    ids=lambda item: item.get("type", "user"),
)
def test_whole_items_are_counted(item: Any) -> None:
    (message,) = to_messages([item])
    assert 50 <= TokenCounter(str.split, payload_fn=sent_payload).count(message) <= 60


@pytest.mark.parametrize(
    "item",
    [
        CALLS["computer"]("a")[1],
        user([{"type": "input_file", "file_id": "file_1"}]),
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "A" * 999},
    ],
    ids=["screenshot", "upload", "image"],
)
def test_media_are_counted_as_media(item: Any) -> None:
    (message,) = to_messages([item])
    assert 1105 <= TokenCounter(str.split, payload_fn=sent_payload).count(message) <= 1120


class Answer(BaseModel):
    """The agent's answer."""

    text: str


@function_tool
def look(word: str) -> str:
    """Look a word up, in a large dictionary of many words in all languages of the world."""
    return word


def words(model_call: Any) -> Any:
    """Return how many words are sent to a model."""
    tools = [(t.name, t.description, t.params_json_schema) for t in model_call.tools]
    handoffs = [(h.tool_name, h.tool_description) for h in model_call.handoffs]
    contents = [
        str(item.get("content", item.get("output", item.get("arguments"))))
        for item in model_call.input
    ]
    schema = model_call.output_schema
    contents += [json.dumps(tools), json.dumps(handoffs), model_call.system_instructions or ""]
    contents += [json.dumps(schema.json_schema())] if schema else []
    return sum(len(text.split()) for text in contents)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"instructions": "s " * 200},
        {"instructions": lambda context, agent: "s " * 200},
        {"tools": [look] * 1, "instructions": "s"},
        {"handoffs": [handoff(Agent(name="other"), tool_description_override="d " * 200)]},
        {"handoffs": [Agent(name="other", handoff_description="d " * 200)]},
        {"output_type": Answer},
    ],
    ids=["plain", "instructions", "dynamic", "tools", "handoff", "agent", "output"],
)
def test_what_is_sent_in_a_run_is_at_most_the_limit(options: Any) -> None:
    async def main() -> None:
        session = ChatStoreSession("s", SimpleChatStore())
        config = RunConfig(call_model_input_filter=InputWindow(400, tokenizer_fn=str.split))
        inputs: list[Any] = []
        for turn in range(15):
            text = '{"text": "' + "a " * 30 + '"}'
            steps = [[assistant_message(text, item_id=f"m{turn}")]]
            if "tools" in options:
                steps.insert(0, [function_call("look", {"word": "w " * 9}, call_id=f"c{turn}")])
            model = ScriptedModel(steps)
            agent = Agent(name="a", model=model, **options)
            await Runner.run(agent, "question " * 20, session=session, run_config=config)
            for call in model.calls:
                assert words(call) <= 400
                assert responses_violations(call.input) == []
                inputs.append(call.input)
        assert len(inputs[-1]) >= 3
        everything = await session.get_items()
        assert len(everything) == 15 * (4 if "tools" in options else 2)
        assert len(inputs[-1]) < len(everything)

    asyncio.run(main())


def test_outputs_for_a_conversation_of_the_server_are_sent() -> None:
    _, output = CALLS["function"]("a")
    items = [output, user("and?")]

    assert asyncio.run(InputWindow(1, tokenizer_fn=str.split).select(items)) == items


@pytest.mark.parametrize("item", ["hi", None, ChatMessage(role="user", content="secret")])
def test_what_is_not_an_item_is_refused_by_name(item: Any) -> None:
    session = ChatStoreSession("s", SimpleChatStore())
    with pytest.raises(InvalidMessageError, match=r"an item must be a dict.* not ") as raised:
        asyncio.run(session.add_items([item]))
    assert type(item).__qualname__ in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_refused_item_is_quoted_nowhere() -> None:
    wrong: Any = {"type": "mcp_call", "arguments": "secret", "x": object()}
    with pytest.raises(InvalidMessageError) as raised:
        to_messages([user("secret"), wrong])
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
