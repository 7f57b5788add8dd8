"""Times, as people read them."""

from __future__ import annotations

from datetime import datetime


def local_time(time: datetime) -> str:
    """Return a time to the minute, in the time zone of this machine (``TZ``)."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def local_second(time: datetime) -> str:
    """Return a time to the second, in the time zone of this machine."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"
