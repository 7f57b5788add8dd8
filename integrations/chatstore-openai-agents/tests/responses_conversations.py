"""Conversations of the Responses API with calls of every kind, and windows of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chatstore.core import ChatMemoryBuffer, SimpleChatStore
from chatstore.openai_agents import sent_payload, to_messages

ACTION = {"type": "exec", "command": ["ls"], "env": {}}
CALLS: dict[str, Any] = {
    "function": lambda c: (
        {"type": "function_call", "call_id": c, "name": "t", "arguments": "{}", "id": f"fc_{c}"},
        {"type": "function_call_output", "call_id": c, "output": "sun " * 5},
    ),
    "custom": lambda c: (
        {"type": "custom_tool_call", "call_id": c, "name": "t", "input": "x", "id": f"ctc_{c}"},
        {"type": "custom_tool_call_output", "call_id": c, "output": "sun"},
    ),
    "computer": lambda c: (
        {
            "type": "computer_call",
            "id": f"cu_{c}",
            "call_id": c,
            "action": {"type": "screenshot"},
            "pending_safety_checks": [],
            "status": "completed",
        },
        {
            "type": "computer_call_output",
            "call_id": c,
            "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"},
        },
    ),
    "local shell": lambda c: (
        {
            "type": "local_shell_call",
            "id": f"lsh_{c}",
            "call_id": c,
            "action": ACTION,
            "status": "completed",
        },
        {"type": "local_shell_call_output", "id": c, "output": "file"},
    ),
    "shell": lambda c: (
        {"type": "shell_call", "id": f"sh_{c}", "call_id": c, "action": {"commands": ["ls"]}},
        {
            "type": "shell_call_output",
            "call_id": c,
            "output": [{"stdout": "file", "stderr": "", "outcome": {"type": "exit"}}],
        },
    ),
    "patch": lambda c: (
        {
            "type": "apply_patch_call",
            "id": f"ap_{c}",
            "call_id": c,
            "operation": {"type": "delete_file", "path": "a"},
            "status": "completed",
        },
        {"type": "apply_patch_call_output", "call_id": c, "status": "completed"},
    ),
    "approval": lambda c: (
        {
            "type": "mcp_approval_request",
            "id": c,
            "name": "remove",
            "arguments": "{}",
            "server_label": "s",
        },
        {"type": "mcp_approval_response", "approval_request_id": c, "approve": True},
    ),
}
HOSTED: list[dict[str, Any]] = [
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "q"}},
    {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"]},
    {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1"},
    {"type": "mcp_call", "id": "mcp_1", "name": "t", "arguments": "{}", "server_label": "s"},
]


def user(text: Any) -> Any:
    return {"role": "user", "content": text}


def assistant(text: str, number: int = 0) -> Any:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [part]}


def reasoning(number: int, summary: Any = "") -> Any:
    parts = [{"type": "summary_text", "text": summary}] if summary else []
    return {"type": "reasoning", "id": f"rs_{number}", "summary": parts, "encrypted_content": "x"}


# A model's response: its items, and which of their outputs are missing.
STEP = st.tuples(
    st.lists(
        st.sampled_from(["reasoning", "summary", "said", "hosted", *CALLS]), min_size=1, max_size=5
    ),
    st.sampled_from(["all", "all", "first is missing", "last is missing", "none"]),
)
TURNS = st.lists(st.lists(STEP, max_size=3), min_size=1, max_size=5)


def conversation(turns: Any) -> Any:
    """Return items of these turns; a response ends with something other than reasoning."""
    items, number = [{"role": "system", "content": "Be nice."}], 0
    for turn in turns:
        items.append(user("question " * 4))
        for kinds, answered in turn:
            outputs = []
            for kind in [*kinds, "said"] if kinds[-1] in {"reasoning", "summary"} else kinds:
                number += 1
                if kind in CALLS:
                    call, output = CALLS[kind](f"c{number}")
                    items.append(call)
                    outputs.append(output)
                elif kind == "hosted":
                    items.append({**HOSTED[number % len(HOSTED)], "id": f"hosted_{number}"})
                elif kind == "said":
                    items.append(assistant("answer", number))
                else:
                    items.append(reasoning(number, "hm" if kind == "summary" else ""))
            missing = {"first is missing": slice(1, None), "last is missing": slice(-1)}
            if answered != "none":
                items += outputs[missing.get(answered, slice(None))]
    return [*items, user("the last question")]


def stored_window(items: Any, limit: int, batches: Any = 1) -> Any:
    """Return the window of a conversation that was stored in parts."""
    buffer = ChatMemoryBuffer(limit, SimpleChatStore(), "k", str.split, payload_fn=sent_payload)
    size = max(1, len(items) // batches)
    for start in range(0, len(items), size):
        buffer.put_messages(to_messages(items[start : start + size]))
    return buffer.get()
