"""How far this machine's clock is from a service's, which refuses signatures of another time."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

TOLERANCE = 240.0
"""Seconds of difference that services accept in any case; they refuse five to fifteen minutes."""


def skew_of(error: Any) -> str:
    """Return "by about 17 minutes" where the answer shows that this clock is wrong, else ``""``."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    date = next((value for name, value in headers.items() if name.lower() == "date"), None)
    try:
        skew = time.time() - parsedate_to_datetime(str(date)).timestamp()
    except (TypeError, ValueError):
        return ""
    return f"by about {abs(skew) / 60:.0f} minutes" if abs(skew) > TOLERANCE else ""
