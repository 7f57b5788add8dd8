"""How far this machine's clock is from a service's, which rejects signatures of another time."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from chatstore.azure_core.answers import headers_of

TOLERANCE = 240.0
"""A difference in seconds that services always accept; they reject 5 to 15 minutes."""


def skew_of(error: BaseException) -> str:
    """Return "by about 17 minutes" if an answer shows that this clock is wrong, else ``""``."""
    headers = headers_of(error) or {}
    date = next((value for name, value in headers.items() if name.lower() == "date"), None)
    try:
        skew = time.time() - parsedate_to_datetime(str(date)).timestamp()
    except (TypeError, ValueError):
        return ""
    return f"by about {abs(skew) / 60:.0f} minutes" if abs(skew) > TOLERANCE else ""
