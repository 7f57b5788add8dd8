"""The windows of a conversation at several limits, each judged by the providers' rules."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    TokenCounter,
    TokenEstimateWarning,
    TokenLimitWarning,
)
from chatstore.core.testing.window_rules import window_violations
from chatstore.core.tokens.encodings import DEFAULT_ENCODING, find_encoding

LIMITS = (200, 800, 3_000, 20_000)


@dataclass
class JudgedWindow:
    """A window, its size in tokens, and the rules that it violates."""

    limit: int
    messages: list[ChatMessage]
    tokens: int
    violations: list[str]


def load_tokens() -> tuple[TokenCounter, bool]:
    """Return a counter, and whether it counts exactly instead of estimating."""
    counter = TokenCounter()
    # The demo reports estimates itself; `catch_warnings` would affect the loading thread.
    warnings.filterwarnings("ignore", category=TokenEstimateWarning)
    counter.load()
    return counter, find_encoding(DEFAULT_ENCODING) is not None


def judge_windows(
    store: ChatStore, key: str, conversation: Sequence[ChatMessage], counter: TokenCounter
) -> list[JudgedWindow]:
    """Read and judge the window of a conversation at each limit.

    A conversation that fits a limit also fits the higher ones, so its window is read once.
    """
    total = sum(map(counter.count, conversation))
    judged: list[JudgedWindow] = []
    for limit in LIMITS:
        if judged and total <= judged[-1].limit:
            last = judged[-1]
            judged.append(JudgedWindow(limit, last.messages, last.tokens, last.violations))
        else:
            judged.append(_judge_window(store, key, conversation, counter, limit))
    return judged


def _judge_window(
    store: ChatStore,
    key: str,
    conversation: Sequence[ChatMessage],
    counter: TokenCounter,
    limit: int,
) -> JudgedWindow:
    buffer = ChatMemoryBuffer(token_limit=limit, chat_store=store, chat_store_key=key)
    with warnings.catch_warnings():
        # A newest turn above the limit is returned whole; `window_violations` allows that.
        warnings.simplefilter("ignore", TokenLimitWarning)
        window = buffer.get()
    tokens = sum(map(counter.count, window))
    violations = window_violations(conversation, window, limit, counter.count)
    return JudgedWindow(limit, window, tokens, violations)
