"""``Sender``: sends commands, retries them where that is safe, and translates errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chatstore.core import ChatStoreError, OutcomeUnknownError
from chatstore.core.backend import Plan, Retryable, RetryPolicy, call, retry
from chatstore.redis_scripts.client import Attempt, Command, ScanPage, ScriptClient
from chatstore.redis_scripts.errors import UNKNOWN_SCRIPT, Verdict
from chatstore.redis_scripts.scripts import Script

T = TypeVar("T")


class ErrorRules(ABC):
    """What the errors of a driver mean."""

    @abstractmethod
    def judge(self, error: BaseException, script: Script | None = None) -> Verdict | None:
        """Return the verdict on a driver's error; ``None`` for any other error.

        Args:
            error: What the client raised.
            script: The script that was run, if any.

        """

    @abstractmethod
    def may_have_acted(self, error: BaseException) -> bool:
        """Return whether the server may have run a command that was sent and failed like this."""

    @abstractmethod
    def retryable(
        self, error: Exception, verdict: Verdict, attempt: Attempt, count: int
    ) -> Retryable | None:
        """Return whether and when to repeat a command; ``None``: do not.

        Args:
            error: What the client raised.
            verdict: The verdict on it.
            attempt: The attempt that failed.
            count: The number of attempts so far.

        """


class Sender:
    """Sends commands and retries them.

    Commands may be sent again after a reply was lost: the scripts remember requests.
    """

    def __init__(self, errors: ErrorRules, policy: RetryPolicy, server: str) -> None:
        """Send commands for one store.

        Args:
            errors: What the driver's errors mean.
            policy: For how long commands are repeated.
            server: The server, for messages and logs.

        """
        self._errors = errors
        self._policy = policy
        self._server = server

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str],
        meanwhile: Callable[[], object] | None = None,
    ) -> Plan[ScriptClient, Any]:
        """Run a script by its hash; send its source if the server does not have it.

        Args:
            script: The script.
            keys: Its keys.
            args: Its arguments.
            meanwhile: What the client may do while the server works. It may be called once, more
                than once, or never.

        Raises:
            ChatStoreError: The command failed.

        """
        rest = (str(len(keys)), *keys, *args)

        def begin(attempt: Attempt) -> Plan[ScriptClient, Any]:
            attempt.meanwhile = meanwhile
            return self._run(script, lambda *words: _send((*words, *rest), attempt), attempt)

        return self._send(_Repetition(begin, self._errors, script))

    def run_all(
        self, script: Script, groups: Sequence[Sequence[str]]
    ) -> Plan[ScriptClient, list[Any]]:
        """Run a script that only reads for each of several groups of keys.

        Raises:
            ChatStoreError: A command failed.

        """
        rests = [(str(len(keys)), *keys) for keys in groups]

        def begin(attempt: Attempt) -> Plan[ScriptClient, list[Any]]:
            def send(*words: str) -> Plan[ScriptClient, list[Any]]:
                commands = [(*words, *rest) for rest in rests]
                return call(lambda client: client.send_all(commands, attempt))

            return self._run(script, send, attempt)

        return self._send(_Repetition(begin, self._errors, script))

    def _run(
        self, script: Script, send: Callable[..., Plan[ScriptClient, T]], attempt: Attempt
    ) -> Plan[ScriptClient, T]:
        """Send a script's hash, and its source if the server does not have it."""
        try:
            return (yield from send("EVALSHA", script.sha))
        except Exception as error:
            if self._errors.judge(error) is not UNKNOWN_SCRIPT:
                raise
        attempt.meanwhile = None
        attempt.was_sent = False  # nothing was run
        return (yield from send("EVAL", script.source))

    def scan(self, cursor: Any | None, pattern: str, count: int) -> Plan[ScriptClient, ScanPage]:
        """List keys; see `ScriptClient.scan`."""

        def begin(attempt: Attempt) -> Plan[ScriptClient, ScanPage]:
            return call(lambda client: client.scan(cursor, pattern, count, attempt))

        return self._send(_Repetition(begin, self._errors))

    def translate(self, error: Exception) -> ChatStoreError | None:
        """Return the `ChatStoreError` for a driver's error; ``None`` for any other error."""
        verdict = self._errors.judge(error)
        return None if verdict is None else verdict.error(f"{self._server}: {verdict.text}")

    def _send(self, repetition: _Repetition) -> Plan[ScriptClient, Any]:
        try:
            return (
                yield from retry(
                    repetition.begin,
                    repetition.judge,
                    policy=self._policy,
                    sleep=_sleep,
                    server=self._server,
                )
            )
        except Exception as error:
            failure = repetition.failure(error, self._server)
            if failure is None:
                raise
            raise failure from error


class _Repetition:
    """The attempts to send one command."""

    def __init__(
        self,
        begin: Callable[[Attempt], Plan[ScriptClient, Any]],
        errors: ErrorRules,
        script: Script | None = None,
    ) -> None:
        self._begin = begin
        self._errors = errors
        self._script = script
        self._may_have_acted = False

    def begin(self) -> Plan[ScriptClient, Any]:
        self._attempt = Attempt(is_brief=self._script is not None and self._script.is_brief)
        return self._begin(self._attempt)

    def judge(self, error: Exception, count: int) -> Retryable | None:
        verdict = self._errors.judge(error, self._script)
        if verdict is None:
            return None
        if self._attempt.was_sent and self._errors.may_have_acted(error):
            self._may_have_acted = True
        return self._errors.retryable(error, verdict, self._attempt, count)

    def failure(self, error: Exception, server: str) -> ChatStoreError | None:
        """Return the error for the caller; ``None`` if ``error`` is not one of the driver's."""
        verdict = self._errors.judge(error, self._script)
        if verdict is None:
            return None
        text = f"{server}: {verdict.text}"
        is_write = self._script is not None and self._script.writes
        # A script that ran and failed does not know the request, so no earlier attempt took effect.
        if is_write and self._may_have_acted and "user_script" not in str(error):
            return OutcomeUnknownError(
                f"{text}; the call may or may not have taken effect: read the conversation "
                "before you repeat it"
            )
        return verdict.error(text)


def _send(command: Command, attempt: Attempt) -> Plan[ScriptClient, Any]:
    return call(lambda client: client.send(command, attempt))


def _sleep(seconds: float) -> Plan[ScriptClient, None]:
    return call(lambda client: client.sleep(seconds))
