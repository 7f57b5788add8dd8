"""Any key: every string of 1 to 255 bytes is a key of its own."""

from __future__ import annotations

from comparison.lab import Lab, Outcome, StoreError, user

_KEYS = (
    *("a", "A", "a ", " a", "a:", "a:b", "a:b:c", "a:messages", "a:counter", "a:meta", "{a}"),
    *("a*", "a%", "a_", "a?", "a'b", 'a"b', "a\\b", "a/b", "../a", "a|b", "a;--", "a\nb", "a\0b"),
    *("\N{LATIN SMALL LETTER E WITH ACUTE}", "e\N{COMBINING ACUTE ACCENT}", "🙂"),
    *("x" * 255, "x" * 254, "user/42", "0", "00", "null"),
)


def check(lab: Lab) -> Outcome:
    """Append one message under each of 33 keys, and read each key."""
    worker = lab.worker()
    refused: dict[str, str] = {}
    for key in _KEYS:
        errors = worker.call("append", key, [user(f"message of {key}")])["errors"]
        if errors:
            refused[key] = errors[0]
    mixed: list[str] = []
    for key in _KEYS:
        if key in refused:
            continue
        try:
            if worker.call("texts", key) != [f"message of {key}"]:
                mixed.append(key)
        except StoreError as error:
            refused[key] = str(error)
    failures = []
    if mixed:
        failures.append(f"{_list(mixed)} read other keys' messages")
    if refused:
        first = next(iter(refused.values()))
        failures.append(
            f"{len(refused)} of {len(_KEYS)} keys are refused, such as "
            f"{_list(list(refused))}: {first}"
        )
    success = f"{len(_KEYS)} keys, such as 'a:b', 'A' beside 'a', '🙂', 255 bytes"
    return Outcome.of(failures, success)


def _list(keys: list[str]) -> str:
    names = [repr(key) if len(key) < 20 else f"{len(key)} letters" for key in keys[:3]]
    return ", ".join(names)
