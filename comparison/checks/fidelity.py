"""Fidelity: what comes back equals what went in; what cannot be stored is refused."""

from __future__ import annotations

from comparison.lab import Lab, Outcome


def check(lab: Lab) -> Outcome:
    """Store messages of the library's own type, and compare all their fields."""
    outcomes: dict[str, str] = lab.worker().call("copy_samples", "plainsample")
    bad = {
        name: text
        for name, text in outcomes.items()
        if text != "same" and not text.startswith("refused")
    }
    others = {name: text for name, text in outcomes.items() if name not in bad and text != "same"}
    same = [name for name in outcomes if name not in bad and name not in others]
    parts = [f"{name}: {text}" for name, text in [*bad.items(), *others.items()]]
    return Outcome(not bad, "; ".join([*parts, f"equal: {', '.join(same)}"]))
