"""What libraries never promised: failures of these checks do not count as broken promises.

A reason is here only if neither the interface nor the documentation promises what the check asks.
"""

from __future__ import annotations

from comparison.subjects import SUBJECTS, is_of_this_project

_ONCE = "messages have no ids that a store would compare"
_HEALING = "how connections recover is left to the driver and its options"
_ONE_LOOP = (
    "the store is for one event loop in one process; its client asks for a new one in each other"
)
_DAMAGED_ITEMS = (
    "sessions leave out items that are not JSON on purpose, and the interface says nothing about "
    "damaged data"
)
_NUL = "Postgres has no text with NUL; the call is refused"
_OPENAI_WINDOW = (
    "a limit of items, which the runner makes valid for OpenAI's API; it accepts these windows"
)
_EVERYWHERE = {
    "atomic": "nothing is said about a call with several messages as a whole",
    "ttl": "the library offers no expiry for this store",
    "cost": "the documentation says nothing about the cost of long conversations",
    "healing": _HEALING,
}
"""Reasons that hold for every library."""
REASONS: dict[tuple[str, str], str] = {
    ("LlamaIndex", "once"): _ONCE,
    ("LlamaIndex", "sharing"): "a forked process needs a new engine of SQLAlchemy",
    ("llama-index-postgres", "keys"): _NUL,
    ("llama-index-postgres", "failures"): (
        "the column takes only JSON, any object is read as a message, and the interface says "
        "nothing about damaged data"
    ),
    ("LangChain", "once"): "histories do not compare the messages' ids",
    ("LangChain", "sharing"): "a history of Postgres uses the connection that it is given",
    ("LangChain", "atomic"): "the interface adds messages one by one unless a history does better",
    ("langchain-postgres", "keys"): "session ids must be UUIDs, and all others are refused",
    ("LangGraph", "writers"): (
        "runs of one thread at the same time are handled by LangSmith's Agent Server (double "
        "texting), and its documentation says that the open source framework does not"
    ),
    ("LangGraph", "sharing"): "updates of one thread at the same time, see concurrent writers",
    ("langgraph-postgres", "keys"): _NUL,
    ("OpenAI Agents", "once"): "sessions store items as they are given, and do not compare ids",
    ("OpenAI Agents", "sharing"): _ONE_LOOP,
    ("OpenAI Agents", "window"): _OPENAI_WINDOW,
    ("OpenAI Agents", "failures"): _DAMAGED_ITEMS,
    ("openai-agents-redis", "keys"): (
        "'a:messages' is also the name of a key of the session 'a', and the call is refused"
    ),
    ("openai-agents-postgres", "keys"): _NUL,
    ("openai-agents-postgres", "order"): (
        "the interface promises chronological order; items have the time at which their "
        "transaction began, so those of appends at the same time may change places"
    ),
    ("Pydantic AI", "writers"): (
        "the store is for tests and examples, and for tasks of one event loop, not for threads"
    ),
    ("Pydantic AI", "sharing"): "the store is for tests and examples, and for tasks, not threads",
    ("Pydantic AI", "once"): "messages have no ids; a save is checked against the revision",
    ("Pydantic AI", "window"): (
        "a loaded window may start in the middle of a turn, says the documentation; requests are "
        "repaired, so calls and results stay together"
    ),
    ("Agent Framework", "once"): (
        "a whole transcript may be sent again; a single message, after others, is a new one"
    ),
    ("Agent Framework", "sharing"): _ONE_LOOP,
    ("Agent Framework", "window"): (
        "the strategy promises whole groups of calls and results, which it keeps, and no question "
        "in front"
    ),
    ("agent-framework-folder", "keys"): (
        "the key is a file's name, which the system limits; the call is refused"
    ),
    ("agent-framework-folder", "writers"): "the documentation excludes locks between processes",
    ("Google ADK", "keys"): "services remove spaces around a session's id on purpose",
    ("google-adk-postgres", "keys"): (
        "a session's id has at most 128 characters, and Postgres has no text with NUL; both are "
        "refused"
    ),
    ("Google ADK", "writers"): (
        "a session that another writer has changed is refused with StaleSessionError; an append "
        "was repeated 50 times, and nothing that was acknowledged is lost"
    ),
    ("Google ADK", "sharing"): _ONE_LOOP,
    ("Google ADK", "window"): "a number of recent events, with no word on where they begin",
}
"""Why a failed check breaks no promise, by the name of a store or a library, and the promise."""


def reason_of(store: str, promise: str) -> str | None:
    """Return why a store never promised something, or ``None`` if it did."""
    if is_of_this_project(store):
        return None
    library = SUBJECTS[store].library
    reason = REASONS.get((store, promise)) or REASONS.get((library, promise))
    return reason or _EVERYWHERE.get(promise)
