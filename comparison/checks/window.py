"""Valid windows: what is sent to a model is accepted by all providers, at any limit."""

from __future__ import annotations

from comparison.adapters.adapter import Message
from comparison.lab import Lab, Outcome, StoreError, user


def conversation() -> list[Message]:
    """Return four turns, two of them with parallel tool calls; the newest message is a question."""
    messages: list[Message] = []
    for turn in range(4):
        messages.append(user(f"Question {turn}: " + "words " * 12, f"q{turn}"))
        if turn == 3:
            break
        for step in range(2):
            calls = [f"c{turn}{step}a", f"c{turn}{step}b"]
            messages.append(
                {"role": "assistant", "text": "", "id": f"a{turn}{step}", "calls": calls}
            )
            messages += [
                {"role": "tool", "text": "result " * 8, "id": f"r{call}", "call": call}
                for call in calls
            ]
        messages.append({"role": "assistant", "text": "answer " * 12, "id": f"b{turn}"})
    return messages


def violations(window: list[Message], newest: str) -> list[str]:
    """Return which rules of all providers a window breaks.

    Args:
        window: What is sent.
        newest: The text of the newest message.

    """
    if not window:
        return ["are empty"]
    problems = []
    if window[-1]["text"] != newest:
        problems.append("lack the newest message")
    waiting: set[str] = set()
    for message in window:
        if message["role"] == "tool":
            if message["call"] not in waiting:
                problems.append("have a tool result without its call")
            waiting.discard(message["call"])
            continue
        if waiting:
            problems.append("have a tool call without its result")
        waiting = set(message.get("calls") or ())
    return problems


def begins_with_user(window: list[Message]) -> bool:
    """Return whether the first message, after instructions, is the user's."""
    roles = [message["role"] for message in window if message["role"] != "system"]
    return roles[:1] == ["user"]


def check(lab: Lab) -> Outcome:
    """Cut windows of a conversation with tool calls at many limits, and check each."""
    worker = lab.worker()
    messages = conversation()
    limits: list[int] = worker.call("window_limits")
    problems: dict[str, list[int]] = {}
    for number, limit in enumerate(limits):
        try:
            window = worker.call("window", f"plain{number}", messages, limit)
        except StoreError as error:
            problems.setdefault(f"raise {error}", []).append(limit)
            continue
        broken = violations(window, messages[-1]["text"])
        if broken:
            problems.setdefault(f"{broken[0]}, which every provider refuses", []).append(limit)
        elif not begins_with_user(window):
            text = "begin with the model's message, which Anthropic's API refuses"
            problems.setdefault(text, []).append(limit)
    failures = [
        f"{len(bad)} of {len(limits)} windows, such as at limit {bad[0]}, {problem}"
        for problem, bad in problems.items()
    ]
    success = f"windows at {len(limits)} limits, {limits[0]} to {limits[-1]}"
    return Outcome.of(failures, success)
