"""Names of other packages' objects, with the adapter that accepts them, for error messages.

Frameworks have classes with the same names, such as ``ChatMessage``, so the name of a class alone
does not explain an error.
"""

from __future__ import annotations

_ADAPTERS = {
    "agents": "chatstore-openai-agents",
    "haystack": "chatstore-haystack",
    "haystack_experimental": "chatstore-haystack",
    "langchain": "chatstore-langchain",
    "langchain_classic": "chatstore-langchain",
    "langchain_community": "chatstore-langchain",
    "langchain_core": "chatstore-langchain",
    "llama_index": "chatstore-llama-index",
    "pydantic_ai": "chatstore-pydantic-ai",
}


def full_name(value: object) -> str:
    """Return the name of an object's class, with its module unless it is a built-in."""
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def describe_message(value: object) -> str:
    """Return the name of an object's class and, if known, how to convert it to messages."""
    name = full_name(value)
    if isinstance(value, dict):
        return f"{name}: chatstore.core.from_openai converts a dict in OpenAI's format"
    adapter = adapter_of(value)
    if adapter is None:
        return name
    module = "chatstore." + adapter.removeprefix("chatstore-").replace("-", "_")
    return f"{name}: install {adapter}, whose {module}.to_messages converts a list of them"


def describe_store(value: object) -> str:
    """Return the name of an object's class and, if known, the adapter for its framework."""
    adapter = adapter_of(value)
    hint = "" if adapter is None else f": install {adapter}, which has a class for this framework"
    return full_name(value) + hint


def adapter_of(value: object) -> str | None:
    """Return the adapter's distribution for an object's framework, or ``None``."""
    for kind in type(value).__mro__:
        adapter = _ADAPTERS.get(kind.__module__.partition(".")[0])
        if adapter is not None:
            return adapter
    return None
