"""Durations such as ``90d``."""

from __future__ import annotations

import re
from datetime import timedelta

from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")


def read_duration(text: str) -> timedelta:
    """Return a duration.

    Raises:
        CommandError: The text is not a number with a unit.

    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise CommandError(
            f"{text!r} is not an age: write a number and a unit, such as 90d, 12h or 30m",
            ExitCode.USAGE,
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
