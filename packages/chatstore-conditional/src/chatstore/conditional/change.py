"""``Change``: one change of a conversation, repeated until it took effect, exactly once.

A decision is made for the current head, and committed if the head is still the same. The newest
head that this process knows saves reading it: then an append is one request. Its path is:

1. `Conversations.append` makes an `Adding`, which decides what to write for a head, and runs
   a `Change` with it.
2. `Change.run` repeats `_attempt` while other writers are faster or no reply comes.
3. `_advance` has `Adding` decide for the head, and gets a `Proposal`.
4. `_write` makes a `Commit` of it: the new head, the message's record, the marker of its id.
5. `_commit` sends it as a `HeadWrite` with `Database.commit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from chatstore.conditional.commit import (
    Commit,
    commit_of,
    head_write,
    is_divided,
    message_records,
    with_markers,
)
from chatstore.conditional.context import Context, with_refresh
from chatstore.conditional.decisions import (
    Decide,
    Edited,
    NewMessage,
    Nothing,
    Preparation,
    Proposal,
)
from chatstore.conditional.head import Head, StoredHead
from chatstore.conditional.lookup import OutdatedError, View
from chatstore.conditional.lost_replies import REMEMBERED, Attempt, took_effect
from chatstore.conditional.names import new_name
from chatstore.conditional.reading import read_head
from chatstore.conditional.staging import StagedWrite
from chatstore.core import RevisionConflictError, StoreUnavailableError
from chatstore.core.backend import Plan, Retryable, RetryPolicy, retry

C = TypeVar("C")


class Outcome(NamedTuple):
    """What became of a change.

    Attributes:
        result: What the call returns.
        known: The current head, if it is known.
        attempt: The commit that took effect; ``None``: nothing had to be written.
        error: What the call raises instead.

    """

    result: Any
    known: StoredHead | None
    attempt: Attempt | None = None
    error: Exception | None = None


class _RefusedError(StoreUnavailableError):
    """Another writer was faster."""


class Change(Generic[C]):
    """Carries out one change.

    Attributes:
        request: The id of this change; the head remembers it when the change took effect.

    """

    def __init__(self, context: Context[C], key: str, decide: Decide[C]) -> None:
        """Prepare a change.

        Args:
            context: What the backend's changes share.
            key: The conversation.
            decide: Decides for a head what to write; called again when the head has changed.

        """
        self.request = new_name()
        self._context = context
        self._database = context.database
        self._key = key
        self._decide = decide
        self._known: StoredHead | None = None
        self._is_remembered = False  # the known head was not read or written by this change
        self._unanswered: list[Attempt] = []
        self._staged: StagedWrite[C] | None = None
        self._refused: str | None = None  # the version for which a commit was refused
        self._outdated: str | None = None  # the version for which a record was missing
        self._is_writing = False  # errors of reads, which were retried already, are final

    def run(self, remembered: StoredHead | None) -> Plan[C, Outcome]:
        """Carry out the change.

        Args:
            remembered: The newest head that this process knows, which may be outdated.

        Raises:
            StoreUnavailableError: Other writers were faster again and again, or the database did
                not answer.
            OutcomeUnknownError: A commit got no reply, and other writers wrote so much since that
                its outcome cannot be known.

        """
        self._known = remembered
        self._is_remembered = remembered is not None
        policy = RetryPolicy(
            self._context.patience, first_pause=0.005, longest_pause=0.5, jitter=1.0
        )
        return retry(
            self._attempt,
            self._judge,
            policy=policy,
            sleep=self._database.sleep,
            server=self._database.server,
        )

    def _judge(self, error: Exception, attempt: int) -> Retryable | None:
        if not self._is_writing:
            return None
        was_remembered, self._is_remembered = self._is_remembered, False
        if isinstance(error, _RefusedError):
            return Retryable(reason=None, is_free=was_remembered)
        return self._context.judge(error, attempt)

    def _attempt(self) -> Plan[C, Outcome]:
        """Decide and commit until the change took effect; raise if a commit did not succeed."""
        outcome: Outcome | None = None
        while outcome is None:
            self._is_writing = False
            stored, self._known = self._known, None
            if stored is None:
                stored = yield from read_head(self._database, self._key)
                self._is_remembered = False
            outcome = yield from self._advance(stored)
        return outcome

    def _advance(self, stored: StoredHead | None) -> Plan[C, Outcome | None]:
        """Do what comes next for a head; ``None``: decide again."""
        for attempt in self._unanswered:
            if (yield from took_effect(self._database, self._key, attempt, stored)):
                return Outcome(attempt.result, stored, attempt)
        version, head = (None, None) if stored is None else (stored.version, stored.head)
        current = self._context.current(head, self.request)
        try:
            decision = yield from self._decide(View(current, version == self._outdated))
        except OutdatedError as outdated:
            if version == self._outdated:
                raise outdated.error from None
            self._outdated = version
            return None
        except RevisionConflictError as error:
            decision = Nothing(None, error=error)
        if isinstance(decision, Nothing):
            if all(attempt.version != version for attempt in self._unanswered):
                is_current = yield from self._is_current(version, decision)
                return (
                    Outcome(decision.result, stored, error=decision.error) if is_current else None
                )
            # A commit without a reply may still arrive: after another one it is refused.
            decision = Preparation(Edited(current))
        self._is_writing = True
        if isinstance(decision, Proposal):
            return (yield from self._write(stored, current, decision))
        self._known = yield from self._commit(version, commit_of(head, decision.edited))
        self._is_remembered = False
        return None

    def _is_current(self, version: str | None, decision: Nothing) -> Plan[C, bool]:
        """Return whether there is still nothing to write; no commit proves it."""
        if not (self._is_remembered or decision.depends_on_records):
            return True
        stored = yield from read_head(self._database, self._key)
        return (None if stored is None else stored.version) == version

    def _write(
        self, stored: StoredHead | None, current: Head, proposal: Proposal
    ) -> Plan[C, Outcome | None]:
        """Commit a proposal and return its outcome; stage it and return ``None`` if too large."""
        messages, limits = proposal.messages, self._database.limits
        staged = None if self._staged is None else self._staged.number_in(current)
        number = current.next_number if staged is None else staged
        version, head = (None, None) if stored is None else (stored.version, stored.head)
        commit = commit_of(head, proposal.edit(current, number))
        commit.deletes[:0] = proposal.deletes
        new = commit.head
        if messages and staged is None:
            commit.puts.update(message_records(current.stream, number, messages, self.request))
            if not commit.fits(limits, self._database.weigh):
                yield from self._stage(stored, current, messages)
                return None
            new = new._replace(next_number=number + len(messages))
        if staged is not None:
            others = tuple(s for s in new.stagings if s.owner != self.request)
            new = new._replace(stagings=others)
        new = new._replace(
            requests=(*current.requests, self.request)[-REMEMBERED:],
            sequence=current.sequence + 1,
            is_divided=new.is_divided or is_divided(messages),
        )
        commit = commit._replace(head=with_refresh(self._context.lasting(new)))
        commit = with_markers(commit, messages, number, limits)
        attempt = Attempt(
            proposal.result,
            self.request,
            version,
            current,
            commit,
            range(number, number + len(messages)),
            is_staged=staged is not None,
            removed=proposal.removed,
        )
        # Commits for earlier heads cannot take effect any more.
        unanswered = [other for other in self._unanswered if other.version == version]
        self._unanswered = [*unanswered, attempt]
        try:
            written = yield from self._commit(version, commit)
        except _RefusedError:
            self._unanswered = unanswered
            raise
        return Outcome(proposal.result, written, attempt)

    def _stage(
        self, stored: StoredHead | None, current: Head, messages: Sequence[NewMessage]
    ) -> Plan[C, None]:
        """Write messages before they become visible; the next decision commits them."""
        if self._staged is None:
            self._staged = StagedWrite(self._context, self._key, self.request, self._commit)
        self._known = yield from self._staged.write(stored, current, messages)
        self._is_remembered = False

    def _commit(self, version: str | None, commit: Commit) -> Plan[C, StoredHead]:
        deletes = commit.deletes
        if deletes and version == self._refused:
            # The head is the same, so a record to be deleted is missing: it was removed by hand.
            deletes = list((yield from self._database.read_records(self._key, deletes)))
        self._refused = None
        head = commit.head
        write = head_write(version, head, commit.puts, deletes)
        committed = yield from self._database.commit(self._key, write)
        if committed is None:
            self._refused = version
            raise _RefusedError(
                f"{self._database.server}: other writers changed this conversation again and "
                "again; try again"
            )
        return StoredHead(head, committed)
