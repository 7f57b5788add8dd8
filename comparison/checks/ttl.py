"""TTL: a conversation expires as a whole, a set time after its last write."""

from __future__ import annotations

import time

from comparison.lab import Lab, NotOfferedError, Outcome, user

_FIRST_TTL = 3.0  # seconds
_LONGEST_TTL = 48.0


def check(lab: Lab) -> Outcome:
    """Append twice, half a ttl apart: both stay for a ttl after the second append, then go."""
    ttl = _FIRST_TTL
    while True:
        try:
            worker = lab.worker(ttl=ttl)
        except NotOfferedError as error:
            return Outcome(False, str(error))
        key = f"plain{ttl:.0f}"
        first = time.monotonic()
        worker.call("append", key, [user("first")])
        time.sleep(0.6 * ttl)
        second = time.monotonic()
        worker.call("append", key, [user("second")])
        appended = time.monotonic()
        time.sleep(0.6 * ttl)  # the first message is older than ttl now
        texts = worker.call("texts", key)
        # A busy machine may let the ttl pass before a call takes effect: try a longer one.
        is_in_time = appended - first < ttl and time.monotonic() - second < ttl
        if is_in_time or ttl >= _LONGEST_TTL:
            break
        ttl *= 2
    if texts != ["first", "second"]:
        return Outcome(False, f"within ttl after the last write, {texts or 'nothing'} is left")
    time.sleep(1.5 * ttl)
    left = worker.call("texts", key)
    if left:
        return Outcome(False, f"{len(left)} messages are left after more than twice the ttl")
    return Outcome(True, "both messages stay until ttl after the last write, then both are gone")
