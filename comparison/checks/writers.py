"""Concurrent writers: no append is lost, none is there twice."""

from __future__ import annotations

from collections import Counter

from comparison.lab import Lab, Outcome, user

_PROCESSES, _EACH = 4, 25


def check(lab: Lab) -> Outcome:
    """Append from four processes at once, or from four threads to a store in memory."""
    total = _PROCESSES * _EACH
    if lab.is_in_one_process:
        worker = lab.worker()
        answers = [worker.call("append_in_threads", "plain1", _PROCESSES, _EACH)]
        reader, who = worker, f"{_PROCESSES} threads × {_EACH} appends"
    else:
        reader = lab.worker()
        reader.call("append", "plain0", [user("creates tables")])
        reader.call("append", "plain1", [user("first")])
        writers = [lab.worker() for _ in range(_PROCESSES)]
        for number, writer in enumerate(writers):
            messages = [user(f"{number}-{count}") for count in range(_EACH)]
            writer.begin("append", "plain1", messages)
        answers = [writer.end() for writer in writers]
        who = f"{_PROCESSES} processes × {_EACH} appends"
    acknowledged = sum(answer["acknowledged"] for answer in answers)
    errors = Counter(error for answer in answers for error in answer["errors"])
    texts = Counter(text for text in reader.call("texts", "plain1") if text != "first")
    text = f"{who}: {acknowledged} acknowledged, {len(texts)} stored"
    twice = sum(texts.values()) - len(texts)
    if twice:
        text += f", {twice} twice"
    if errors:
        [(error, count)] = errors.most_common(1)
        text += f"; errors: {sum(errors.values())}, {count} of them {error}"
    return Outcome(len(texts) == total and not twice and not errors, text)
