"""Translation of file systems' errors; their texts, which may hold secrets, are left out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import Any

from chatstore.core.backend import is_timeout, is_unreachable, reason_of, wrapped_errors
from chatstore.core.errors import (
    ChatStoreError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (401, 403)
_DENIED_NAMES = ("credential", "authentication", "accessdenied")


def translate(error: Exception, label: str) -> ChatStoreError:
    """Return the error to raise for a file system's error.

    Args:
        error: The file system's error.
        label: The folder, without secrets.

    """
    errors = list(wrapped_errors(error))
    cause = _cause(error)
    if any(map(_is_denied, errors)):
        return StoreAccessError(
            f"{label}: access to the media folder is denied ({cause}); check the credentials and "
            "the right to list, read, write and delete there"
        )
    if any(isinstance(one, OSError) and one.errno in _FULL for one in errors):
        return StoreFullError(f"{label}: the media folder is full ({cause}); free space there")
    if any(_is_missing(one) for one in errors):
        return StoreSetupError(
            f"{label}: the media folder's bucket or container does not exist ({cause}); create it, "
            "or correct the URL"
        )
    return StoreUnavailableError(
        f"{label}: the media folder does not answer ({cause}); check the endpoint and the network, "
        "and try again"
    )


def _is_denied(error: BaseException) -> bool:
    name = type(error).__name__.lower()
    return (
        isinstance(error, PermissionError)
        or _status(error) in _DENIED
        or any(part in name for part in _DENIED_NAMES)
    )


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, (FileNotFoundError, NotADirectoryError)) or _status(error) == 404


def _status(error: BaseException) -> Any:
    """Return the HTTP status of an error of azure-core or botocore."""
    status = getattr(error, "status_code", None)
    response = getattr(error, "response", None)
    if status is None and isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def _cause(error: Exception) -> str:
    """Return the cause in a few words, which are never the file system's."""
    if is_timeout(error) or is_unreachable(error) or _has_connection_error(wrapped_errors(error)):
        return reason_of(error)
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if isinstance(number, int) else type(error).__name__


def _has_connection_error(errors: Iterable[BaseException]) -> bool:
    return any(isinstance(one, ConnectionError) for one in errors)
