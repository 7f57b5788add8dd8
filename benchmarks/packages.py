"""What an installation weighs and what an import takes."""

from __future__ import annotations

import statistics
import subprocess
from importlib.metadata import PackageNotFoundError
from typing import Any

from benchmarks import environments

_PYDANTIC = (
    "from pydantic import BaseModel, TypeAdapter; type('M', (BaseModel,), {'__module__': __name__})"
)
# What a user of each imports: (who, what) -> (environment, statement).
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
    ("OpenAI Agents", "sessions"): ("openai_agents", "import agents.memory"),
    ("pydantic", "and one model"): ("chatstore", _PYDANTIC),
}
_TIME = "import time; began = time.perf_counter(); {0}; print(time.perf_counter() - began)"
_RUNS = 5


def measure() -> list[dict[str, Any]]:
    """Import each module in fresh processes, by turns."""
    times: dict[tuple[str, str], list[float]] = {name: [] for name in _MODULES}
    for _ in range(_RUNS):
        for name, (family, module) in _MODULES.items():
            times[name].append(_import_seconds(family, module))
    sizes = {family: environments.installed_bytes(family) for family, _ in set(_MODULES.values())}
    return [
        {
            "kind": "import",
            "subject": " ".join(name),
            "module": _MODULES[name][1],
            "seconds": statistics.median(seconds),
            "installed_bytes": sizes[_MODULES[name][0]],
        }
        for name, seconds in times.items()
    ]


def versions() -> dict[str, str]:
    """Return the versions of what is measured."""
    named = {
        "chatstore": ["chatstore-core", "chatstore-sqlite", "redis", "asyncpg", "psycopg"],
        "llama_index": ["llama-index-core"],
        "langchain": ["langchain-core", "langchain-community", "langchain-postgres"],
        "openai_agents": ["openai-agents"],
    }
    found = {}
    for family, names in named.items():
        text = f"from importlib.metadata import version as v; print(*map(v, {names!r}))"
        printed = _python(family, text).split()
        found.update(dict(zip(names, printed, strict=True)))
    return found


def _import_seconds(family: str, module: str) -> float:
    return float(_python(family, _TIME.format(module)))


def _python(family: str, text: str) -> str:
    done = subprocess.run(
        [environments.prepare(family), "-c", text],
        capture_output=True,
        text=True,
        check=False,
        env=environments.plain_environment(),
    )
    if done.returncode:
        raise PackageNotFoundError(done.stderr[-500:])
    return done.stdout.strip().splitlines()[-1]
