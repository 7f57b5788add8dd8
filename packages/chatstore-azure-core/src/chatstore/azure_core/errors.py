"""``ErrorTable``: what the errors of an SDK mean.

Messages never quote an answer of the service, which may repeat parts of the request.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from chatstore.azure_core.answers import clock_skew_of, status_of
from chatstore.core import ChatStoreError, StoreAccessError, StoreUnavailableError
from chatstore.core.backend import (
    Plan,
    Retryable,
    RetryPolicy,
    is_timeout,
    is_unreachable,
    reason_of,
    retry,
)

C = TypeVar("C")
T = TypeVar("T")
_POLICY = RetryPolicy(patience=math.inf, first_pause=0.05, attempts=3)
SERVER_ERRORS = 500
"""The lowest HTTP status of an error that is the server's."""


class Meaning(NamedTuple):
    """What an error means.

    Attributes:
        kind: The error that the caller gets.
        text: The cause and the remedy.
        is_busy: Whether the same request may succeed in a moment.
        is_of_signature: Whether a wrong clock of this machine has the same answer.

    """

    kind: type[ChatStoreError]
    text: str
    is_busy: bool = False
    is_of_signature: bool = False


_NO_TOKEN = Meaning(
    StoreAccessError, "the credential gives no token: check what azure-identity finds"
)


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """What the errors of one SDK mean.

    Attributes:
        find: Returns the meaning of an error that is an answer; ``None`` if it is unknown.
        no_service: The meaning of an answer that another kind of server gave.

    """

    find: Callable[[BaseException], Meaning | None]
    no_service: Meaning

    def meaning_of(self, error: BaseException) -> Meaning | None:
        """Return the meaning of an error; ``None`` if it is not an error of azure-core."""
        from azure.core.exceptions import (  # loaded with the client
            AzureError,
            ClientAuthenticationError,
            DecodeError,
        )

        # azure-data-tables has its own class for this, which it does not export.
        if isinstance(error, DecodeError) or type(error).__name__ == "DeserializationError":
            return self.no_service
        if not isinstance(error, AzureError):
            return None
        if status_of(error):
            return self._meaning_of_answer(error)
        if isinstance(error, ClientAuthenticationError):
            return _NO_TOKEN
        text = f"{reason_of(error)} ({type(error).__name__}): check the endpoint and the network"
        return Meaning(StoreUnavailableError, text, is_busy=True)

    def translate(self, error: BaseException, server: str) -> ChatStoreError | None:
        """Return the `ChatStoreError` for an error of azure-core; ``None`` for any other error."""
        meaning = self.meaning_of(error)
        return None if meaning is None else meaning.kind(f"{server}: {meaning.text}")

    def retry(
        self,
        begin: Callable[[], Plan[C, T]],
        *,
        sleep: Callable[[float], Plan[C, None]],
        server: str,
    ) -> Plan[C, T]:
        """Repeat a request that may take effect twice without harm, for a moment."""
        return retry(begin, self.judge, policy=_POLICY, sleep=sleep, server=server)

    def judge(self, error: Exception, attempt: int) -> Retryable | None:
        """Decide whether to repeat a request; see `chatstore.core.backend.retry`."""
        meaning = self.meaning_of(error)
        # If no connection can be made, the caller decides how long to repeat.
        if meaning is None or not meaning.is_busy or is_unreachable(error):
            return None
        # One new connection shows whether only the old one was dead; more would wait longer.
        if is_timeout(error) and attempt > 1:
            return None
        status = status_of(error)
        return Retryable(f"HTTP status {status}" if status else reason_of(error))

    def _meaning_of_answer(self, error: BaseException) -> Meaning:
        meaning = self.find(error)
        if meaning is None:
            status = status_of(error)
            text = f"the service answers HTTP status {status}"
            return Meaning(StoreUnavailableError, text, is_busy=status >= SERVER_ERRORS)
        skew = clock_skew_of(error) if meaning.is_of_signature else ""
        if skew:
            text = f"the signature is rejected because this machine's clock is wrong {skew}: set it"
            return Meaning(StoreAccessError, text)
        return meaning
