"""The stores that are compared, and where they run."""

from __future__ import annotations

from typing import NamedTuple

from comparison.lab import Store


class Subject(NamedTuple):
    """A store on a server.

    Attributes:
        library: The library.
        what: The class that users import.
        server: See `comparison.servers.start`.
        store: What a worker opens.
        distributions: What provides the class.

    """

    library: str
    what: str
    server: str
    store: Store
    distributions: tuple[str, ...]


def _subject(
    library: str, what: str, server: str, family: str | None, *distributions: str
) -> Subject:
    store = Store(f"comparison.adapters.{family or 'chatstore'}", family)
    return Subject(library, what, server, store, distributions)


_LLAMA = "llama-index-storage-chat-store"
_AGENTS = ("openai_agents", "openai-agents")
_LANGCHAIN = ("langchain", "langchain-core")
SUBJECTS = {
    "chatstore-sqlite": _subject(
        "chatstore", "SQLiteChatStore", "sqlite", None, "chatstore-sqlite"
    ),
    "chatstore-redis": _subject("chatstore", "RedisChatStore", "redis", None, "chatstore-redis"),
    "chatstore-postgres": _subject(
        "chatstore", "PostgresChatStore", "postgres", None, "chatstore-postgres"
    ),
    "llama-index-sqlite": _subject(
        *("LlamaIndex", "SQLiteChatStore", "sqlite", "llama_index"),
        *("llama-index-core", f"{_LLAMA}-sqlite"),
    ),
    "llama-index-redis": _subject(
        *("LlamaIndex", "RedisChatStore", "redis", "llama_index"),
        *("llama-index-core", f"{_LLAMA}-redis"),
    ),
    "llama-index-postgres": _subject(
        *("LlamaIndex", "PostgresChatStore", "postgres", "llama_index"),
        *("llama-index-core", f"{_LLAMA}-postgres"),
    ),
    "langchain-sqlite": _subject(
        "LangChain", "SQLChatMessageHistory", "sqlite", *_LANGCHAIN, "langchain-community"
    ),
    "langchain-redis": _subject(
        "LangChain", "RedisChatMessageHistory", "redis", *_LANGCHAIN, "langchain-community"
    ),
    "langchain-postgres": _subject(
        "LangChain", "PostgresChatMessageHistory", "postgres", *_LANGCHAIN, "langchain-postgres"
    ),
    "langgraph-sqlite": _subject(
        *("LangGraph", "SqliteSaver", "sqlite", "langgraph"),
        *("langgraph", "langgraph-checkpoint-sqlite"),
    ),
    "langgraph-postgres": _subject(
        *("LangGraph", "PostgresSaver", "postgres", "langgraph"),
        *("langgraph", "langgraph-checkpoint-postgres"),
    ),
    "openai-agents-sqlite": _subject("OpenAI Agents", "SQLiteSession", "sqlite", *_AGENTS),
    "openai-agents-redis": _subject("OpenAI Agents", "RedisSession", "redis", *_AGENTS),
    "openai-agents-postgres": _subject("OpenAI Agents", "SQLAlchemySession", "postgres", *_AGENTS),
    "pydantic-ai-memory": _subject(
        *("Pydantic AI", "InMemoryConversationStore", "memory", "pydantic_ai"),
        "pydantic-ai-slim",
    ),
    "agent-framework-folder": _subject(
        "Agent Framework",
        *("FileHistoryProvider", "folder", "agent_framework"),
        "agent-framework-core",
    ),
    "agent-framework-redis": _subject(
        "Agent Framework",
        *("RedisHistoryProvider", "redis", "agent_framework"),
        *("agent-framework-core", "agent-framework-redis"),
    ),
    "google-adk-sqlite": _subject(
        *("Google ADK", "SqliteSessionService", "sqlite", "google_adk"),
        "google-adk",
    ),
    "google-adk-postgres": _subject(
        *("Google ADK", "DatabaseSessionService", "postgres", "google_adk"),
        "google-adk",
    ),
}
CHATSTORE = "chatstore"


def is_of_this_project(name: str) -> bool:
    """Return whether a store is one of this project."""
    return SUBJECTS[name].library == CHATSTORE
