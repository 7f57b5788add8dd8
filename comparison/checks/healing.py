"""Connections heal: after a fault, the next call succeeds, or fails once."""

from __future__ import annotations

from comparison.lab import Lab, Outcome, StoreError, user

_CALLS = 4
_LIMIT = 60.0  # seconds


def check(lab: Lab) -> Outcome:
    """Restart the server; then let a firewall forget the connections; count failing calls."""
    if lab.server.port is None:
        return Outcome(None, "the store has no server")
    relay = lab.relay()
    failures = []
    for name, fault in (("a restart", None), ("a firewall that forgets connections", relay.forget)):
        worker = lab.worker(port=relay.port)
        worker.call("append", "plain1", [user("first")])
        if fault is None:
            lab.server.stop()
            lab.server.start()
        else:
            fault()
        errors: list[str] = []
        for number in range(_CALLS):
            try:
                answer = worker.call("append", "plain1", [user(str(number))], timeout=_LIMIT)
                errors += answer["errors"]
            except StoreError as error:
                errors.append(str(error))
                break
        if len(errors) > 1 or "the call did not return" in "".join(errors):
            failures.append(f"after {name}, {len(errors)} of {_CALLS} calls fail: {errors[-1]}")
    return Outcome.of(
        failures,
        "after a restart and after a firewall has forgotten connections, at most one call fails",
    )
