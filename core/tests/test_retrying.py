"""Repetition of requests: the number of attempts, the pauses and the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chatstore.core.backend import (
    MaybeAwaitable,
    Plan,
    Retryable,
    RetryPolicy,
    async_run,
    call,
    retry,
    run,
)

Judge = Callable[[Exception, int], Retryable | None]


class Server:
    """Fails some requests, and lets time pass when a client waits.

    Attributes:
        failures: The errors of the next requests.
        pauses: The seconds that the client waited.

    """

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.pauses: list[float] = []
        self.requests = 0
        self.time = 0.0

    def ask(self) -> MaybeAwaitable[str]:
        self.requests += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"

    def sleep(self, seconds: float) -> MaybeAwaitable[None]:
        self.pauses.append(seconds)
        self.time += seconds
        return None


class AsyncServer(Server):
    """The same, awaitable."""

    async def ask(self) -> str:
        await asyncio.sleep(0)
        answer = super().ask()
        assert isinstance(answer, str)
        return answer

    async def sleep(self, seconds: float) -> None:
        super().sleep(seconds)


def judge(error: Exception, attempt: int) -> Retryable | None:
    return Retryable("refused") if isinstance(error, ConnectionError) else None


def repeated(policy: RetryPolicy, judge: Judge = judge) -> Plan[Server, str]:
    return retry(
        lambda: call(lambda server: server.ask()),
        judge,
        policy=policy,
        sleep=lambda seconds: call(lambda server: server.sleep(seconds)),
        server="server:1",
    )


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Server], None]:
    """Return a function that makes a server's time the time of `retry`."""

    def use(server: Server) -> None:
        monkeypatch.setattr("chatstore.core.backend.retrying.now", lambda: server.time)

    return use


@pytest.mark.parametrize("kind", [Server, AsyncServer])
def test_a_request_is_repeated_until_it_is_answered(
    kind: type[Server], clock: Callable[[Server], None]
) -> None:
    server = kind(*[ConnectionError()] * 4)
    clock(server)
    plan = repeated(RetryPolicy(60, first_pause=1, longest_pause=4, jitter=0))
    answer = asyncio.run(async_run(plan, server)) if kind is AsyncServer else run(plan, server)
    assert answer == "answer"
    assert server.pauses == [1, 2, 4, 4]
    assert server.requests == 5


def test_an_answer_needs_one_request() -> None:
    server = Server()
    assert run(repeated(RetryPolicy(60)), server) == "answer"
    assert (server.requests, server.pauses) == (1, [])


def test_other_errors_are_raised_at_once() -> None:
    server = Server(ConnectionError(), ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        run(repeated(RetryPolicy(60)), server)
    assert server.requests == 2


def test_the_last_error_is_raised_after_the_last_attempt() -> None:
    server = Server(ConnectionError("1"), ConnectionError("2"), ConnectionError("3"))
    with pytest.raises(ConnectionError, match="3"):
        run(repeated(RetryPolicy(60, attempts=3)), server)
    assert (server.requests, len(server.pauses)) == (3, 2)


@pytest.mark.parametrize(("patience", "requests"), [(0, 1), (0.9, 1), (1, 2), (2.9, 2), (3, 3)])
def test_no_attempt_begins_after_the_patience(
    patience: float, requests: int, clock: Callable[[Server], None]
) -> None:
    server = Server(*[ConnectionError()] * 9)
    clock(server)
    with pytest.raises(ConnectionError):
        run(repeated(RetryPolicy(patience, first_pause=1, longest_pause=9, jitter=0)), server)
    assert server.requests == requests


def test_jitter_shortens_pauses() -> None:
    server = Server(*[ConnectionError()] * 50)
    run(repeated(RetryPolicy(1e9, first_pause=1, longest_pause=1, jitter=0.25)), server)
    assert len(set(server.pauses)) > 10
    assert 0.75 <= min(server.pauses) < max(server.pauses) <= 1


def test_the_judge_chooses_the_pause_and_counts_attempts() -> None:
    attempts: list[int] = []

    def judge(error: Exception, attempt: int) -> Retryable:
        attempts.append(attempt)
        return Retryable("moved", pause=7 if attempt == 2 else 0)

    server = Server(*[ConnectionError()] * 3)
    assert run(repeated(RetryPolicy(60), judge), server) == "answer"
    assert server.pauses == [7]
    assert attempts == [1, 2, 3]


def test_free_attempts_need_no_patience() -> None:
    server = Server(ConnectionError(), ConnectionError())
    free = Retryable("the script is unknown", pause=0, is_free=True)
    assert run(repeated(RetryPolicy(0), lambda error, attempt: free), server) == "answer"


def test_repetitions_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    reasons = iter([Retryable("refused"), Retryable("closed", pause=0), Retryable(None)])
    server = Server(*[ConnectionError("password=hunter2")] * 3)
    with caplog.at_level("WARNING", "chatstore"):
        run(repeated(RetryPolicy(60), lambda error, attempt: next(reasons)), server)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert all("server:1" in line and "hunter2" not in line for line in lines)
    assert "refused" in lines[0]
    assert "closed" in lines[1]


def test_preparation_of_the_next_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """It runs before each repetition; its errors end the request."""
    server = Server(ConnectionError(), ConnectionError(), ValueError("other"))

    def prepare() -> Plan[Server, None]:
        return call(lambda server: server.sleep(9.0))

    def judge_with_preparation(error: Exception, attempt: int) -> Retryable | None:
        if isinstance(error, ConnectionError):
            return Retryable(None, pause=0.0, is_free=True, prepare=prepare)
        return None

    with pytest.raises(ValueError, match="other"):
        run(repeated(RetryPolicy(0), judge_with_preparation), server)
    assert (server.requests, server.pauses) == (3, [9.0, 9.0])
    assert caplog.records == []

    def fail() -> Plan[Server, None]:
        raise LookupError

    failing = Server(ConnectionError())
    with pytest.raises(LookupError):
        run(repeated(RetryPolicy(9), lambda error, attempt: Retryable(None, prepare=fail)), failing)
    assert failing.requests == 1
