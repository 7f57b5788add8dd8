"""Say in a few words why a server could not be reached, without quoting a driver.

Drivers wrap the error of the operating system in several of their own, whose texts may quote a URL
with a token in it. The reason is read from the class of the innermost error instead.
"""

from __future__ import annotations

import socket
import ssl
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
    """Return why a request got no answer: "connection refused", "unknown host name", …

    Args:
        error: The driver's error, which may wrap others in any of the usual ways.

    """
    chain = list(wrapped_errors(error))
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"TLS failed, the certificate is not accepted: {one.verify_message}"
        if isinstance(one, ssl.SSLError) and not isinstance(one, ssl.SSLEOFError):
            return f"TLS failed ({one.reason or type(one).__name__})"
        if isinstance(one, socket.gaierror):
            return "unknown host name"
        if isinstance(one, ConnectionRefusedError):
            return "connection refused"
    if is_timeout(error):
        return "no answer in time"
    names = [type(one).__name__.lower() for one in chain]
    if any(isinstance(one, ConnectionError) for one in chain) or _has(names, _CLOSED_NAMES):
        return "the connection was closed before the answer"
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror and one.errno:
            return one.strerror
    return f"no answer ({type(error).__name__})"


def is_unreachable(error: BaseException) -> bool:
    """Tell whether no connection could be made at all, so that nothing was sent."""
    return any(
        isinstance(one, (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError))
        for one in wrapped_errors(error)
    )


def is_timeout(error: BaseException) -> bool:
    """Tell whether a request or a connection took longer than it was allowed to."""
    return any(
        isinstance(one, TimeoutError) or _has([type(one).__name__.lower()], _TIMEOUT_NAMES)
        for one in wrapped_errors(error)
    )


def wrapped_errors(error: BaseException) -> Iterator[BaseException]:
    """Iterate over an error and all that it wraps, each once."""
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


def _has(names: list[str], parts: tuple[str, ...]) -> bool:
    return any(part in name for name in names for part in parts)
