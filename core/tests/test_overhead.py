"""What is sent besides the messages is counted: prompts and tool definitions in all forms."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from chatstore.core import ChatMemoryBuffer, ChatMessage, InvalidArgumentError, TokenCounter
from chatstore.core.tokens.counter import MEDIA_TOKENS, MESSAGE_OVERHEAD
from chatstore.core.tokens.overhead import count_overhead

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The city, such as Oslo"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city"],
}
PROMPT = "You answer questions about the weather."
WHAT = "Return the weather in a city"
TOOLS: dict[str, dict[str, Any]] = {
    "Chat Completions": {
        "type": "function",
        "function": {"name": "weather", "description": WHAT, "parameters": SCHEMA},
    },
    "Responses": {"type": "function", "name": "weather", "description": WHAT, "parameters": SCHEMA},
    "Anthropic": {"name": "weather", "description": WHAT, "input_schema": SCHEMA},
    "Gemini": {
        "functionDeclarations": [{"name": "weather", "description": WHAT, "parameters": SCHEMA}]
    },
}


def letters(text: str) -> list[str]:
    """Return characters: a tokenizer for which punctuation counts."""
    return list(text)


COUNTER = TokenCounter(letters)


def openai_count(tools: list[dict[str, Any]]) -> int:
    """Count tools as OpenAI's cookbook does for gpt-4o ("How to count tokens with tiktoken")."""
    total = 12
    for tool in tools:
        total += 7 + len(letters(f"{tool['name']}:{tool['description']}")) + 3
        for name, field in tool["parameters"]["properties"].items():
            items = field.get("enum", [])
            total += 3 - (3 if items else 0) + sum(3 + len(letters(item)) for item in items)
            total += len(letters(f"{name}:{field['type']}:{field.get('description', '')}"))
    return total


@pytest.mark.parametrize("form", TOOLS)
def test_tools_count_at_least_as_the_provider_counts_them(form: str) -> None:
    assert count_overhead(COUNTER, TOOLS[form]) >= openai_count([TOOLS["Responses"]])


@pytest.mark.parametrize("form", TOOLS)
def test_each_tool_counts(form: str) -> None:
    one = count_overhead(COUNTER, TOOLS[form])

    assert count_overhead(COUNTER, [TOOLS[form]] * 3) == 3 * one
    assert count_overhead(COUNTER, {"system": PROMPT, "tools": [TOOLS[form]]}) == one + len(PROMPT)


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (None, 0),
        (0, 0),
        (250, 250),
        ([100, 50], 150),
        ("", 0),
        (PROMPT, len(PROMPT)),
        ([PROMPT, PROMPT], 2 * len(PROMPT)),
        ({"instructions": PROMPT}, len(PROMPT)),
        ([], 0),
        ({}, 2),
        ({"role": "system", "content": "abc"}, MESSAGE_OVERHEAD + len("rolesystemcontentabc")),
        (ChatMessage(role="system", content="abc"), MESSAGE_OVERHEAD + 3),
    ],
)
def test_what_counts(value: Any, tokens: int) -> None:
    assert count_overhead(COUNTER, value) == tokens


def test_a_prompt_in_blocks() -> None:
    block = {"type": "text", "text": PROMPT, "cache_control": {"type": "ephemeral"}}

    assert count_overhead(COUNTER, {"system": [block]}) >= len(PROMPT)


def test_an_image_in_a_prompt_counts_flat() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 50_000}}

    assert count_overhead(COUNTER, {"system": [image]}) == MEDIA_TOKENS


def test_a_model_of_a_client_is_read_as_its_json() -> None:
    class Tool(BaseModel):
        name: str = "weather"
        description: str | None = None

    assert count_overhead(COUNTER, Tool()) == len('{"name":"weather"}')


@pytest.mark.parametrize("value", [-1, True, 1.5, [-1], [PROMPT, False]])
def test_what_is_not_a_count(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="overhead"):
        ChatMemoryBuffer(tokenizer_fn=letters).get(overhead=value)


def test_a_value_that_is_not_json_is_counted_by_its_text() -> None:
    assert count_overhead(COUNTER, {"kind": {1, 2}}) >= len("kind{1, 2}")
