"""What an error of azure-core says about the service's answer."""

from __future__ import annotations

from collections.abc import Mapping


def status_of(error: BaseException) -> int:
    """Return the HTTP status of the answer; 0 if there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def headers_of(error: BaseException) -> Mapping[str, str] | None:
    """Return the headers of the answer, if the error has them."""
    headers: Mapping[str, str] | None = getattr(getattr(error, "response", None), "headers", None)
    return headers
