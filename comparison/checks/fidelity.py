"""Fidelity: what comes back equals what went in."""

from __future__ import annotations

from comparison.lab import Lab, Outcome


def check(lab: Lab) -> Outcome:
    """Store messages of the library's own type, and compare all their fields."""
    outcomes: dict[str, str] = lab.worker().call("copy_samples", "plainsample")
    changed = [name for name, outcome in outcomes.items() if outcome == "changed"]
    failed = {
        name: outcome for name, outcome in outcomes.items() if outcome not in {"same", "changed"}
    }
    if not changed and not failed:
        return Outcome(True, f"{len(outcomes)} kinds of messages: {', '.join(outcomes)}")
    parts = []
    if changed:
        parts.append(f"changed: {', '.join(changed)}")
    if failed:
        parts.append("; ".join(f"{name}: {error}" for name, error in failed.items()))
    return Outcome(False, "; ".join(parts))
