"""When a command is sent again, and when it is given up."""

from __future__ import annotations

import time
from typing import Any

from chatstore.core import OutcomeUnknownError
from chatstore.core.backend import Health, Plan, call, is_timeout
from chatstore.core.logs import log_reconnect, log_retry
from chatstore.redis.errors import is_reply, judge, may_have_acted, translate
from chatstore.redis_scripts import Meanwhile

_PAUSES = (0.0, 0.02, 0.04, 0.08, 0.16)
_LONGEST_PAUSE = 0.2  # seconds


class Attempt:
    """One sending of a command; filled in while it is made.

    Attributes:
        was_sent: Whether the server may have got the command.
        was_reused: Whether the connection had answered other commands before.

    """

    def __init__(self, command: tuple[Any, ...], meanwhile: Meanwhile = None) -> None:
        """Take the command, and what the client may do while the server works."""
        self.command = command
        self.meanwhile = meanwhile
        self.was_sent = False
        self.was_reused = False


def sending(
    command: tuple[Any, ...], meanwhile: Meanwhile, place: str, patience: float, *, is_write: bool
) -> Plan[Any]:
    """Send a command until it is answered, and return the reply.

    The plan's client makes an `Attempt` and sleeps.

    Args:
        command: Its words. It may be carried out more than once: the scripts know their calls.
        meanwhile: What the client may do while the server works.
        place: The server, for errors and logs.
        patience: Seconds for which the command is sent again.
        is_write: Whether it would change something.

    Raises:
        ChatStoreError: The command failed for good.
        redis.exceptions.NoScriptError: The server does not know the script.

    """
    import redis.exceptions  # noqa: PLC0415 - loaded by the first call

    began = time.monotonic()
    may_have_been_carried_out = False
    count = 0
    while True:
        attempt = Attempt(command, meanwhile)
        try:
            return (yield from call(lambda client: client.attempt(attempt)))  # noqa: B023 - at once
        except redis.exceptions.NoScriptError:
            raise
        except Exception as error:
            verdict = judge(error)
            if verdict is None:
                raise
            may_have_been_carried_out |= attempt.was_sent and may_have_acted(error)
            # A connection that was idle may have been closed, or lost its login, long ago.
            is_stale = attempt.was_reused and verdict.health is not Health.FINE
            # Do not retry timeouts: it would double the wait.
            is_silent = is_timeout(error) and not is_reply(error)
            may_help = (verdict.is_temporary or is_stale) and not is_silent
            pause = 0.0 if is_stale and count == 0 else _pause(count)
            left = patience - (time.monotonic() - began)
            if not may_help or (pause > left and not (is_stale and count == 0)):
                failure = translate(error, place, is_write=is_write and attempt.was_sent)
                assert failure is not None  # there is a verdict
                if is_write and may_have_been_carried_out and not _is_of_script(error):
                    failure = _outcome_unknown(str(failure))
                raise failure from error
            reason = verdict.text.partition(";")[0]
        count += 1
        if pause:
            log_retry(place, reason, pause)
            yield from call(lambda client: client.sleep(pause))  # noqa: B023 - called at once
        else:
            log_reconnect(place, reason)


def _is_of_script(error: Exception) -> bool:
    """Tell whether a script raised an error: then the server does not know the call."""
    return is_reply(error) and "user_script" in str(error)


def _pause(count: int) -> float:
    return _PAUSES[count] if count < len(_PAUSES) else _LONGEST_PAUSE


def _outcome_unknown(text: str) -> OutcomeUnknownError:
    advice = "the call may or may not have taken effect: read the conversation before you repeat it"
    return OutcomeUnknownError(text if advice in text else f"{text}; {advice}")
