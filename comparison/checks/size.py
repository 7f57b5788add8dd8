"""Size: long conversations and messages of 5 MiB."""

from __future__ import annotations

from comparison.lab import Lab, Outcome, StoreError, user

_LARGE = 5 * 1024 * 1024
_MESSAGES, _TEXT = 2000, 1000


def check(lab: Lab) -> Outcome:
    """Store a message of 5 MiB and a conversation of 2,000 messages, and read them back."""
    worker = lab.worker()
    large = "x" * _LARGE
    failures: list[str] = []
    try:
        errors = worker.call("append", "plain1", [user(large)])["errors"]
        if errors:
            failures.append(f"a message of 5 MiB raises {errors[0]}")
        elif worker.call("texts", "plain1") != [large]:
            failures.append("a message of 5 MiB is read as something else")
    except StoreError as error:
        failures.append(f"a message of 5 MiB: {error}")
    texts = [f"{number} " + "x" * _TEXT for number in range(_MESSAGES)]
    try:
        worker.begin("fill", "plain2", [user(text) for text in texts])
        worker.end(timeout=600.0)
        read = worker.call("texts", "plain2")
        if read != texts:
            failures.append(f"of {_MESSAGES:,} messages, {len(read)} are read")
    except StoreError as error:
        failures.append(f"{_MESSAGES:,} messages of 1 kB: {error}")
    return Outcome.of(failures, f"a message of 5 MiB, and {_MESSAGES:,} messages of 1 kB")
