"""``Writer``: runs a writing script, with a new request id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from chatstore.core import RevisionConflictError
from chatstore.core.backend import ConversationRecord, Plan, Record
from chatstore.redis_scripts import scripts
from chatstore.redis_scripts.client import ScriptClient
from chatstore.redis_scripts.layout import KeySpace, new_request_id
from chatstore.redis_scripts.reading import Limits
from chatstore.redis_scripts.request_clock import RequestClock, stopwatch, too_old
from chatstore.redis_scripts.scripts import Script
from chatstore.redis_scripts.sending import Sender
from chatstore.redis_scripts.staging import chunks, flatten, request_bytes

_FRAME_BYTES = 8192  # of a request, for everything but the records and the conversation's record
_CLOCK_ATTEMPTS = 3
_REVISION = re.compile(r"[0-9a-f]{16}")
_FOREIGN_REVISION = "-"  # no conversation has it


class Written(NamedTuple):
    """What a writing script replied.

    Attributes:
        reply: The script's reply.
        due: Names the entry in the owner's list that is due to be refreshed; ``None``: there is
            none.

    """

    reply: Sequence[str]
    due: ConversationRecord | None


class Writer:
    """Runs writing scripts for one store.

    Attributes:
        clock: The time of requests, by the server's clock.
        limits: The sizes of requests; larger writes are staged.

    """

    def __init__(self, sender: Sender, space: KeySpace, ttl: str, limits: Limits) -> None:
        """Write conversations.

        Args:
            sender: Sends the scripts.
            space: The names of the keys.
            ttl: Milliseconds after its last write until a conversation expires; ``""``: never.
            limits: The sizes of requests.

        """
        self.clock = RequestClock()
        self.limits = limits
        self._sender = sender
        self._space = space
        self._ttl = ttl

    def run(
        self,
        script: Script,
        key: str,
        arguments: Sequence[str] = (),
        records: Sequence[Record] = (),
        expected_revision: str | None = None,
    ) -> Plan[ScriptClient, Written]:
        """Run a script.

        Raises:
            RevisionConflictError: The conversation does not have the expected revision.

        """
        request_id = new_request_id()
        keys = self._space.keys(key)
        words = flatten(records)
        staged = 0
        if self._is_too_large(arguments, words):
            keys.append(self._space.staged_key(key, request_id))
            staged = yield from self._stage(keys[-1], words)
            words = []
        age = stopwatch()
        for _ in range(_CLOCK_ATTEMPTS):
            header = (
                f"{request_id} {self.clock.now()} {self._ttl} {staged} {len(arguments) + 2} "
                f"{_revision_argument(expected_revision)}"
            )
            reply = yield from self._sender.run(script, keys, [header, *arguments, *words])
            if not isinstance(reply, int):
                return _read(reply)
            self.clock.correct(reply, age())
        raise too_old()

    def _is_too_large(self, arguments: Sequence[str], words: Sequence[str]) -> bool:
        limit = self.limits.max_request_bytes
        if limit is None or not words:
            return False
        return request_bytes([*arguments, *words]) > limit - _FRAME_BYTES

    def _stage(self, staged_key: str, words: Sequence[str]) -> Plan[ScriptClient, int]:
        """Store records in chunks; return their number."""
        count = 0
        for chunk in chunks(words, (self.limits.max_request_bytes or 0) - _FRAME_BYTES):
            count += 1
            yield from self._sender.run(scripts.STAGE, [staged_key], [str(count), chunk])
        return count


def _revision_argument(expected: str | None) -> str:
    if expected is None:
        return ""
    return expected if _REVISION.fullmatch(expected) else _FOREIGN_REVISION


def _read(reply: Any) -> Written:
    if isinstance(reply, str):
        raise RevisionConflictError(reply or None)
    if reply and isinstance(reply[0], list):
        reply, owner, entry = reply
        return Written(reply, ConversationRecord(owner, index_entry=entry))
    return Written(reply, None)
