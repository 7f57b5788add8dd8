"""The windows of a conversation at several limits, each judged by the providers' rules."""

import warnings
from dataclasses import dataclass

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    TokenCounter,
    TokenEstimateWarning,
    TokenLimitWarning,
)
from chatstore.core.testing.provider_rules import window_violations

LIMITS = (200, 800, 3_000, 20_000)


@dataclass
class JudgedWindow:
    """A window, its size, and what is wrong with it."""

    limit: int
    messages: list[ChatMessage]
    tokens: int
    violations: list[str]


def load_tokens() -> tuple[TokenCounter, bool]:
    """Return a counter, and whether it counts exactly (else tokens are estimated)."""
    counter = TokenCounter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        counter.load()
    return counter, not any(item.category is TokenEstimateWarning for item in caught)


def judge_windows(store: ChatStore, key: str, counter: TokenCounter) -> list[JudgedWindow]:
    """Read and judge the window of a conversation at each limit."""
    conversation = store.get_messages(key)
    judged = []
    for limit in LIMITS:
        buffer = ChatMemoryBuffer(token_limit=limit, chat_store=store, chat_store_key=key)
        with warnings.catch_warnings():
            # A newest turn above the limit comes back whole; the judge knows that rule.
            warnings.simplefilter("ignore", TokenLimitWarning)
            window = buffer.get()
        tokens = sum(map(counter.count, window))
        violations = window_violations(conversation, window, limit, counter.count)
        judged.append(JudgedWindow(limit, window, tokens, violations))
    return judged
