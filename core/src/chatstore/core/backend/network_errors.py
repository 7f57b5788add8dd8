"""Reasons of network errors in a few words, without quoting drivers.

Drivers wrap errors of the operating system in several of their own, whose texts may quote a URL
with a secret. The reason is derived from the classes of the errors instead.
"""

from __future__ import annotations

from collections.abc import Iterator

_TIMEOUT_NAMES = ("timeout", "timedout")
_CLOSED_NAMES = (
    "connectionclosed",
    "disconnected",
    "incompleteread",
    "protocolerror",
    "remotedisconnected",
)


def reason_of(error: BaseException) -> str:
    """Return in a few words why a request was not answered, such as "connection refused".

    Args:
        error: The driver's error, which may wrap others (`wrapped_errors`).

    """
    # The innermost error has the details.
    chain = list(wrapped_errors(error))[::-1]
    for reasons in (_reason, _reason_of_name, _reason_of_system):
        reason = next(filter(None, map(reasons, chain)), None)
        if reason is not None:
            return reason
    return f"no answer ({type(error).__name__})"


def _reason(error: BaseException) -> str | None:
    import socket  # a program without a network never loads it
    import ssl  # as above

    if isinstance(error, ssl.SSLCertVerificationError):
        detail = getattr(error, "verify_message", None) or "it cannot be verified"
        return f"TLS failed, the certificate is not accepted: {detail}"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return f"TLS failed ({getattr(error, 'reason', None) or type(error).__name__})"
    if isinstance(error, socket.gaierror):
        return "unknown host name"
    return "connection refused" if isinstance(error, ConnectionRefusedError) else None


def _reason_of_name(error: BaseException) -> str | None:
    name = type(error).__name__.lower()
    if isinstance(error, TimeoutError) or _has(name, _TIMEOUT_NAMES):
        return "no answer in time"
    if isinstance(error, ConnectionError) or _has(name, _CLOSED_NAMES):
        return "the connection was closed before the answer"
    return None


def _reason_of_system(error: BaseException) -> str | None:
    is_of_system = isinstance(error, OSError) and error.errno and error.strerror
    return str(error.strerror) if isinstance(error, OSError) and is_of_system else None


def is_unreachable(error: BaseException) -> bool:
    """Return whether no connection could be made, so that nothing was sent."""
    import socket  # as above
    import ssl  # as above

    kinds = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
    return any(isinstance(one, kinds) for one in wrapped_errors(error))


def is_timeout(error: BaseException) -> bool:
    """Return whether a request or a connection exceeded its timeout."""
    return any(
        isinstance(one, TimeoutError) or _has(type(one).__name__.lower(), _TIMEOUT_NAMES)
        for one in wrapped_errors(error)
    )


def wrapped_errors(error: BaseException) -> Iterator[BaseException]:
    """Iterate over an error and all errors that it wraps, each once."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        # `reason` is urllib3's, `inner_exception` azure-core's, `os_error` aiohttp's.
        names = ("__cause__", "__context__", "reason", "inner_exception", "os_error")
        pending += [getattr(one, name, None) for name in names]
        pending += one.args


def _has(name: str, parts: tuple[str, ...]) -> bool:
    return any(part in name for part in parts)
