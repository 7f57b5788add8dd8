"""What libraries never promised: failures of these checks do not count as broken promises."""

from __future__ import annotations

from comparison.subjects import SUBJECTS

REASONS: dict[tuple[str, str], str] = {}
"""Why a failed check breaks no promise, by the name of a store or a library, and the promise."""


def reason_of(store: str, promise: str) -> str | None:
    """Return why a store never promised something, or ``None`` if it did."""
    library = SUBJECTS[store].library
    return REASONS.get((store, promise)) or REASONS.get((library, promise))
