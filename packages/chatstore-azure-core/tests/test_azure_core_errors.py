"""The table of errors: what the caller gets, and which requests are repeated."""

from __future__ import annotations

import time
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from chatstore.azure_core.answers import clock_skew_of, headers_of, status_of
from chatstore.azure_core.errors import ErrorTable, Meaning
from chatstore.core import StoreAccessError, StoreSetupError, StoreUnavailableError
from chatstore.core.backend import Plan, call, run

NO_SERVICE = Meaning(StoreSetupError, "the server is not the service")
STATUSES = {
    403: Meaning(StoreAccessError, "the key is not accepted", is_of_signature=True),
    503: Meaning(StoreUnavailableError, "the service is busy", is_busy=True),
}
TABLE = ErrorTable(lambda error: STATUSES.get(status_of(error)), NO_SERVICE)


def answer(status: int, **headers: str) -> HttpResponseError:
    error: Any = HttpResponseError("secret-text")
    error.status_code = status
    error.response = SimpleNamespace(headers=headers)
    answered: HttpResponseError = error
    return answered


def refused() -> ServiceRequestError:
    return ServiceRequestError("secret-text", error=ConnectionRefusedError("secret-text"))


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (answer(403), StoreAccessError, "the key is not accepted"),
        (answer(503), StoreUnavailableError, "the service is busy"),
        (answer(418), StoreUnavailableError, "the service answers HTTP status 418"),
        (DecodeError("secret-text"), StoreSetupError, "the server is not the service"),
        (ClientAuthenticationError("secret-text"), StoreAccessError, "gives no token"),
        (refused(), StoreUnavailableError, "connection refused.*check the endpoint"),
    ],
)
def test_errors_are_translated(error: Exception, kind: type[Exception], text: str) -> None:
    failure = TABLE.translate(error, "the table")
    with pytest.raises(kind, match=f"^the table: .*{text}"):
        raise failure or AssertionError
    assert "secret-text" not in str(failure)


def test_errors_of_others_are_not_translated() -> None:
    assert TABLE.translate(ValueError("a"), "the table") is None
    assert TABLE.judge(ValueError("a"), 1) is None


@pytest.mark.parametrize(
    ("error", "attempt", "is_repeated"),
    [
        (answer(503), 1, True),
        (answer(503), 2, True),
        (answer(500), 1, True),
        (answer(403), 1, False),
        (answer(418), 1, False),
        (refused(), 1, False),
        (ServiceResponseError("closed", error=ConnectionResetError()), 2, True),
        (ServiceResponseTimeoutError("late", error=TimeoutError()), 1, True),
        (ServiceResponseTimeoutError("late", error=TimeoutError()), 2, False),
    ],
)
def test_requests_are_repeated_only_if_they_may_succeed(
    error: Exception, attempt: int, is_repeated: bool
) -> None:
    assert (TABLE.judge(error, attempt) is not None) == is_repeated


def test_a_request_is_sent_three_times() -> None:
    attempts: list[object] = []
    pauses: list[float] = []

    def send(client: object) -> None:
        attempts.append(client)
        raise answer(503)

    def sleep(seconds: float) -> Plan[object, None]:
        return call(lambda _: pauses.append(seconds))

    with pytest.raises(HttpResponseError):
        run(TABLE.retry(lambda: call(send), sleep=sleep, server="the table"), object())
    assert len(attempts) == 3
    assert [0.025 <= pauses[0] <= 0.05, 0.05 <= pauses[1] <= 0.1] == [True, True]


@pytest.mark.parametrize(("minutes", "text"), [(17, "17"), (-17, "17"), (3, None), (-3, None)])
def test_a_wrong_clock_is_reported(minutes: int, text: str | None) -> None:
    error = answer(403, Date=formatdate(time.time() + 60 * minutes, usegmt=True))
    assert clock_skew_of(error) == (f"by about {text} minutes" if text else "")
    message = str(TABLE.translate(error, "the table"))
    assert ("clock is wrong" in message) == (text is not None)


@pytest.mark.parametrize("error", [ValueError("a"), answer(403), answer(403, Date="yesterday")])
def test_answers_without_a_time_show_no_wrong_clock(error: Exception) -> None:
    assert clock_skew_of(error) == ""


def test_errors_without_an_answer_have_neither_status_nor_headers() -> None:
    error: Any = refused()
    assert status_of(error) == 0
    assert headers_of(error) is None
