"""Flat cost: an append and the newest messages cost the same at any length."""

from __future__ import annotations

from comparison.lab import Lab, Outcome, user

_SHORT, _LONG = 20, 4000
_ROUNDS = 5
_CALLS = 5
# What counts as growing: a linear cost would grow by 200, and a busy machine adds milliseconds.
_FACTOR, _SLACK = 4.0, {"seconds": 0.002, "calls": 0.0}


def check(lab: Lab) -> Outcome:
    """Compare the cost of calls in a conversation of 20 messages and in one of 4,000."""
    worker = lab.worker()
    for key, length in (("plain1", _SHORT), ("plain2", _LONG)):
        messages = [user(f"{number} " + "x" * 600) for number in range(length)]
        worker.begin("fill", key, messages)
        worker.end(timeout=600.0)
    costs: dict[tuple[str, str], float] = {}
    for _ in range(_ROUNDS):
        for key in ("plain1", "plain2"):
            for call in ("append", "recent"):
                cost = worker.call("cost", key, call, _CALLS, lab.measure)
                costs[call, key] = min(cost, costs.get((call, key), cost))
    grown = [
        call
        for call in ("append", "recent")
        if costs[call, "plain2"] > _FACTOR * costs[call, "plain1"] + _SLACK[lab.measure]
    ]
    names = {"append": "an append", "recent": "the newest 20"}
    parts = [
        f"{names[call]}: {_show(lab, costs[call, 'plain1'])} at {_SHORT} messages, "
        f"{_show(lab, costs[call, 'plain2'])} at {_LONG:,}"
        for call in ("append", "recent")
    ]
    figures = {
        f"{call} at {length}": costs[call, key]
        for call in ("append", "recent")
        for key, length in (("plain1", _SHORT), ("plain2", _LONG))
    }
    return Outcome(not grown, "; ".join(parts), figures)


def _show(lab: Lab, cost: float) -> str:
    if lab.measure == "calls":
        return f"{cost:.0f} calls"
    milliseconds = cost * 1000
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2g} ms"
