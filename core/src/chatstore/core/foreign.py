"""Names of objects that are not this package's, with the adapter that takes them.

Frameworks have classes of the same names, such as ``ChatMessage``: a class's name alone does not
tell what is wrong.
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
    """Return the name of an object's class, with its module unless that is Python's own."""
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def describe_message(value: object) -> str:
    """Return an object's class, and how to make messages of it where that is known."""
    name = full_name(value)
    if isinstance(value, dict):
        return f"{name}: chatstore.core.from_openai makes one of a dict in OpenAI's format"
    adapter = adapter_of(value)
    if adapter is None:
        return name
    module = "chatstore." + adapter.removeprefix("chatstore-").replace("-", "_")
    return f"{name}: install {adapter}, whose {module}.to_messages makes messages of a list of them"


def describe_store(value: object) -> str:
    """Return an object's class, and the adapter for its framework where that is known."""
    adapter = adapter_of(value)
    hint = "" if adapter is None else f": install {adapter}, which has a class for this framework"
    return full_name(value) + hint


def adapter_of(value: object) -> str | None:
    """Return the distribution for the framework that an object is of, or ``None``."""
    for kind in type(value).__mro__:
        adapter = _ADAPTERS.get(kind.__module__.partition(".")[0])
        if adapter is not None:
            return adapter
    return None
