"""``UNCHANGED``: the default of arguments for which ``None`` is a value."""

from __future__ import annotations

from enum import Enum


class Unchanged(Enum):
    """The type of `UNCHANGED`, for type checkers."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        """Return the name, for signatures."""
        return "UNCHANGED"


UNCHANGED = Unchanged.UNCHANGED
"""Leave a field as it is."""
