"""What an error of azure-core says about the service's answer."""

from __future__ import annotations

from collections.abc import Mapping

from chatstore.core.backend import describe_clock_skew

_CLOCK_TOLERANCE = 240.0  # seconds; the services reject differences of 5 to 15 minutes


def status_of(error: BaseException) -> int:
    """Return the HTTP status of the answer; 0 if there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def headers_of(error: BaseException) -> Mapping[str, str] | None:
    """Return the headers of the answer, if the error has them."""
    headers: Mapping[str, str] | None = getattr(getattr(error, "response", None), "headers", None)
    return headers


def clock_skew_of(error: BaseException) -> str:
    """Return "by about 17 minutes" if the answer shows that this clock is wrong, else ``""``."""
    headers = headers_of(error) or {}
    date = next((value for name, value in headers.items() if name.lower() == "date"), None)
    return describe_clock_skew(date, _CLOCK_TOLERANCE)
