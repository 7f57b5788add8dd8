"""The size of installations and the time of imports."""

from __future__ import annotations

import statistics
import subprocess
from importlib.metadata import PackageNotFoundError
from typing import Any

from benchmarks import environments
from benchmarks.installed import installed

_PYDANTIC = (
    "from pydantic import BaseModel, TypeAdapter; type('M', (BaseModel,), {'__module__': __name__})"
)
# What users import: (package, part) -> (environment, statement).
_MODULES = {
    ("chatstore", "core"): ("chatstore", "import chatstore.core"),
    ("chatstore", "SQLite"): ("chatstore", "import chatstore.sqlite"),
    ("chatstore", "Redis"): ("chatstore", "import chatstore.redis"),
    ("chatstore", "Postgres"): ("chatstore", "import chatstore.postgres"),
    ("LlamaIndex", "chat store"): ("llama_index", "import llama_index.core.storage.chat_store"),
    ("LlamaIndex", "Redis"): ("llama_index", "import llama_index.storage.chat_store.redis"),
    ("LangChain", "core"): ("langchain", "import langchain_core.chat_history"),
    ("LangChain", "histories"): (
        "langchain",
        "import langchain_community.chat_message_histories.sql",
    ),
    ("LangGraph", "saver"): ("langgraph", "import langgraph.graph, langgraph.checkpoint.sqlite"),
    ("OpenAI Agents", "sessions"): ("openai_agents", "import agents.memory"),
    ("Pydantic AI", "conversations"): (
        "pydantic_ai",
        "import pydantic_ai.conversation, pydantic_ai.conversation_store",
    ),
    ("pydantic", "and one model"): ("chatstore", _PYDANTIC),
}
# Distributions whose installed size is measured: (environment, requirement).
_INSTALLED = (
    ("chatstore", "chatstore-core"),
    ("chatstore", "chatstore-sqlite"),
    ("chatstore", "chatstore-redis"),
    ("chatstore", "chatstore-postgres"),
    ("llama_index", "llama-index-core"),
    ("llama_index", "llama-index-storage-chat-store-sqlite"),
    ("llama_index", "llama-index-storage-chat-store-redis"),
    ("llama_index", "llama-index-storage-chat-store-postgres"),
    ("langchain", "langchain-core"),
    ("langchain", "langchain-community"),
    ("langchain", "langchain-postgres"),
    ("langgraph", "langgraph"),
    ("langgraph", "langgraph-checkpoint-postgres"),
    ("openai_agents", "openai-agents"),
    ("openai_agents", "openai-agents[redis]"),
    ("openai_agents", "openai-agents[sqlalchemy]"),
    ("pydantic_ai", "pydantic-ai-slim"),
)
_TIME = "import time; start = time.perf_counter(); {0}; print(time.perf_counter() - start)"
_RUNS = 5
_RUNS_BEYOND = 11


def measure() -> list[dict[str, Any]]:
    """Import each module in new processes, in several rounds; measure each installation."""
    times: dict[tuple[str, str], list[float]] = {name: [] for name in _MODULES}
    for _ in range(_RUNS):
        for name, (family, module) in _MODULES.items():
            times[name].append(float(_python(family, _TIME.format(module))))
    imports = [
        {
            "kind": "import",
            "subject": " ".join(name),
            "module": _MODULES[name][1],
            "seconds": statistics.median(seconds),
        }
        for name, seconds in times.items()
    ]
    return [*imports, _import_beyond_pydantic(), *_sizes()]


def _import_beyond_pydantic() -> dict[str, Any]:
    """Import core in processes that have already imported pydantic and defined a model."""
    text = f"{_PYDANTIC}; {_TIME.format('import chatstore.core')}"
    seconds = [float(_python("chatstore", text)) for _ in range(_RUNS_BEYOND)]
    return {
        "kind": "import",
        "subject": "chatstore core, after pydantic and one model",
        "module": "import chatstore.core",
        "seconds": statistics.median(seconds),
    }


def _sizes() -> list[dict[str, Any]]:
    return [
        {
            "kind": "installed",
            "requirement": requirement,
            **installed(family, requirement)._asdict(),
        }
        for family, requirement in _INSTALLED
    ]


def versions() -> dict[str, str]:
    """Return the versions of the measured packages."""
    distributions = {
        "chatstore": ["chatstore-core", "chatstore-sqlite", "redis", "asyncpg", "psycopg"],
        "llama_index": ["llama-index-core"],
        "langchain": ["langchain-core", "langchain-community", "langchain-postgres"],
        "langgraph": [
            "langgraph",
            "langgraph-checkpoint-sqlite",
            "langgraph-checkpoint-postgres",
        ],
        "openai_agents": ["openai-agents"],
        "pydantic_ai": ["pydantic-ai-slim"],
    }
    versions = {}
    for family, names in distributions.items():
        text = f"from importlib.metadata import version as v; print(*map(v, {names!r}))"
        printed = _python(family, text).split()
        versions.update(dict(zip(names, printed, strict=True)))
    return versions


def _python(family: str, text: str) -> str:
    completed = subprocess.run(
        [environments.prepare(family), "-c", text],
        capture_output=True,
        text=True,
        check=False,
        env=environments.plain_environment(),
    )
    if completed.returncode:
        raise PackageNotFoundError(completed.stderr[-500:])
    return completed.stdout.strip().splitlines()[-1]
