"""Atomic: a call takes effect as a whole or not at all."""

from __future__ import annotations

import time

from comparison.lab import Lab, NotOfferedError, Outcome, user
from comparison.workers import Worker

_MESSAGES = 300
_KILLS = 3


def check(lab: Lab) -> Outcome:
    """Write 300 messages in one call and read while it runs; then kill writers during the call."""
    batch = [user(f"{number} " + "x" * 200) for number in range(_MESSAGES)]
    writer = lab.worker()
    try:
        writer.call("write_many", "plain0", batch[:2])
    except NotOfferedError:
        return Outcome(None, "each call takes one message")
    if lab.is_in_one_process:
        return Outcome(None, "in memory: no other process can read during a call")
    start = time.perf_counter()
    writer.begin("write_many", "plain1", batch)
    reader = lab.worker()
    seen = set()
    is_last = False
    while not is_last:
        is_last = not writer.is_busy()
        seen.add(len(reader.call("texts", "plain1")))
    writer.end()
    seconds = time.perf_counter() - start
    partial = sorted(seen - {0, _MESSAGES})
    killed = _counts_after_kills(lab, reader, batch, seconds)
    left = sorted(set(killed) - {0, _MESSAGES})
    failures = []
    if partial:
        failures.append(
            f"a reader saw {partial[len(partial) // 2]} of {_MESSAGES} messages of a call"
        )
    if left:
        failures.append(f"after a kill, {left[len(left) // 2]} of {_MESSAGES} messages were stored")
    success = f"{_MESSAGES} messages in one call: none or all, also after kills"
    return Outcome.of(failures, success)


def _counts_after_kills(
    lab: Lab, reader: Worker, batch: list[dict[str, object]], seconds: float
) -> list[int]:
    """Kill writers at different times; return how many messages each has left."""
    counts: list[int] = []
    for number in range(_KILLS):
        writer = lab.worker()
        writer.call("texts", "plain0")  # connected
        key = f"plain{number + 2}"
        writer.begin("write_many", key, batch)
        time.sleep(seconds * (number + 1) / (_KILLS + 1))
        writer.kill()
        counts.append(len(reader.call("texts", key)))
    return counts
