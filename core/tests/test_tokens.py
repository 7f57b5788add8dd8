"""Counting tokens with a vocabulary, with the caller's tokenizer, and without either."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import (
    ChatMessage,
    ImageBlock,
    InvalidArgumentError,
    TextBlock,
    TokenCounter,
    ToolCallBlock,
)
from chatstore.core.tokens.counter import MEDIA_TOKENS, MESSAGE_OVERHEAD
from chatstore.core.tokens.estimate import estimate_tokens


def count(**fields: Any) -> Any:
    return TokenCounter(str.split).count(ChatMessage(role="assistant", **fields))


def test_everything_that_is_sent_counts() -> None:
    assert count(content=None) == MESSAGE_OVERHEAD
    assert count(content="one two three") == MESSAGE_OVERHEAD + 3
    assert count(content="x", additional_kwargs={"name": "Ann"}) == MESSAGE_OVERHEAD + 3
    call = {"id": "c1", "function": {"name": "f", "arguments": "a b c"}}
    # tool_calls, id, c1, function, name, f, arguments, and the three of the arguments
    assert count(additional_kwargs={"tool_calls": [call]}) == MESSAGE_OVERHEAD + 10
    assert count(content="x", metadata={"usage": "a b c"}) == count(content="x")
    blocks = [TextBlock(text="a b"), ToolCallBlock(id="c", name="f", arguments={"x": 7})]
    assert count(content=blocks) > count(content=blocks[:1]) + 3


def test_media_count_flat() -> None:
    image = ImageBlock(data="A" * 100_000)

    assert count(content=[image]) == MESSAGE_OVERHEAD + MEDIA_TOKENS


def test_estimate_grows_with_the_text() -> None:
    assert estimate_tokens("") == 0
    for text in ("Hello, world! ", "日本語のテキスト", "12345 ", '{"a": [1, 2]} ', "🎉", "żółć "):
        once, often = estimate_tokens(text), estimate_tokens(text * 50)
        assert once >= 1
        assert 25 * once <= often <= 75 * once


RUN = """
import socket, sys, threading, time, warnings
{network}
from chatstore.core import ChatMemoryBuffer, ChatMessage
began = time.monotonic()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        buffer = ChatMemoryBuffer.from_defaults(token_limit=100)
        buffer.put(ChatMessage(role="user", content="Hello there, <|endoftext|> how are you?"))
        assert len(buffer.get()) == 1
print([item.category.__name__ for item in caught], time.monotonic() - began < 60)
"""

NO_NETWORK = """
def refuse(*arguments, **more):
    raise OSError("no network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
"""

SWALLOWING = """
def swallow(*arguments, **more):
    time.sleep(600)
socket.socket.connect = swallow
socket.getaddrinfo = swallow
"""


@pytest.mark.parametrize("network", [NO_NETWORK, SWALLOWING], ids=["none", "swallowing"])
def test_without_network_tokens_are_estimated_with_one_warning(
    network: Any, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(network=network)],
        env={"TIKTOKEN_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stdout.strip() == "['TokenEstimateWarning'] True"


def test_a_payload_is_counted_instead_of_the_message() -> None:
    counter = TokenCounter(
        str.split, payload_fn=lambda message: message.additional_kwargs.get("chatstore.payload")
    )
    payload = {"role": "user", "parts": [{"text": "a b c"}, {"inline_data": IMAGE}]}
    message = ChatMessage(
        role="user", content="x", additional_kwargs={"chatstore.payload": payload}
    )

    # role, user, parts, text and its three words, inline_data
    assert counter.count(message) == MESSAGE_OVERHEAD + 8 + MEDIA_TOKENS
    assert counter.count(ChatMessage(role="user", content="x")) == MESSAGE_OVERHEAD + 1


BASE64 = "iVBORw0KGgo" * 4000
IMAGE = {"mime_type": "image/png", "data": BASE64}
MEDIA = {
    "Anthropic": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": BASE64},
    },
    "Anthropic by address": {"type": "image", "source": {"type": "url", "url": "https://a.b/c"}},
    "OpenAI": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{BASE64}"}},
    "OpenAI's sound": {"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}},
    "OpenAI's file": {"type": "file", "file": {"filename": "a.pdf", "file_data": BASE64}},
    "OpenAI Responses": {"type": "input_image", "image_url": f"data:image/png;base64,{BASE64}"},
    "Gemini": {"inline_data": IMAGE},
    "Gemini in JSON": {"inlineData": {"mimeType": "image/png", "data": BASE64}},
    "Bedrock": {"image": {"format": "png", "source": {"bytes": BASE64}}},
    "LangChain": {"type": "image", "base64": BASE64, "mime_type": "image/png"},
    "LlamaIndex": {"block_type": "image", "image": BASE64, "image_mimetype": "image/png"},
    "Haystack": {"base64_image": BASE64, "mime_type": "image/png", "detail": None},
    "Pydantic AI": {"kind": "binary", "data": BASE64, "media_type": "image/png"},
    "a data URL": {"text": f"data:image/png;base64,{BASE64}"},
    "bytes": {"picture": b"\x89PNG" * 10_000},
}


@pytest.mark.parametrize("name", MEDIA)
def test_media_count_flat_at_any_depth(name: Any) -> None:
    counter = TokenCounter(str.split)
    value = MEDIA[name]
    for depth in range(4):
        assert MEDIA_TOKENS <= counter.count_json([value, value]) / 2 <= MEDIA_TOKENS + 4 + depth
        value = {"x": [value]}


def test_media_count_flat_inside_results_of_tools_and_kwargs() -> None:
    image = MEDIA["Anthropic"]
    result = {"type": "tool_result", "tool_use_id": "a", "content": [image, image]}
    audio = {"audio": {"id": "a1", "data": BASE64, "transcript": "two words"}}

    assert count(content=[result]) < MESSAGE_OVERHEAD + 2 * MEDIA_TOKENS + 10
    assert count(content=[result]) > 2 * MEDIA_TOKENS
    assert count(additional_kwargs=audio) == MESSAGE_OVERHEAD + 1 + MEDIA_TOKENS + 2


TEXT = "many words " * 500
DOCUMENTS = {
    "as text": {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": TEXT},
    },
    "as blocks": {
        "type": "document",
        "source": {"type": "content", "content": [{"type": "text", "text": TEXT}]},
    },
    "as encoded text": {
        "type": "document",
        "media_type": "text/markdown",
        "data": base64.b64encode(TEXT.encode()).decode(),
    },
    "LangChain's text": {"type": "file", "mime_type": "text/plain", "text": TEXT},
    "words in a field named data": {"type": "document", "data": TEXT},
    "a tool's words about an image": {"type": "image", "query": TEXT},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_that_are_text_count_as_text(name: Any) -> None:
    assert 1000 <= count(content=[DOCUMENTS[name]]) < 1000 + 20


def test_json_may_be_deep() -> None:
    value: object = "x"
    for _ in range(20_000):
        value = [{"a": value}]

    assert TokenCounter(str.split).count_json(value) == 20_001


def test_a_failing_tokenizer_is_named() -> None:
    def fails(text: str) -> list[object]:
        raise KeyError(text)

    with pytest.raises(InvalidArgumentError, match="tokenizer_fn raised KeyError") as caught:
        TokenCounter(fails).count_text("secret words")
    assert "secret" not in str(caught.value)
    with pytest.raises(InvalidArgumentError, match="tokenizer_fn raised TypeError"):
        TokenCounter(len).count_text("x")  # type: ignore[arg-type]
