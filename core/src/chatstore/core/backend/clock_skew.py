"""How far this machine's clock is from a service's, which rejects signatures of another time."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime


def describe_clock_skew(date: str | None, tolerance: float) -> str:
    """Return "by about 17 minutes" if an answer shows that this machine's clock is wrong.

    Args:
        date: The answer's ``Date`` header; ``None``: it has none.
        tolerance: A difference in seconds that the service certainly accepts.

    Returns:
        The difference in words; ``""`` if it is within the tolerance, or unknown.

    """
    if date is None:
        return ""
    try:
        skew = time.time() - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return ""
    return f"by about {abs(skew) / 60:.0f} minutes" if abs(skew) > tolerance else ""
