"""One turn of an agent, and the spans that it made; prints what ``docs/telemetry.md`` shows.

The model and the tool are functions of this file. A program's own spans, here by the conventions
for generative AI, become parents of the store's.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from recorded import Recorded, attributes_of

from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore
from chatstore.opentelemetry import TracedBackend
from chatstore.sqlite import SQLiteChatStore

KEY = "trip/42"
_SHOWN = {
    "chatstore.messages.written": "written",
    "chatstore.messages.read": "read",
}
_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "find_trains", "arguments": '{"to": "Lisbon"}'},
}


def model(window: list[ChatMessage]) -> ChatMessage:
    """Answer as a model does: first with a call of a tool, then with text."""
    if window[-1].role == "tool":
        return ChatMessage(role="assistant", content="At 9:00, from platform 4.")
    return ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [_CALL]})


def run_turn(store: ChatStore, provider: TracerProvider) -> None:
    """Run the turn: a question, a call of a tool, its result, an answer."""
    tracer = provider.get_tracer("travel-agent")
    memory = ChatMemoryBuffer(1_000, store, KEY, tokenizer_fn=str.split)
    with tracer.start_as_current_span("invoke_agent travel"):
        memory.put(ChatMessage(role="user", content="When does the next train to Lisbon leave?"))
        for _ in range(2):
            window = memory.get()
            with tracer.start_as_current_span("chat model"):
                answer = model(window)
            memory.put(answer)
            if answer.additional_kwargs:
                with tracer.start_as_current_span("execute_tool find_trains"):
                    result = ChatMessage(
                        role="tool", content="9:00", additional_kwargs={"tool_call_id": "call_1"}
                    )
                memory.put(result)
        store.update_conversation(KEY, title="Lisbon")


def record_turn() -> list[ReadableSpan]:
    """Run the turn on an SQLite file; return its spans."""
    recorded = Recorded()
    with tempfile.TemporaryDirectory() as folder:
        inner = SQLiteChatStore(Path(folder) / "chat.db").backend
        with ChatStore(TracedBackend(inner, **recorded.providers)) as store:
            run_turn(store, recorded.tracer_provider)
    return recorded.spans


def tree(spans: list[ReadableSpan], parent: int | None = None, indent: str = "") -> Iterator[str]:
    """Return a line for each span below a parent, in the order of their beginnings."""
    children = [one for one in spans if (one.parent and one.parent.span_id) == parent]
    for span in sorted(children, key=lambda one: one.start_time or 0):
        values = attributes_of(span)
        counts = [f"{values[name]} {word}" for name, word in _SHOWN.items() if name in values]
        yield f"{indent}{span.name:<{28 - len(indent)}}{', '.join(counts)}".rstrip()
        assert span.context is not None
        yield from tree(spans, span.context.span_id, indent + "  ")


if __name__ == "__main__":
    turn = record_turn()
    print("\n".join(tree(turn)))
    print(json.dumps(attributes_of(turn[0]), indent=2))
