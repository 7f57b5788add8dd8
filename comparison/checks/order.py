"""Order: messages are read in the order in which their appends took effect."""

from __future__ import annotations

from comparison.lab import Lab, Outcome, user
from comparison.workers import Worker

_WRITERS, _EACH = 4, 10
_BEHIND = -5.0  # seconds


def check(lab: Lab) -> Outcome:
    """Append from two processes whose clocks differ; then read while four processes append."""
    if lab.is_in_one_process:
        texts = _alternate(*[lab.worker()] * 2)
        return _compare(texts) or Outcome(True, "the order of the calls, in one process")
    texts = _alternate(lab.worker(), lab.worker(clock=_BEHIND))
    return _compare(texts) or _read_while_writing(lab)


def _alternate(first: Worker, second: Worker) -> list[str]:
    for number in range(6):
        writer = (first, second)[number % 2]
        answer = writer.call("append", "plain1", [user(str(number))])
        assert not answer["errors"], answer["errors"]
    texts: list[str] = first.call("texts", "plain1")
    return texts


def _compare(texts: list[str]) -> Outcome | None:
    expected = [str(number) for number in range(6)]
    if texts == expected:
        return None
    return Outcome(
        False,
        f"six appends, one after the other, every second one by a process whose clock is "
        f"{-_BEHIND:.0f} s behind, are read as {', '.join(texts)}",
    )


def _read_while_writing(lab: Lab) -> Outcome:
    """Read again and again: what was read stays in front of what comes later."""
    reader = lab.worker()
    writers = [lab.worker() for _ in range(_WRITERS)]
    for number, writer in enumerate(writers):
        messages = [user(f"{number}-{count}") for count in range(_EACH)]
        writer.begin("append", "plain2", messages)
    before: list[str] = []
    reads = moved = 0
    is_last = False
    while not is_last:
        is_last = not any(writer.is_busy() for writer in writers)
        texts: list[str] = reader.call("texts", "plain2")
        reads += 1
        still = [text for text in texts if text in before]
        moved += still != [text for text in before if text in texts] or (
            texts[: len(still)] != still
        )
        before = texts
    for writer in writers:
        writer.end()
    if moved:
        return Outcome(
            False,
            f"while {_WRITERS} processes appended, {moved} of {reads} reads had new messages in "
            "front of messages that had been read before",
        )
    return Outcome(
        True,
        f"with clocks {-_BEHIND:.0f} s apart; and in {reads} reads during appends of {_WRITERS} "
        "processes",
    )
