"""Durations such as ``90d``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")


def time_ago(text: str) -> datetime:
    """Return the time that is a duration before now.

    Raises:
        CommandError: The text is not a number with a unit, or the time is before the year 1.

    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise CommandError(
            f"{text!r} is not an age: write a number and a unit, such as 90d, 12h or 30m",
            ExitCode.USAGE,
        )
    try:
        return datetime.now(timezone.utc) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise CommandError(
            f"{text!r} is too long: the time would be before the year 1", ExitCode.USAGE
        ) from None
