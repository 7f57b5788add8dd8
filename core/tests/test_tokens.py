"""Counting tokens, with a vocabulary, with one's own tokenizer, and with none to be had."""

import subprocess
import sys

import pytest

from chatstore.core import ChatMessage, ImageBlock, TextBlock, TokenCounter, ToolCallBlock
from chatstore.core.tokens.counter import MEDIA_TOKENS, MESSAGE_OVERHEAD
from chatstore.core.tokens.estimate import estimate_tokens


def count(**fields):
    return TokenCounter(str.split).count(ChatMessage(role="assistant", **fields))


def test_everything_that_is_sent_counts():
    assert count(content=None) == MESSAGE_OVERHEAD
    assert count(content="one two three") == MESSAGE_OVERHEAD + 3
    assert count(content="x", additional_kwargs={"name": "Ann"}) == MESSAGE_OVERHEAD + 3
    call = {"id": "c1", "function": {"name": "f", "arguments": "a b c"}}
    # tool_calls, id, c1, function, name, f, arguments, and the three of the arguments
    assert count(additional_kwargs={"tool_calls": [call]}) == MESSAGE_OVERHEAD + 10
    blocks = [TextBlock(text="a b"), ToolCallBlock(id="c", name="f", arguments={"x": 7})]
    assert count(content=blocks) > count(content=blocks[:1]) + 3


def test_media_count_flat():
    image = ImageBlock(data="A" * 100_000)

    assert count(content=[image]) == MESSAGE_OVERHEAD + MEDIA_TOKENS


def test_estimate_grows_with_the_text():
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
print([item.category.__name__ for item in caught], time.monotonic() - began < 5)
"""

NO_NETWORK = """
def refuse(*arguments, **more):
    raise OSError("no network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
"""

SWALLOWING = """
def swallow(*arguments, **more):
    time.sleep(60)
socket.socket.connect = swallow
socket.getaddrinfo = swallow
"""


@pytest.mark.parametrize("network", [NO_NETWORK, SWALLOWING], ids=["none", "swallowing"])
def test_without_network_tokens_are_estimated_with_one_warning(network, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(network=network)],
        env={"TIKTOKEN_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )

    assert done.stdout.strip() == "['TokenEstimateWarning'] True"
