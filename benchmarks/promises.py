"""What the stores of other packages do not keep when several writers append.

A store that keeps the order, loses nothing and stores a message once, also if the reply to an
append is lost, does more work than one that keeps less. `make comparison` checks this.
"""

from __future__ import annotations

ORDER, WRITERS, ONCE = "order", "concurrent writers", "exactly once"
_NOT_KEPT = {
    ("sqlite", "LlamaIndex"): (ONCE,),
    ("sqlite", "LangChain"): (ONCE,),
    ("sqlite", "LangGraph"): (ORDER, WRITERS),
    ("sqlite", "OpenAI Agents"): (ONCE,),
    ("redis", "LlamaIndex"): (ONCE,),
    ("redis", "LangChain"): (ONCE,),
    ("redis", "OpenAI Agents"): (ONCE,),
    ("postgres", "LlamaIndex"): (ONCE,),
    ("postgres", "LangChain"): (ORDER, ONCE),
    ("postgres", "LangGraph"): (ORDER, WRITERS),
    ("postgres", "OpenAI Agents"): (ORDER, ONCE),
    ("upstash", "LlamaIndex"): (ONCE,),
    ("upstash", "LangChain"): (ONCE,),
    ("dynamodb", "LlamaIndex"): (WRITERS, ONCE),
    ("azure", "LlamaIndex"): (ONCE,),
    ("cosmos", "LangChain"): (ONCE,),
}
_ORDERED = ("bare sqlite3", "bare redis", "bare redis.asyncio", "bare upstash-redis")


def not_kept(server: str, subject: str) -> tuple[str, ...]:
    """Return which of the three promises a subject does not keep on a server."""
    if subject.endswith(", same promises") or subject.startswith("chatstore"):
        return ()
    if subject.startswith("bare "):
        return (ONCE,) if subject in _ORDERED else (ORDER, ONCE)
    return _NOT_KEPT.get((server, subject), ())
